"""The lanes this process owns: taken in with their commits, let go with everything recorded.

A lane that is revoked starts nothing new, waits for its open POSTs, cuts what is left (timed out,
each with its retry), commits and yields. A lost lane is dropped as it is: another owner has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from hooklane.adapters import metrics
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock, Member
from hooklane.deliverer.crossing import Crossing
from hooklane.deliverer.lane import Lane
from hooklane.deliverer.reading import Reading
from hooklane.deliverer.sending import Sending
from hooklane.deliverer.tick import Ticker
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.topics import Partition

WAIT_S = 0.005
CUT_WAIT_S = 2.0
COMMIT_WAIT_S = 5.0


class Assignment:
    """Listens to the group, and keeps the readings of what it owns.

    Args:
        revoke_wait_s: how long open POSTs of a revoked lane may go on.
    """

    def __init__(
        self,
        member: Member,
        crossing: Crossing,
        *,
        clock: Clock,
        revoke_wait_s: float,
        log: Log,
    ) -> None:
        """Begin with no lane."""
        self._member, self._crossing, self._clock = member, crossing, clock
        self._revoke_wait_s, self._log = revoke_wait_s, log
        self._untaken: dict[Partition, None] = {}
        self.readings: dict[Partition, Reading] = {}
        # Lanes whose commit can't be read: they are left alone, and the process is not ready.
        self.unreadable: dict[Partition, str] = {}
        self.lane_of: Callable[[Partition], Lane] = lambda partition: Lane(partition, "")

    def bind(
        self, sending: Sending, ticker: Ticker, *, drain: Callable[[], None],
        tick: Callable[[], None],
    ) -> None:  # fmt: skip
        """Learn the other halves.

        Args:
            sending: the loop's side.
            ticker: what was settled and waits for its commit.
            drain: takes the loop's outbox in.
            tick: commits what was settled; may raise Unavailable.
        """
        self._sending, self._ticker, self._drain, self._tick = sending, ticker, drain, tick

    def on_assigned(self, partitions: Sequence[Partition]) -> None:
        """Take lanes in, now if their commits can be read, else as soon as they can."""
        self._untaken.update(dict.fromkeys(partitions))
        try:
            self.take_in()
        except Unavailable as error:
            self._log("lanes.waited", level="warning", error=str(error), lanes=len(partitions))

    def take_in(self) -> None:
        """Read the commits of lanes that are assigned and not yet read, and begin there.

        Raises:
            Unavailable: a commit could not be read; it is never taken as none.
        """
        partitions = list(self._untaken)
        if not partitions:
            return
        commits = self._member.committed(partitions)
        taken: list[Reading] = []
        for partition in partitions:
            lane = self.lane_of(partition)
            committed = commits.get(partition)
            start = self._member.ends(partition)[0] if committed is None else committed.offset
            try:
                reading = Reading(lane, start=start, committed=committed)
            except BrokenContract as error:
                self.unreadable[partition] = str(error)
                self._log(
                    "commit.unreadable", level="error", lane=partition.topic, error=str(error)
                )
                continue
            taken.append(reading)
        # First, because it may fail; then all of it is done again.
        self._member.assign({r.partition: r.tracker.position for r in taken})
        self._untaken.clear()
        self.readings.update({reading.partition: reading for reading in taken})
        self._crossing.call(self._sending.open, [reading.lane for reading in taken])

    def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """Finish, commit and let go."""
        readings = self._leaving(partitions)
        self.finish(readings, wait_s=self._revoke_wait_s)
        self._remove(readings)

    def on_lost(self, partitions: Sequence[Partition]) -> None:
        """Let go at once; what ends late in these lanes is dropped."""
        readings = self._leaving(partitions)
        self._crossing.call(self._sending.close, [reading.lane for reading in readings])
        self._remove(readings)
        self._log("lanes.lost", level="warning", lanes=len(readings))

    def on_gap(self, partition: Partition, *, log_start: int) -> None:
        """Record that deliveries are gone from the log, and go on behind them."""
        reading = self.readings.get(partition)
        if reading is None:
            return
        metrics.GAPS.inc()
        position = reading.tracker.position
        self._log(
            "lane.gapped", level="error", lane=partition.topic, position=position, start=log_start
        )
        reading.tracker.advance(log_start)

    def finish(self, readings: Sequence[Reading], *, wait_s: float) -> None:
        """Start nothing new in these, wait for what is open, cut the rest, commit."""
        lanes = [reading.lane for reading in readings]
        self._crossing.call(self._sending.close, lanes)
        self._wait(lanes, seconds=wait_s)
        if any(lane.flights for lane in lanes):
            self._crossing.call(self._sending.cut, lanes)
            self._wait(lanes, seconds=CUT_WAIT_S)
        deadline = self._clock.monotonic() + COMMIT_WAIT_S
        self._drain()
        while self._ticker.has_work:
            try:
                self._tick()
            except Unavailable as error:
                self._log("tick.failed", level="warning", error=str(error))
                if self._clock.monotonic() >= deadline:
                    return
                self._clock.sleep(WAIT_S * 20)

    def _wait(self, lanes: Iterable[Lane], *, seconds: float) -> None:
        lanes = tuple(lanes)
        deadline = self._clock.monotonic() + seconds
        while not all(lane.closed and not lane.flights for lane in lanes):
            if self._clock.monotonic() >= deadline and all(lane.closed for lane in lanes):
                return
            self._drain()
            self._crossing.check()
            if self._sending.fault is not None:
                raise self._sending.fault
            self._clock.sleep(WAIT_S)

    def _leaving(self, partitions: Sequence[Partition]) -> list[Reading]:
        for partition in partitions:
            self._untaken.pop(partition, None)
            self.unreadable.pop(partition, None)
        return [self.readings[p] for p in partitions if p in self.readings]

    def _remove(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            self.readings.pop(reading.partition, None)
        self._ticker.drop(reading.lane for reading in readings)


def topics_of(readings: Mapping[Partition, Reading]) -> set[str]:
    """Give the topics that are read."""
    return {partition.topic for partition in readings}
