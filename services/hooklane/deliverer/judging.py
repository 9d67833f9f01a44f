"""What follows from an answer that is no success: the verdict, and what it does to the lane."""

from __future__ import annotations

from hooklane.adapters.http.port import Answer
from hooklane.adapters.ports import Clock
from hooklane.deliverer import settling
from hooklane.deliverer.gates import Gates
from hooklane.deliverer.lane import Flight
from hooklane.deliverer.outbox import Outbox, Rules
from hooklane.domain.attempt import AttemptResult
from hooklane.domain.delivery import progress_of, to_ms
from hooklane.domain.verdict import judge


class Judge:
    """Settles what failed."""

    def __init__(self, outbox: Outbox, gates: Gates, *, clock: Clock, rules: Rules) -> None:
        """Know where verdicts go and whose gates they change."""
        self._outbox, self._gates, self._clock, self._rules = outbox, gates, clock, rules

    def judge(self, flight: Flight, answer: Answer) -> None:
        """Settle a delivery by its answer; hold or stop the lane where the answer asks for it."""
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
        self._outbox.settle(settled)
        if not lane.closed and (judgement.hold_until is not None or judgement.disables):
            self._gates.regate(lane)
