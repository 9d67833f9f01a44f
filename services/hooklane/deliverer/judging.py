"""What follows from an answer that is no success: the verdict, and what it does to the lane."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hooklane.adapters.http.port import Answer
from hooklane.adapters.metrics import DELIVERIES_SPARED
from hooklane.adapters.ports import Clock
from hooklane.deliverer import settling
from hooklane.deliverer.gates import Gates
from hooklane.deliverer.lane import Flight, Lane
from hooklane.deliverer.outbox import Outbox, Rules
from hooklane.deliverer.valves import Valves
from hooklane.domain.attempt import AttemptResult
from hooklane.domain.delivery import progress_of, to_ms
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.guard import spares
from hooklane.domain.verdict import Judgement, judge


class Judge:
    """Settles what failed."""

    def __init__(
        self, outbox: Outbox, gates: Gates, *, valves: Valves, clock: Clock, rules: Rules
    ) -> None:
        """Know where verdicts go and whose gates they change."""
        self._outbox, self._gates, self._valves = outbox, gates, valves
        self._clock, self._rules = clock, rules
        # Until when the exhaustion guard holds, as control told last.
        self.guarded_until_ms = 0

    def judge(self, flight: Flight, answer: Answer, *, of_item: bool = False) -> None:
        """Settle a delivery by its answer; hold or stop the lane where the answer asks for it.

        Args:
            flight: the delivery.
            answer: what it met.
            of_item: it speaks of this item of a batch, and not of the endpoint.
        """
        now, endpoint = self._clock.now(), flight.plan.endpoint
        assert endpoint is not None
        judgement = self._judgement(flight, answer, endpoint=endpoint, now=now)
        if of_item:
            judgement = replace(judgement, disables=False)
        topics = self._rules.topics
        settled = settling.judged(flight, answer, judgement=judgement, now=now, topics=topics)
        lane = flight.lane
        if judgement.hold_until is not None:
            lane.hold_until_ms = max(lane.hold_until_ms, to_ms(judgement.hold_until))
        if judgement.disables and lane.stopped_at_revision < endpoint.revision:
            lane.stopped_at_revision = endpoint.revision
            order = settling.disable(flight, revision=endpoint.revision, now=now, topics=topics)
            settled.copies = (*settled.copies, order)
        self._outbox.settle(settled)
        if not lane.closed and (judgement.hold_until is not None or judgement.disables):
            self._gates.regate(lane)

    def weigh(self, lane: Lane, answer: Answer, *, began_ms: int, now_ms: int) -> None:
        """Take a POST that was no success into account for the lane's limit and breaker."""
        moves = self._valves.answered(lane, answer, began_ms=began_ms, now_ms=now_ms)
        if moves and not lane.closed:
            self._gates.regate(lane)

    def _judgement(
        self, flight: Flight, answer: Answer, *, endpoint: Endpoint, now: datetime
    ) -> Judgement:
        """Follow the verdict table, and the exhaustion guard where it holds."""
        progress, schedule = progress_of(flight.record.headers()), endpoint.retry_schedule
        result = AttemptResult(
            outcome=answer.outcome,
            status=answer.status,
            retry_after=answer.retry_after,
            error=answer.error,
            at=now,
        )
        tiers, chance = self._rules.tiers, self._rules.chance
        step = progress.schedule_step
        found = judge(result, schedule=schedule, step=step, tiers=tiers, chance=chance)
        is_guarded = to_ms(now) < self.guarded_until_ms
        if not (is_guarded and spares(found, schedule=schedule, spared=progress.spared)):
            return found
        DELIVERIES_SPARED.inc()
        last = len(schedule) - 1
        again = judge(result, schedule=schedule, step=last, tiers=tiers, chance=chance)
        return replace(again, spares=True)
