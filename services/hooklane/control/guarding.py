"""Raises the exhaustion guard while next to no endpoint that is tried succeeds, and renews it.

Reads how many endpoints were attempted of late and how many of them succeeded, from SQL, where
`health` keeps it. Writes Guard commands through the outbox, each valid for some minutes, so that
the guard ends by itself also where control is away. Promises: of several control processes each
judges the same, and one telling more than the other does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.metrics import EXHAUSTION_GUARD
from hooklane.adapters.ports import Clock
from hooklane.adapters.store import Command, ControlStore
from hooklane.domain.delivery import to_ms
from hooklane.domain.guard import Guard, Rules, renewed
from hooklane.domain.ids import new_command_id
from hooklane.domain.topics import Topics

LOOK_EVERY = timedelta(seconds=5)
_NAP_S = 0.5
# One key, so that the last one told is the last one read.
_KEY = b"guard"


class Guarding:
    """Looks after the guard; `guard` may be read by any thread."""

    name = "guard"

    def __init__(
        self, store: ControlStore, *, topics: Topics, rules: Rules, clock: Clock, log: Log = no_log
    ) -> None:
        """Begin without a guard: one that was told before this process began holds all the same."""
        self._store, self._topics, self._rules = store, topics, rules
        self._clock, self._log = clock, log
        self._look_at = float("-inf")
        self.guard: Guard | None = None
        # Set by whoever has a relay to wake.
        self.ring: Callable[[], None] = lambda: None

    def step(self) -> None:
        """Look, when it is time.

        Raises:
            Unavailable: the database can't be reached.
        """
        if self._clock.monotonic() < self._look_at:
            self._clock.sleep(_NAP_S)
            return
        self._look()
        self._look_at = self._clock.monotonic() + LOOK_EVERY.total_seconds()

    def close(self) -> None:
        """End."""

    def _look(self) -> None:
        now, before = self._clock.now(), self.guard
        reach = self._store.reach(since=now - self._rules.window)
        guard = renewed(before, reach, rules=self._rules, now=now)
        if guard is not None and guard is not before:
            self._tell(guard)
        if before is None and guard is not None:
            self._log(
                "guard.raised",
                level="error",
                attempted=reach.attempted,
                succeeded=reach.succeeded,
                until=guard.until,
            )
        if before is not None and guard is None:
            self._log("guard.ended", since=before.since)
        self.guard = guard
        EXHAUSTION_GUARD.set(guard is not None)

    def _tell(self, guard: Guard) -> None:
        now = self._clock.now()
        value = codec("command").encode(
            {
                "command_id": new_command_id(),
                "kind": "guard",
                "endpoint_id": "",
                "tenant": "",
                "issued_at": to_ms(now),
                "until": to_ms(guard.until),
            }
        )
        command = Command(topic=self._topics.commands, key=_KEY, value=value)
        self._store.add_command(command, at=now)
        self.ring()
