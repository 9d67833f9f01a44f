"""The loop thread's half: starts what may start, judges answers, hands over what is settled.

Owns the lanes' contents and every open POST. It is called through `crossing` (methods without an
underscore) and answers through `outbox`, which the poll thread empties: `Settled` deliveries in the
order they ended, and notices. Nothing here waits, and a success makes no task, future or line.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hooklane.adapters.http.port import Answer, Request, Sender
from hooklane.adapters.ports import Clock, Record
from hooklane.adapters.sealing import Sealer
from hooklane.deliverer import settling
from hooklane.deliverer.lane import Flight, Gate, Lane, read
from hooklane.deliverer.load import Load
from hooklane.deliverer.plan import CannotSend, Plans, request
from hooklane.deliverer.probing import Probed, Probing
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.settling import Settled
from hooklane.domain.attempt import AttemptResult, Outcome
from hooklane.domain.delivery import progress_of, to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState
from hooklane.domain.errors import BrokenContract
from hooklane.domain.topics import Topics
from hooklane.domain.verdict import Cancelled, Dead, Reason, judge

# Not-yet-due deliveries of a lane that are waited for; beyond them the whole lane waits.
WAITING_MAX = 64
_EXPIRED = Dead(reason=Reason.EXPIRED)
_EXPIRY_LOOK_MS = 1_000


@dataclass(frozen=True, slots=True)
class Forgot:
    """A lane dropped what waited from this offset on; None: it had nothing to drop."""

    lane: Lane
    offset: int | None


@dataclass(frozen=True, slots=True)
class Asks:
    """A lane waits until the endpoint table is read to this offset."""

    lane: Lane
    table_offset: int


Notice = Settled | Forgot | Asks | Probed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What sending goes by beside its settings."""

    topics: Topics
    tiers: Sequence[timedelta]
    chance: random.Random
    sealer: Sealer


class Sending:
    """Lanes, plans and open POSTs of one deliverer."""

    def __init__(
        self, sender: Sender, *, clock: Clock, settings: DelivererSettings, rules: Rules
    ) -> None:
        """Begin without lanes."""
        self._sender, self._clock, self._settings, self._rules = sender, clock, settings, rules
        self._plans = Plans(rules.sealer)
        self.load = Load(clock=clock, settings=settings)
        self._lanes: dict[Lane, None] = {}
        self._by_endpoint: dict[str, list[Lane]] = {}
        self._starved: deque[Lane] = deque()
        self._timers: list[tuple[int, int, Lane, Record]] = []
        self._timer_number = 0
        self._emptied_at_ms = self._looked_at_ms = 0
        self.outbox: deque[Notice] = deque()
        self.fault: Exception | None = None
        self.probing = Probing(
            sender=sender,
            plans=self._plans,
            load=self.load,
            clock=clock,
            connect_timeout_ms=settings.connect_timeout_ms,
            out=self.outbox.append,
            pump=self._pump,
            fail=self._fail,
        )

    # What the poll thread calls.

    def endpoints_changed(
        self, changes: Iterable[tuple[str, Endpoint | None]], table_offset: int
    ) -> None:
        """Take in newer revisions; the table is now read to this offset."""
        changes = tuple(changes)
        self._plans.changed(changes, table_offset)
        for endpoint_id, _ in changes:
            for lane in self._by_endpoint.get(endpoint_id, ()):
                self._regate(lane)
                self._pump(lane)

    def table_read(self, lane: Lane) -> None:
        """Let a lane that asked go on."""
        if lane.gate is Gate.ASKING:
            lane.gate = None
            self._regate(lane)
            self._pump(lane)

    def open(self, lanes: Iterable[Lane]) -> None:
        """Take newly assigned lanes in."""
        for lane in lanes:
            self._lanes[lane] = None
            self._by_endpoint.setdefault(lane.endpoint_id, []).append(lane)
            self._regate(lane)

    def turn(self, fed: Sequence[tuple[Lane, Record]]) -> None:
        """Take records in, and do what time asks for."""
        touched: dict[Lane, None] = {}
        for lane, record in fed:
            lane.put(record)
            touched[lane] = None
        now_ms = self._clock.now_ms()
        self._wake(now_ms)
        self._empty(now_ms)
        if now_ms - self._looked_at_ms >= _EXPIRY_LOOK_MS:
            self._looked_at_ms = now_ms
            self._expire_waiting(now_ms)
        for lane in touched:
            self._pump(lane)
        self._share()

    def forget(self, lane: Lane, *, keep: int, keep_bytes: int) -> None:
        """Drop what waits in a lane beyond this; a notice tells from which offset on."""
        self.outbox.append(Forgot(lane, lane.forget(keep=keep, keep_bytes=keep_bytes)))

    def close(self, lanes: Iterable[Lane]) -> None:
        """Start nothing new in these; what is open goes on."""
        for lane in lanes:
            lane.closed, lane.gate = True, Gate.CLOSED
            lane.pending.clear()
            lane.ready.clear()
            self._lanes.pop(lane, None)
            if lane in (mine := self._by_endpoint.get(lane.endpoint_id, [])):
                mine.remove(lane)

    def cut(self, lanes: Iterable[Lane]) -> None:
        """End the open POSTs of these now: timed out, each with its retry."""
        for lane in lanes:
            for flight in tuple(lane.flights.values()):
                assert flight.request is not None
                self._sender.cut(flight.request)

    def cut_head(self, lane: Lane, offset: int) -> None:
        """End the POST that keeps a full lane from moving on."""
        flight = lane.flights.get(offset)
        if flight is not None and flight.request is not None:
            self._sender.cut(flight.request)

    def committed(self, count: int, size: int, *, since: float) -> None:
        """Learn that so many settled deliveries are committed; `since`: when they were taken."""
        self.load.committed(count, size, since=since)
        self._share()

    # Starting.

    def _pump(self, lane: Lane) -> None:
        """Start what the lane may start; where all share a limit, lanes take turns."""
        while lane.may_start:
            if self._starved or self.load.full:
                if not lane.starved:
                    lane.starved = True
                    self._starved.append(lane)
                return
            self._begin(lane)

    def _share(self) -> None:
        while self._starved and not self.load.full:
            lane = self._starved.popleft()
            lane.starved = False
            if lane.may_start:
                self._begin(lane)
            if lane.may_start:
                lane.starved = True
                self._starved.append(lane)

    def _begin(self, lane: Lane) -> None:
        """Take the lane's next delivery and start it, settle it, or let it wait."""
        flight = self._read(lane)
        if flight is None:
            return
        now_ms = flight.started_ms = self._clock.now_ms()
        verdict = flight.plan.verdict
        if verdict is None and self._is_expired(flight, now_ms):
            verdict = _EXPIRED
        if verdict is not None:
            assert isinstance(verdict, Dead | Cancelled)
            now = self._clock.now()
            self._out(settling.without_request(flight, verdict, now=now, topics=self._rules.topics))
        elif (due_ms := flight.headers.get("not-before", 0)) > now_ms:
            self._wait(lane, flight.record, due_ms)
        else:
            self._send(flight, now_ms)

    def _send(self, flight: Flight, now_ms: int) -> None:
        try:
            made = request(
                flight.plan,
                flight.delivery,
                now_ms=now_ms,
                connect_timeout_ms=self._settings.connect_timeout_ms,
                context=flight,
            )
        except CannotSend as error:
            self._judge(flight, Answer(outcome=Outcome.FAILED, error=str(error)[:500]))
            return
        flight.request = made
        flight.lane.flights[flight.record.offset()] = flight
        self.load.begun(len(made.body))
        self._sender.submit(made, self._answered)

    def _read(self, lane: Lane) -> Flight | None:
        """Take the next record and read it; None where it is no delivery or has to be asked for."""
        record = lane.take()
        try:
            delivery, headers = read(record)
        except BrokenContract as error:
            self._out(settling.unreadable(lane, record, error=error))
            return None
        plan = self._plans.plan(delivery["endpoint_id"], table_offset=delivery["table_offset"])
        if plan is None:
            lane.put_back(record)
            lane.gate = Gate.ASKING
            self.outbox.append(Asks(lane, delivery["table_offset"]))
            return None
        return Flight(lane, record, delivery, headers, plan)

    def _is_expired(self, flight: Flight, now_ms: int) -> bool:
        since = flight.headers["waiting-since"]
        return now_ms - since >= self._settings.delivery_age_max_ms

    # Answers.

    def _answered(self, sent: Request, answer: Answer) -> None:
        try:
            self._settle(sent, answer)
        except Exception as error:  # a bug of ours: the poll thread raises it, uncommitted
            self.fault = error

    def _settle(self, sent: Request, answer: Answer) -> None:
        flight = sent.context
        assert isinstance(flight, Flight)
        lane = flight.lane
        self.load.ended(len(sent.body))
        now_ms = self._clock.now_ms()
        if answer.outcome is Outcome.SUCCEEDED:
            self._out(settling.delivered(flight, answer, now_ms=now_ms))
        else:
            self._judge(flight, answer)
        # After it is in the outbox: who sees no flights must find what became of them.
        duration_ms = now_ms - flight.started_ms
        lane.answered(offset=flight.record.offset(), duration_ms=duration_ms)
        self._pump(lane)
        if self._starved:
            self._share()

    def _judge(self, flight: Flight, answer: Answer) -> None:
        now, endpoint = self._clock.now(), flight.plan.endpoint
        assert endpoint is not None
        judgement = judge(
            AttemptResult(
                outcome=answer.outcome,
                status=answer.status,
                retry_after=answer.retry_after,
                error=answer.error,
                at=now,
            ),
            schedule=endpoint.retry_schedule,
            step=progress_of(flight.record.headers()).schedule_step,
            tiers=self._rules.tiers,
            chance=self._rules.chance,
        )
        topics = self._rules.topics
        settled = settling.judged(flight, answer, judgement=judgement, now=now, topics=topics)
        lane = flight.lane
        if judgement.hold_until is not None:
            lane.hold_until_ms = max(lane.hold_until_ms, to_ms(judgement.hold_until))
        if judgement.disables and lane.stopped_at_revision < endpoint.revision:
            lane.stopped_at_revision = endpoint.revision
            order = settling.disable(flight, revision=endpoint.revision, now=now, topics=topics)
            settled.copies = (*settled.copies, order)
        self._out(settled)
        if not lane.closed and (judgement.hold_until is not None or judgement.disables):
            self._regate(lane)

    def _out(self, settled: Settled) -> None:
        self.outbox.append(settled)
        self.load.settled(settled.size)

    def _fail(self, error: Exception) -> None:
        self.fault = error

    # Waiting.

    def _regate(self, lane: Lane) -> None:
        """Work out anew why the lane waits, if it does."""
        if lane.closed or lane.gate is Gate.ASKING:
            return
        endpoint = self._plans.endpoint(lane.endpoint_id)
        default = self._settings.in_flight_per_endpoint_max
        lane.in_flight_max = (endpoint.in_flight_max if endpoint else None) or default
        lane.gate = self._gate(lane, endpoint)

    def _gate(self, lane: Lane, endpoint: Endpoint | None) -> Gate | None:
        if endpoint is None or endpoint.state in (EndpointState.DISABLED, EndpointState.DELETED):
            return Gate.EMPTYING
        if endpoint.state is EndpointState.PAUSED:
            return Gate.PAUSED
        if endpoint.revision <= lane.stopped_at_revision:
            return Gate.STOPPED
        return Gate.HELD if lane.hold_until_ms > self._clock.now_ms() else None

    def _wait(self, lane: Lane, record: Record, due_ms: int) -> None:
        if lane.waiting >= WAITING_MAX:
            lane.put_back(record)
            lane.hold_until_ms = max(lane.hold_until_ms, due_ms)
            lane.gate = Gate.HELD
            return
        lane.waiting += 1
        self._timer_number += 1
        heapq.heappush(self._timers, (due_ms, self._timer_number, lane, record))

    def _wake(self, now_ms: int) -> None:
        """Let go on whose time has come."""
        while self._timers and self._timers[0][0] <= now_ms:
            _, _, lane, record = heapq.heappop(self._timers)
            if not lane.closed:
                lane.waiting -= 1
                lane.ready.append(record)
                self._pump(lane)
        for lane in self._lanes:
            if lane.gate is Gate.HELD and lane.hold_until_ms <= now_ms:
                self._regate(lane)
                self._pump(lane)

    def _empty(self, now_ms: int) -> None:
        """Settle a few deliveries of disabled and deleted endpoints, lanes in turn."""
        if now_ms - self._emptied_at_ms < self._settings.tick_ms or self.load.full:
            return
        lanes = deque(lane for lane in self._lanes if lane.gate is Gate.EMPTYING and lane.has_work)
        if not lanes:
            return
        self._emptied_at_ms = now_ms
        for _ in range(self._settings.dead_letters_per_tick_max):
            if not lanes:
                return
            lane = lanes.popleft()
            self._begin(lane)
            if lane.gate is Gate.EMPTYING and lane.has_work:
                lanes.append(lane)

    def _expire_waiting(self, now_ms: int) -> None:
        """Look at the heads of lanes that wait: a hold does not keep a delivery for ever."""
        for lane in self._lanes:
            while lane.gate in (Gate.PAUSED, Gate.HELD, Gate.STOPPED) and lane.has_work:
                flight = self._read(lane)
                if flight is None:
                    continue
                if not self._is_expired(flight, now_ms) or flight.plan.verdict is not None:
                    lane.put_back(flight.record)
                    break
                self._out(
                    settling.without_request(
                        flight, _EXPIRED, now=self._clock.now(), topics=self._rules.topics
                    )
                )
