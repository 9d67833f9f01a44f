"""Who has read which change: what `effective` is answered from.

Reads `hooklane.positions` (each process's own report) and what the relay announced; asks the
cluster which matchers live. Promises: `effective` is true only when every member of the matchers'
group has read past the change; a matcher that joins later reads the table to its end first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hooklane.adapters.codec import codec
from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Admin, Clock, Reader, Record
from hooklane.adapters.store import KeptEndpoint
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.errors import BrokenContract, HooklaneError, Unavailable
from hooklane.domain.topics import Partition, Topics

_READ_WAIT = timedelta(milliseconds=500)
_ASK_AGAIN_S = 0.25
_MEMBERS_KEPT_S = 1.0
_BATCH = 1_000
# A process tells every half minute: who has not is gone, or stands.
TOLD_WITHIN = timedelta(seconds=70)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFlow:
    """What narrows an endpoint's lane, as its deliverer tells."""

    state: str
    in_flight_limit: int
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a process last told: its table position, its clock less the broker's, its lanes."""

    table_offset: int
    assigned_lanes: int
    clock_skew_ms: int
    told_at_ms: int = 0
    flows: Mapping[str, LaneFlow] = field(default_factory=dict)


class Positions:
    """The newest report of each process instance; read by one thread, asked by many."""

    def __init__(self, reader: Reader, topic: str, *, log: Log = no_log) -> None:
        """Begin with nothing read."""
        self._reader, self._partition, self._log = reader, Partition(topic, 0), log
        self._reports: dict[str, Report] = {}
        self.changed = threading.Condition()

    def start(self) -> None:
        """Read the topic to its present end."""
        log_start, end = self._reader.ends(self._partition)
        self._reader.start({self._partition: log_start})
        while self._reader.position(self._partition) < end:
            self.step()

    def step(self) -> None:
        """Take in what comes within half a second."""
        records = self._reader.read(_BATCH, timeout=_READ_WAIT)
        if not records:
            return
        with self.changed:
            for record in records:
                self._take(record)
            self.changed.notify_all()

    def get(self, instance: str) -> Report | None:
        """Give an instance's newest report."""
        return self._reports.get(instance)

    def all(self) -> dict[str, Report]:
        """Give every instance's newest report, also of those that are gone."""
        return dict(self._reports)

    def flows(self, *, since_ms: int) -> dict[str, LaneFlow]:
        """Give what narrows endpoints' lanes, by the newest reports since then."""
        found: dict[str, LaneFlow] = {}
        for report in sorted(self.all().values(), key=lambda report: report.told_at_ms):
            if report.told_at_ms >= since_ms:
                found |= report.flows
        return found

    def passed(self, instances: Iterable[str], offset: int) -> bool:
        """Tell whether all of these have read to this table position."""
        return all(
            report is not None and report.table_offset >= offset
            for report in map(self._reports.get, instances)
        )

    def close(self) -> None:
        """End."""
        self._reader.close()

    def _take(self, record: Record) -> None:
        key, value = record.key(), record.value()
        if key is None:
            return
        instance = key.decode(errors="replace")
        if value is None:
            self._reports.pop(instance, None)
            return
        try:
            found = codec("position").decode(value)
        except BrokenContract as error:
            self._log("position.unreadable", level="warning", instance=instance, error=str(error))
            return
        self._reports[instance] = Report(
            table_offset=found["table_offset"],
            assigned_lanes=found["assigned_lanes"],
            clock_skew_ms=found["at"] - record.timestamp()[1],
            told_at_ms=record.timestamp()[1],
            flows={lane["endpoint_id"]: _flow(lane) for lane in found["lanes"]},
        )


class Board:
    """Tells whether a change is effective, and waits for it."""

    def __init__(self, positions: Positions, admin: Admin, *, topics: Topics, clock: Clock) -> None:
        """Begin with nothing announced."""
        self._positions, self._admin, self._topics = positions, admin, topics
        self._clock = clock
        self._announced: dict[str, tuple[int, int]] = {}
        self._effective: dict[str, int] = {}
        self._matchers: tuple[float, set[str]] = (float("-inf"), set())

    def announce(self, announced: Mapping[str, tuple[int, int]]) -> None:
        """Take in what the relay of this process published."""
        if announced:
            with self._positions.changed:
                self._announced.update(announced)
                self._positions.changed.notify_all()

    def flow(self, endpoint_id: str) -> LaneFlow | None:
        """Give what narrows an endpoint's flow now, if anything does."""
        since = self._clock.now() - TOLD_WITHIN
        return self._positions.flows(since_ms=to_ms(since)).get(endpoint_id)

    def wait(
        self, endpoint_id: str, revision: int, *, timeout: timedelta, look: Callable[[], int | None]
    ) -> bool:
        """Wait until every live matcher has read a revision; tell whether they have.

        Args:
            endpoint_id: whose.
            revision: which.
            timeout: how long at most.
            look: gives the announced position from SQL, for when another process relays.
        """
        deadline = self._clock.monotonic() + timeout.total_seconds()
        offset = self._wait_announced(endpoint_id, revision, deadline=deadline, look=look)
        if offset is None:
            return False
        while True:
            try:
                matchers = self._admin.members(self._topics.group("matcher"))
            except Unavailable:
                return False
            if not matchers:
                return False
            if self._wait_passed(matchers, offset, deadline=deadline):
                self._effective[endpoint_id] = revision
                return True
            if self._clock.monotonic() >= deadline:
                return False

    def is_effective(self, kept: KeptEndpoint) -> bool:
        """Tell whether the newest revision is effective, without waiting for it."""
        endpoint = kept.endpoint
        if self._effective.get(endpoint.endpoint_id) == endpoint.revision:
            return True
        announced = kept.announced
        if announced is None:
            return False
        matchers = self._members()
        if not matchers or not self._positions.passed(matchers, announced):
            return False
        self._effective[endpoint.endpoint_id] = endpoint.revision
        return True

    def _members(self) -> set[str]:
        asked_at, members = self._matchers
        now = self._clock.monotonic()
        if now - asked_at > _MEMBERS_KEPT_S:
            try:
                members = self._admin.members(self._topics.group("matcher"))
            except HooklaneError:
                members = set()
            self._matchers = (now, members)
        return members

    def _wait_announced(
        self,
        endpoint_id: str,
        revision: int,
        *,
        deadline: float,
        look: Callable[[], int | None],
    ) -> int | None:
        while True:
            with self._positions.changed:
                self._positions.changed.wait_for(
                    lambda: self._announced.get(endpoint_id, (0, 0))[0] >= revision,
                    self._pause(deadline),
                )
                found = self._announced.get(endpoint_id)
            if found is not None and found[0] >= revision:
                return found[1]
            elsewhere = look()
            if elsewhere is not None or self._clock.monotonic() >= deadline:
                return elsewhere

    def _wait_passed(self, matchers: set[str], offset: int, *, deadline: float) -> bool:
        with self._positions.changed:
            return self._positions.changed.wait_for(
                lambda: self._positions.passed(matchers, offset), self._pause(deadline)
            )

    def _pause(self, deadline: float) -> float:
        return max(0.0, min(_ASK_AGAIN_S, deadline - self._clock.monotonic()))


def _flow(lane: Mapping[str, Any]) -> LaneFlow:
    until_ms = lane["until"]
    until = None if until_ms is None else from_ms(until_ms)
    return LaneFlow(state=lane["state"], in_flight_limit=lane["in_flight_limit"], until=until)
