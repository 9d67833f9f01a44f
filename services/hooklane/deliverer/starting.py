"""Starts what a lane may start, takes its answer, and goes on: the way of every delivery.

A success makes no task, future or line here, and few calls: this is where a deliverer's time goes.
"""

from __future__ import annotations

from collections import deque

from hooklane.adapters.http.port import Answer, Request, Sender
from hooklane.adapters.ports import Clock, Record
from hooklane.deliverer import settling
from hooklane.deliverer.batching import Batching
from hooklane.deliverer.gates import Gates
from hooklane.deliverer.judging import Judge
from hooklane.deliverer.lane import Flight, Gate, Lane, read
from hooklane.deliverer.load import Load
from hooklane.deliverer.outbox import Asks, Outbox
from hooklane.deliverer.plan import CannotSend, Plans, request
from hooklane.deliverer.pool import Pooling
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.valves import Valves
from hooklane.domain.attempt import Outcome
from hooklane.domain.errors import BrokenContract
from hooklane.domain.topics import Topics
from hooklane.domain.verdict import Cancelled, Dead, Reason

EXPIRED = Dead(reason=Reason.EXPIRED)


class Starter:
    """The open POSTs of one deliverer, and the lanes that wait for their turn."""

    def __init__(
        self, sender: Sender, plans: Plans, *, load: Load, outbox: Outbox, gates: Gates,
        judge: Judge, valves: Valves, pooling: Pooling, clock: Clock, settings: DelivererSettings,
        topics: Topics,
    ) -> None:  # fmt: skip
        """Begin with nothing open."""
        self._sender, self._plans, self._load, self._outbox = sender, plans, load, outbox
        self._gates, self._judge, self._clock, self._topics = gates, judge, clock, topics
        self._valves, self.pooling = valves, pooling
        self._connect_timeout_ms = settings.connect_timeout_ms
        self._age_max_ms = settings.delivery_age_max_ms
        self._starved: deque[Lane] = deque()
        self.batching = Batching(
            sender, starter=self, load=load, outbox=outbox, judge=judge, clock=clock,
            settings=settings,
        )  # fmt: skip

    def pump(self, lane: Lane) -> None:
        """Start what the lane may start; where all share a limit, lanes take turns."""
        while lane.may_start:
            if self._starved or self._load.full:
                if not lane.starved:
                    lane.starved = True
                    self._starved.append(lane)
                return
            self.begin(lane)

    def share(self) -> None:
        """Start what waited for the shared limit, one of each lane in turn."""
        while self._starved and not self._load.full:
            lane = self._starved.popleft()
            lane.starved = False
            if lane.may_start:
                self.begin(lane)
            if lane.may_start:
                lane.starved = True
                self._starved.append(lane)

    def begin(self, lane: Lane, *, into: list[Flight] | None = None) -> None:
        """Take the lane's next delivery and start it, settle it, or let it wait.

        Args:
            lane: it has one.
            into: a batch that takes it up where it may start.
        """
        flight = self.read(lane)
        if flight is None:
            return
        if lane.order is not None and not lane.order.claims(flight.record, flight.delivery):
            return
        now_ms = flight.started_ms = self._clock.now_ms()
        verdict = flight.plan.verdict
        if verdict is None and self.is_expired(flight, now_ms):
            verdict = EXPIRED
        if verdict is not None:
            assert isinstance(verdict, Dead | Cancelled)
            self.end(flight, verdict)
        elif lane.is_pooled and self.pooling.settles(flight):
            return
        elif (due_ms := flight.headers.get("not-before", 0)) > now_ms:
            self._gates.wait(lane, flight.record, due_ms=due_ms)
        elif into is not None:
            into.append(flight)
        elif lane.buckets and not self._gates.admits(lane):
            lane.put_back(flight.record)
        elif flight.plan.batches:
            self.batching.begin(flight, now_ms)
        else:
            self._send(flight, now_ms)

    def read(self, lane: Lane) -> Flight | None:
        """Take the next record and read it; None where it is no delivery or has to be asked for."""
        return self.read_record(lane, lane.take())

    def read_record(self, lane: Lane, record: Record) -> Flight | None:
        """Read a record that was taken out of its lane."""
        try:
            delivery, headers = read(record)
        except BrokenContract as error:
            self._outbox.settle(settling.unreadable(lane, record, error=error))
            return None
        plan = self._plans.plan(delivery["endpoint_id"], table_offset=delivery["table_offset"])
        if plan is None:
            lane.put_back(record)
            lane.gate = Gate.ASKING
            self._outbox.notices.append(Asks(lane, delivery["table_offset"]))
            return None
        return Flight(lane, record, delivery, headers, plan)

    def is_expired(self, flight: Flight, now_ms: int) -> bool:
        """Tell whether a delivery is too old to be attempted."""
        return now_ms - flight.headers["waiting-since"] >= self._age_max_ms

    def end(self, flight: Flight, verdict: Dead | Cancelled) -> None:
        """Settle a delivery without a request."""
        self._outbox.settle(
            settling.without_request(flight, verdict, now=self._clock.now(), topics=self._topics)
        )

    def _send(self, flight: Flight, now_ms: int) -> None:
        try:
            made = request(
                flight.plan,
                flight.delivery,
                now_ms=now_ms,
                connect_timeout_ms=self._connect_timeout_ms,
                context=flight,
            )
        except CannotSend as error:
            self._judge.judge(flight, error.answer())
            return
        flight.request = made
        flight.lane.flights[flight.record.offset()] = flight
        self._load.begun(len(made.body))
        self._sender.submit(made, self._answered)

    def _answered(self, sent: Request, answer: Answer) -> None:
        try:
            self._settle(sent, answer)
        except Exception as error:  # a bug of ours: the poll thread raises it, uncommitted
            self._outbox.fail(error)

    def _settle(self, sent: Request, answer: Answer) -> None:
        flight = sent.context
        assert isinstance(flight, Flight)
        lane = flight.lane
        self._load.ended(len(sent.body))
        now_ms = self._clock.now_ms()
        if answer.outcome is Outcome.SUCCEEDED:
            self._outbox.settle(settling.delivered(flight, answer, now_ms=now_ms))
        else:
            self._judge.judge(flight, answer)
            self._judge.weigh(lane, answer, began_ms=flight.started_ms, now_ms=now_ms)
        began_ms = flight.started_ms
        self.ended(
            lane,
            offset=flight.record.offset(),
            began_ms=began_ms,
            now_ms=now_ms,
            duration_ms=now_ms - began_ms,
        )

    def ended(
        self, lane: Lane, *, offset: int, began_ms: int, now_ms: int, duration_ms: float
    ) -> None:
        """Count a POST of a lane that ended, and go on.

        Called after what it settled is in the outbox: who sees no flights must find what became of
        them.

        Args:
            lane: whose it was.
            offset: the one it was open under.
            began_ms: when it began.
            now_ms: when it ended.
            duration_ms: how long each of its deliveries took.
        """
        lane.answered(offset=offset, duration_ms=duration_ms)
        if lane.ended >= lane.review_at:
            self._valves.review(lane, began_ms=began_ms, now_ms=now_ms)
        if lane.is_pooled:
            for other in lane.root.turns(lane):
                self.pump(other)
        else:
            self.pump(lane)
        if self._starved:
            self.share()
