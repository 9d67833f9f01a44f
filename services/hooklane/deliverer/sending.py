"""The loop thread's half: what the poll thread calls of it, and the parts it is made of.

Owns the lanes' contents and every open POST. It is called through `crossing` and answers through
`outbox`, which the poll thread empties: `Settled` deliveries in the order they ended, and notices.
Nothing here waits.

`gates` says why a lane does not start, `starting` starts and takes answers, `judging` decides what
follows from a failure, `waiting` does what time asks for, `probing` sends past the lanes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from hooklane.adapters.http.port import Sender
from hooklane.adapters.ports import Clock, Record
from hooklane.deliverer.gates import Gates
from hooklane.deliverer.judging import Judge
from hooklane.deliverer.lane import Gate, Lane
from hooklane.deliverer.load import Load
from hooklane.deliverer.outbox import Forgot, Notice, Outbox, Rules
from hooklane.deliverer.plan import Plans
from hooklane.deliverer.pool import PooledLane, Pooling, PoolLane
from hooklane.deliverer.pools import Pools
from hooklane.deliverer.probing import Probing
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.settling import Settled
from hooklane.deliverer.starting import Starter
from hooklane.deliverer.valves import Valves
from hooklane.deliverer.waiting import Waiting
from hooklane.domain.endpoint import Endpoint


class Sending:
    """Lanes, plans and open POSTs of one deliverer."""

    def __init__(
        self, sender: Sender, *, clock: Clock, settings: DelivererSettings, rules: Rules
    ) -> None:
        """Put the parts together, without lanes."""
        self._sender, self._clock = sender, clock
        self._lanes: dict[Lane, None] = {}
        self._by_endpoint: dict[str, list[Lane]] = {}
        self._plans = plans = Plans(rules.sealer)
        self.load = load = Load(clock=clock, settings=settings)
        self._out = out = Outbox(load)
        # How far the table was read that the lanes go by.
        self.table_offset = -1
        valves = Valves(out, settings=settings)
        self._gates = gates = Gates(
            plans, valves, clock=clock, settings=settings, by_endpoint=self._by_endpoint
        )
        self._judge = judge = Judge(out, gates, valves=valves, clock=clock, rules=rules)
        pooling = Pooling(out, gates, clock=clock, topics=rules.topics, tiers=rules.tiers)
        self._starter = starter = Starter(
            sender,
            plans,
            load=load,
            outbox=out,
            gates=gates,
            judge=judge,
            valves=valves,
            pooling=pooling,
            clock=clock,
            settings=settings,
            topics=rules.topics,
        )
        self._pools = Pools(self._lanes, self._by_endpoint, gates=gates, starter=starter, load=load)
        self._waiting = Waiting(self._lanes, gates, starter=starter, load=load, settings=settings)
        self.probing = Probing(
            sender=sender,
            plans=plans,
            load=load,
            clock=clock,
            connect_timeout_ms=settings.connect_timeout_ms,
            out=out.notices.append,
            pump=starter.pump,
            fail=out.fail,
        )

    @property
    def outbox(self) -> deque[Notice]:
        """What the poll thread has to take in."""
        return self._out.notices

    @property
    def fault(self) -> Exception | None:
        """A bug of ours, for the poll thread to raise."""
        return self._out.fault

    def endpoints_changed(
        self, changes: Iterable[tuple[str, Endpoint | None]], table_offset: int
    ) -> None:
        """Take in newer revisions; the table is now read to this offset."""
        changes = tuple(changes)
        self._plans.changed(changes, table_offset)
        for endpoint_id, _ in changes:
            for lane in self._by_endpoint.get(endpoint_id, ()):
                self._regate(lane)
                self._starter.pump(lane)
        self.table_offset = table_offset

    def guard(self, until_ms: int) -> None:
        """Spare what is exhausted until then."""
        self._judge.guarded_until_ms = until_ms

    def table_read(self, lane: Lane) -> None:
        """Let a lane that asked go on."""
        if lane.gate is Gate.ASKING:
            lane.gate = None
            self._regate(lane)
            self._starter.pump(lane)

    def open(self, lanes: Iterable[Lane]) -> None:
        """Take newly assigned lanes in."""
        for lane in lanes:
            if isinstance(lane, PoolLane):
                self._pools.open(lane)
                continue
            self._lanes[lane] = None
            self._by_endpoint.setdefault(lane.endpoint_id, []).append(lane)
            self._gates.regate(lane)

    def turn(self, fed: Sequence[tuple[Lane, Record]]) -> None:
        """Take records in, and do what time asks for."""
        touched: dict[Lane, None] = {}
        for lane, record in fed:
            touched[lane.put(record)] = None
        now_ms = self._clock.now_ms()
        self._pools.admit()
        self._waiting.turn(now_ms)
        self._starter.batching.turn(self._lanes, now_ms)
        for lane in touched:
            self._starter.pump(lane)
        self._pools.turn(touched, now_ms)
        self._starter.share()

    def forget(self, lane: Lane, *, keep: int, keep_bytes: int) -> None:
        """Drop what waits in a lane beyond this; a notice tells from which offset on."""
        self.outbox.append(Forgot(lane, lane.forget(keep=keep, keep_bytes=keep_bytes)))

    def close(self, lanes: Iterable[Lane]) -> None:
        """Start nothing new in these; what is open goes on."""
        for lane in [part for whole in lanes for part in whole.parts()]:
            self._pools.close(lane)
            lane.closed, lane.gate = True, Gate.CLOSED
            lane.pending.clear()
            lane.ready.clear()
            if lane.order is not None:
                lane.order.close()
            self._lanes.pop(lane, None)
            if lane in (mine := self._by_endpoint.get(lane.endpoint_id, [])):
                mine.remove(lane)

    def _regate(self, lane: Lane) -> None:
        if isinstance(lane, PooledLane):
            self._pools.regate(lane)
        else:
            self._gates.regate(lane)

    def cut(self, lanes: Iterable[Lane]) -> None:
        """End the open POSTs of these now: timed out, each with its retry."""
        for lane in lanes:
            for flight in tuple(lane.flights.values()):
                assert flight.request is not None
                self._sender.cut(flight.request)

    def cut_head(self, lane: Lane, offset: int) -> None:
        """End the POST that keeps a full lane from moving on; but not one that would only park."""
        flight = lane.flights.get(offset)
        if flight is not None and flight.request is not None and not flight.parks:
            self._sender.cut(flight.request)

    def buried(self, dead: Iterable[Settled]) -> None:
        """Learn of deliveries in ordered lanes that their deaths are committed."""
        for settled in dead:
            if settled.lane.order is not None:
                settled.lane.order.buried(settled.offset)
                self._starter.pump(settled.lane)

    def committed(self, count: int, size: int, *, since: float) -> None:
        """Learn that so many settled deliveries are committed; `since`: when they were taken."""
        self.load.committed(count, size, since=since)
        self._starter.share()
