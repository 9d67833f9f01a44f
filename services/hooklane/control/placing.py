"""Who gets a lane of its own, and who goes back to the pool: the adaptive part of placement.

Reads, from SQL, how pooled endpoints do (control's watch takes every attempt in), and who with a
lane of its own is quiet. Writes revisions: a new placement, the old lane among `former`; the relay
creates a lane before it publishes the revision that names it. Promises: nobody is moved whom a
hand placed; lanes beyond `dedicated_lanes_max` are given to nobody here; of several control
processes that move the same endpoint one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from hooklane.adapters import metrics
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Clock
from hooklane.adapters.store import ControlStore, KeptEndpoint
from hooklane.domain.delivery import EPOCH
from hooklane.domain.endpoint import Endpoint, EndpointState
from hooklane.domain.errors import NotFound
from hooklane.domain.placing import (
    PlacingRules,
    in_own_lane,
    in_pool,
    is_pooled,
    may_leave_lane,
    wants_own_lane,
)
from hooklane.domain.topics import Topics

LOOK_EVERY = timedelta(seconds=2)
# Rows are stamped before their transaction commits.
_OVERLAP = timedelta(seconds=10)
# So many moves a look: each is a revision that everybody reads.
MOVES_MAX = 50

Move = Callable[[Endpoint], Endpoint | None]


class Placer:
    """Moves endpoints; every call is made by one thread."""

    name = "placing"

    def __init__(
        self, store: ControlStore, *, topics: Topics, rules: PlacingRules, lanes_max: int,
        clock: Clock, log: Log = no_log,
    ) -> None:  # fmt: skip
        """Begin with everybody to be looked at."""
        self._store, self._topics, self._rules = store, topics, rules
        self._lanes_max, self._clock, self._log = lanes_max, clock, log
        self._seen_to, self._stop = EPOCH, threading.Event()
        # Pooled endpoints that are to have a lane of their own, and why, oldest first.
        self._wanting: dict[str, str] = {}
        # Set by whoever has a relay to wake.
        self.ring: Callable[[], None] = lambda: None

    def step(self) -> None:
        """Look, move, and wait a while.

        Raises:
            Unavailable: the database can't be reached.
        """
        if self.look():
            self.ring()
        self._stop.wait(LOOK_EVERY.total_seconds())

    def look(self) -> int:
        """Move whom there is to move; give how many moved."""
        now = self._clock.now()
        for health in self._store.pooled_health(since=self._seen_to):
            why = wants_own_lane(health, rules=self._rules, now=now)
            if why is not None:
                self._wanting.setdefault(health.endpoint_id, why)
        self._seen_to = now - _OVERLAP
        metrics.LANES_WANTED.set(len(self._wanting))
        if not self._wanting:
            return 0
        return self._make_room(now) + self._promote()

    def close(self) -> None:
        """End."""
        self._stop.set()

    def _make_room(self, now: datetime) -> int:
        """Send quiet endpoints to the pool where more want a lane than are free."""
        missing = min(MOVES_MAX, len(self._wanting)) - self._free()
        if missing <= 0:
            return 0
        quiet = self._store.quiet_endpoints(since=now - self._rules.quiet_after, limit=missing)
        return sum(self._move(endpoint_id, self._to_pool, why="quiet") for endpoint_id in quiet)

    def _promote(self) -> int:
        chosen = list(self._wanting)[: max(0, min(MOVES_MAX, self._free()))]
        return sum(
            self._move(endpoint_id, self._to_lane, why=self._wanting.pop(endpoint_id))
            for endpoint_id in chosen
        )

    def _free(self) -> int:
        return self._lanes_max - self._store.own_lanes()

    def _to_lane(self, endpoint: Endpoint) -> Endpoint | None:
        if endpoint.state is not EndpointState.ACTIVE or not is_pooled(endpoint, self._topics):
            return None
        return in_own_lane(endpoint, self._topics)

    def _to_pool(self, endpoint: Endpoint) -> Endpoint | None:
        if not may_leave_lane(endpoint) or is_pooled(endpoint, self._topics):
            return None
        return in_pool(endpoint, self._topics)

    def _move(self, endpoint_id: str, move: Move, *, why: str) -> bool:
        moved = None

        def decide(kept: KeptEndpoint) -> Endpoint | None:
            nonlocal moved
            moved = None if kept.note.pinned else move(kept.endpoint)
            return moved and replace(moved, revision=moved.revision + 1)

        try:
            self._store.change_endpoint(endpoint_id, decide, at=self._clock.now())
        except NotFound:
            return False
        if moved is None or moved.placement is None:
            return False
        metrics.LANES_MOVED.labels(why).inc()
        self._log("endpoint.placed", endpoint=endpoint_id, lane=moved.placement.topic, why=why)
        return True
