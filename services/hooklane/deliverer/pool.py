"""A partition of the pool: one lane for the poll thread, one small lane an endpoint for the loop.

The partition is never held. What an endpoint's own lane would wait for (a pause, a Retry-After, an
open breaker, a 410 not yet obeyed), and what comes for it faster than it takes, does not wait in
memory here, or for seconds only: it goes on to a retry tier, no attempt counted, and comes back to
wherever the endpoint is by then. A delivery whose endpoint has its place elsewhere is copied there,
the same bytes and headers. Both leave the partition in the tick, as anything that is settled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hooklane.adapters import metrics
from hooklane.adapters.codec import delivery_endpoint
from hooklane.adapters.ports import Clock, Record
from hooklane.deliverer.lane import Flight, Gate, Lane
from hooklane.deliverer.settling import Settled, Write
from hooklane.domain.attempt import Outcome
from hooklane.domain.breaker import BreakerState
from hooklane.domain.delivery import from_ms, progress_of, to_ms
from hooklane.domain.endpoint import Placement
from hooklane.domain.retry import first_tier
from hooklane.domain.topics import Partition, Topics

if TYPE_CHECKING:
    from hooklane.deliverer.gates import Gates
    from hooklane.deliverer.outbox import Outbox

MOVED, PASSED_ON, BUSY = "moved", "passed_on", "busy"
# What a lane of its own waits for; in the pool deliveries go on instead.
_PASSED = frozenset((Gate.PAUSED, Gate.HELD, Gate.BROKEN, Gate.STOPPED))
# Whose oldest delivery waits here for so long is late.
LATE_MS = 5_000
# How much of what may wait in a partition is one endpoint's, and that of all who are late.
BYTES_SHARE, LATE_SHARE = 8, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """Open POSTs of a partition, of each endpoint in it; deliveries of each that may wait.

    And what may wait in the partition before it is not read any more.
    """

    in_flight_max: int = 256
    share: int = 8
    waiting_max: int = 200
    buffered_max: int = 1_000
    bytes_max: int = 4 * 1024 * 1024


class _Flights(dict[int, Flight]):
    """An endpoint's open POSTs, which are its partition's too."""

    def __init__(self, whole: dict[int, Flight]) -> None:
        super().__init__()
        self._whole = whole

    def __setitem__(self, offset: int, flight: Flight) -> None:
        super().__setitem__(offset, flight)
        self._whole[offset] = flight

    def __delitem__(self, offset: int) -> None:
        super().__delitem__(offset)
        del self._whole[offset]


class PooledLane(Lane):
    """One endpoint's deliveries in a partition of the pool."""

    __slots__ = ("_pool", "is_late", "is_queued", "passes")

    is_pooled = True

    def __init__(self, pool: PoolLane, endpoint_id: str) -> None:
        """Begin empty."""
        super().__init__(pool.partition, endpoint_id)
        self._pool = pool
        self.flights = _Flights(pool.flights)
        # What its lane would wait for: its deliveries go on instead.
        self.passes: Gate | None = None
        # It waits for a POST of the partition to end.
        self.is_queued = False
        # Its oldest delivery waits for long.
        self.is_late = False

    @property
    def root(self) -> Lane:
        """Give the partition's lane."""
        return self._pool

    @property
    def may_start(self) -> bool:
        """Tell whether one more may start, or go on; line up where only the partition is full."""
        if self.passes is not None:
            return self.gate is None and self.has_work
        pool = self._pool
        if len(self.flights) >= pool.limits.share or not super().may_start:
            return False
        if len(pool.flights) < pool.in_flight_max:
            return True
        pool.line_up(self)
        return False

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing of it is to be remembered."""
        busy = self.has_work or self.flights or self.waiting or self.starved or self.is_queued
        is_well = self.valve.breaker.state is BreakerState.CLOSED
        return not busy and self.gate is None and self.passes is None and is_well

    @property
    def waiting_max(self) -> int:
        """Say how many may wait: of one that is late, those that it begins next."""
        pool = self._pool
        if not self.is_late:
            return pool.limits.waiting_max
        posts = min(pool.limits.share, self.in_flight_max)
        soon = int(min(posts, max(1.0, self.rate_per_s * LATE_MS / 1_000)))
        if self.batch is not None:
            soon *= self.batch.count_max
        return min(pool.limits.waiting_max, pool.late_max, soon)

    @property
    def bytes_max(self) -> int:
        """Say how many bytes may wait; a batch's come together here."""
        pool = self._pool
        share = pool.limits.bytes_max // BYTES_SHARE
        if self.is_late:
            return min(share, pool.late_bytes_max)
        return share if self.batch is None else max(share, self.batch_bytes_max)

    def admitted(self, gate: Gate | None) -> Gate | None:
        """Note what its deliveries are passed on for, and wait for nothing that lasts."""
        self.passes = gate if gate in _PASSED else None
        return None if gate in _PASSED else gate

    def put(self, record: Record) -> Lane:
        """Take a record in."""
        self._pool.pending_bytes += len(record.value() or b"")
        return super().put(record)

    def take(self) -> Record:
        """Give the next record to be begun."""
        return super().take() if self.ready else self._took(super().take())

    def shed(self) -> Record:
        """Give the newest record, not to be begun here."""
        record = self.pending.pop()
        self.left += 1
        self.pending_bytes -= len(record.value() or b"")
        return self._took(record)

    def answered(self, *, offset: int, duration_ms: float) -> None:
        """Count a POST that ended, for the partition too."""
        super().answered(offset=offset, duration_ms=duration_ms)
        self._pool.ended += 1
        self._pool.latency_ms = max(self.latency_ms, self._pool.latency_ms * 0.95)

    def _took(self, record: Record) -> Record:
        pool = self._pool
        pool.left += 1
        pool.pending_bytes -= len(record.value() or b"")
        pool.taken_to = max(pool.taken_to, record.offset())
        return record


class PoolLane(Lane):
    """A partition as the poll thread knows it; its endpoints' lanes come and go within."""

    __slots__ = (
        "_came", "_came_to", "_queue", "fresh", "lanes", "late_bytes_max", "late_max", "limits",
        "taken_to",
    )  # fmt: skip

    def __init__(self, partition: Partition, *, limits: PoolLimits) -> None:
        """Begin with no endpoint."""
        super().__init__(partition, "")
        self.limits, self.in_flight_max = limits, limits.in_flight_max
        self.lanes: dict[str, PooledLane] = {}
        # Those of which nobody knows yet whether they may start.
        self.fresh: list[PooledLane] = []
        self._queue: deque[PooledLane] = deque()
        # Beyond it nothing was taken from any of its lanes.
        self.taken_to = -1
        # What each of those who are late may have waiting.
        self.late_max, self.late_bytes_max = limits.buffered_max, limits.bytes_max
        # Up to where records had come, and when.
        self._came_to = -1
        self._came: deque[tuple[int, int]] = deque()

    def put(self, record: Record) -> Lane:
        """Take a record in; give the lane it waits in."""
        self._came_to = record.offset()
        endpoint_id = delivery_endpoint(record.value() or b"")
        lane = self.lanes.get(endpoint_id)
        if lane is None:
            lane = self.lanes[endpoint_id] = PooledLane(self, endpoint_id)
            self.fresh.append(lane)
        return lane.put(record)

    def find_late(self, now_ms: int) -> None:
        """Note whose oldest delivery waits for long, and share what they may have waiting."""
        came, late = self._came, 0
        came.append((now_ms, self._came_to))
        while len(came) > 1 and came[1][0] <= now_ms - LATE_MS:
            came.popleft()
        at_ms, to = came[0]
        to = to if at_ms <= now_ms - LATE_MS else -1
        for lane in self.lanes.values():
            is_old = bool(lane.pending) and lane.pending[0].offset() <= to
            lane.is_late = is_old and lane.gate is not Gate.EMPTYING
            late += lane.is_late
        self.late_max = self.limits.buffered_max // LATE_SHARE // max(1, late)
        self.late_bytes_max = self.limits.bytes_max // LATE_SHARE // max(1, late)

    def line_up(self, lane: PooledLane) -> None:
        """Let a lane wait for its turn."""
        if not lane.is_queued:
            lane.is_queued = True
            self._queue.append(lane)

    def turns(self, first: Lane | None = None) -> Iterator[Lane]:
        """Give those that wait for the partition, in turn, as long as there is room."""
        if first is not None and not self._queue:
            yield first
            return
        if isinstance(first, PooledLane) and first.has_work:
            self.line_up(first)
        for _ in range(len(self._queue)):
            if not self._queue or len(self.flights) >= self.in_flight_max:
                return
            lane = self._queue.popleft()
            lane.is_queued = False
            yield lane

    def forget(self, *, keep: int, keep_bytes: int) -> int | None:
        """Drop what waits beyond all that was taken; give the first offset dropped."""
        waiting = sum(len(lane.pending) for lane in self.lanes.values())
        if waiting <= keep and self.pending_bytes <= keep_bytes:
            return None
        taken_to, dropped = self.taken_to, []
        for lane in self.lanes.values():
            while lane.pending and lane.pending[-1].offset() > taken_to:
                dropped.append(lane.shed().offset())
        # Dropped is not taken: it comes again.
        self.taken_to = taken_to
        first = min(dropped, default=None)
        if first is not None:
            self._came = deque((at_ms, min(to, first - 1)) for at_ms, to in self._came)
            self._came_to = min(self._came_to, first - 1)
        return first

    def parts(self) -> Sequence[Lane]:
        """Give all that is closed with it."""
        return (self, *self.lanes.values())


class Pooling:
    """Moves and passes on what is not to wait in the pool."""

    def __init__(
        self, outbox: Outbox, gates: Gates, *, clock: Clock, topics: Topics,
        tiers: Sequence[timedelta],
    ) -> None:  # fmt: skip
        """Know where what is settled goes."""
        self._outbox, self._gates, self._clock = outbox, gates, clock
        self._topics, self._tiers = topics, tiers

    def settles(self, flight: Flight) -> bool:
        """Settle a delivery that is not to be sent from here; tell whether it was."""
        lane, endpoint = flight.lane, flight.plan.endpoint
        assert isinstance(lane, PooledLane)
        place = None if endpoint is None else endpoint.placement
        if place is not None and (place.topic, place.partition) != lane.partition:
            self._outbox.settle(moved(flight, place, now_ms=self._clock.now_ms()))
            metrics.DELIVERIES_MOVED.inc()
            return True
        if lane.passes is not None and self._until_ms(lane) <= self._clock.now_ms():
            self._gates.regate(lane)
        if lane.passes is None:
            return False
        self._pass_on(flight, until_ms=self._until_ms(lane), why=lane.passes.value)
        return True

    def relieve(self, lane: Lane, read: Callable[[Lane, Record], Flight | None]) -> None:
        """Pass on the newest of what waits beyond an endpoint's share."""
        assert isinstance(lane, PooledLane)
        waiting_max = lane.waiting_max
        while len(lane.pending) > waiting_max and lane.gate is not Gate.ASKING:
            self._shed(lane, read)

    def review(
        self, pool: PoolLane, now_ms: int, *, read: Callable[[Lane, Record], Flight | None]
    ) -> None:
        """Pass on what waits behind those who are late, and whose bytes are too many.

        The partition is read on beside what they still have waiting.
        """
        pool.find_late(now_ms)
        for lane in pool.lanes.values():
            self.relieve(lane, read)
            # What it begins next stays; where something of it is open that need not be here.
            least = 0 if lane.is_late and lane.flights else 1
            bytes_max = lane.bytes_max
            while (
                len(lane.pending) > least
                and lane.pending_bytes > bytes_max
                and lane.gate is not Gate.ASKING
            ):
                self._shed(lane, read)
        pool.aside = sum(len(lane.pending) for lane in pool.lanes.values() if lane.is_late)

    def _shed(self, lane: PooledLane, read: Callable[[Lane, Record], Flight | None]) -> None:
        flight = read(lane, lane.shed())
        if flight is not None:
            self._pass_on(flight, until_ms=0, why=BUSY)

    def _until_ms(self, lane: PooledLane) -> int:
        match lane.passes:
            case Gate.HELD:
                return lane.hold_until_ms
            case Gate.BROKEN:
                return lane.valve.breaker.until_ms
            case _:
                # Until its next revision; what it comes back to then is not known.
                return self._clock.now_ms() + 1

    def _pass_on(self, flight: Flight, *, until_ms: int, why: str) -> None:
        now = self._clock.now()
        # What it waits for itself may be later than what its lane does.
        until_ms = max(until_ms, flight.headers.get("not-before", 0))
        wait = timedelta(milliseconds=max(0, until_ms - to_ms(now)))
        tier = first_tier(wait, step_delay=min(self._tiers), tiers=self._tiers)
        # Up to the next whole millisecond: rounded down it would be early.
        due_ms = max(until_ms, to_ms(now + tier) + 1)
        progress = progress_of(flight.record.headers())
        headers = replace(progress, not_before=from_ms(due_ms), hops=1).headers()
        key = flight.delivery["delivery_id"].encode()
        write = Write(self._topics.retry(tier), key, flight.record.value(), headers)
        self._outbox.settle(_settled(flight, PASSED_ON, write))
        metrics.DELIVERIES_PASSED_ON.labels(why).inc()


def moved(flight: Flight, place: Placement, *, now_ms: int) -> Settled:
    """Settle a delivery by its copy in the lane that its endpoint has now; a hold goes along."""
    record, hold_until_ms = flight.record, flight.lane.hold_until_ms
    headers = [(name, value or b"") for name, value in record.headers() or ()]
    if hold_until_ms > max(now_ms, flight.headers.get("not-before", 0)):
        headers = [(name, value) for name, value in headers if name != "not-before"]
        headers.append(("not-before", b"%d" % hold_until_ms))
    write = Write(place.topic, record.key(), record.value(), headers, place.partition)
    return _settled(flight, MOVED, write)


def _settled(flight: Flight, verdict: str, write: Write) -> Settled:
    return Settled(
        lane=flight.lane,
        offset=flight.record.offset(),
        key=flight.delivery["delivery_id"].encode(),
        attempt=b"",
        outcome=Outcome.NONE,
        verdict=verdict,
        copies=(write,),
    )
