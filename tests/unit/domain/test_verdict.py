"""The verdict table and the state table, row by row."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.domain.attempt import AttemptResult, Outcome
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.verdict import (
    DELIVERED,
    Cancelled,
    Dead,
    Judgement,
    Reason,
    RetryAt,
    judge,
    verdict_by_state,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
S, M = timedelta(seconds=1), timedelta(minutes=1)
TIERS = (5 * S, 5 * M, 30 * M)


class NoJitter(random.Random):
    def random(self):
        return 0.0


def judged(outcome, *, status=None, retry_after=None, step=0):
    result = AttemptResult(outcome=outcome, status=status, retry_after=retry_after, at=NOW)
    return judge(result, schedule=(5 * S, 5 * M), step=step, tiers=TIERS, chance=NoJitter())


def test_2xx_is_delivered():
    """The status decides."""
    assert judged(Outcome.SUCCEEDED, status=204) == Judgement(verdict=DELIVERED)


def test_410_is_gone_and_disables_the_endpoint():
    """On the first attempt, whatever the schedule has left."""
    gone = Judgement(verdict=Dead(reason=Reason.GONE), disables=True)

    assert judged(Outcome.REJECTED, status=410) == gone


def test_a_refused_address_is_dead():
    """Trying again would meet the same policy."""
    assert judged(Outcome.BLOCKED) == Judgement(verdict=Dead(reason=Reason.ADDRESS_REFUSED))


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_is_waited_for_and_holds_the_lane(status):
    """The longer of schedule and Retry-After; the hold is the Retry-After."""
    verdict = RetryAt(tier=5 * M, due_at=NOW + 10 * M)

    assert judged(Outcome.REJECTED, status=status, retry_after="600") == Judgement(
        verdict=verdict, hold_until=NOW + 10 * M
    )


def test_a_retry_after_shorter_than_the_step_changes_only_the_hold():
    """The schedule is the least."""
    verdict = RetryAt(tier=5 * M, due_at=NOW + 5 * M)

    assert judged(Outcome.REJECTED, status=429, retry_after="1", step=1) == Judgement(
        verdict=verdict, hold_until=NOW + S
    )


def test_a_retry_after_on_another_status_means_nothing():
    """Only 429 and 503 may ask for it."""
    verdict = RetryAt(tier=5 * S, due_at=NOW + 5 * S)

    assert judged(Outcome.REJECTED, status=500, retry_after="600") == Judgement(verdict=verdict)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.REJECTED, 302),
        (Outcome.REJECTED, 404),
        (Outcome.REJECTED, 500),
        (Outcome.TIMED_OUT, None),
        (Outcome.UNREACHABLE, None),
        (Outcome.FAILED, None),
    ],
)
def test_everything_else_is_tried_again(outcome, status):
    """In the step's own tier."""
    verdict = RetryAt(tier=5 * S, due_at=NOW + 5 * S)

    assert judged(outcome, status=status) == Judgement(verdict=verdict)


def test_an_exhausted_schedule_is_dead():
    """After the last step nothing waits any more."""
    assert judged(Outcome.TIMED_OUT, step=2) == Judgement(verdict=Dead(reason=Reason.EXHAUSTED))


def test_our_own_error_exhausted_is_dead_as_internal():
    """So that it can be told from a receiver's."""
    assert judged(Outcome.FAILED, step=2) == Judgement(verdict=Dead(reason=Reason.INTERNAL))


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (EndpointState.ACTIVE, None),
        (EndpointState.PAUSED, None),
        (EndpointState.DISABLED, Dead(reason=Reason.ENDPOINT_DISABLED)),
        (EndpointState.DELETED, Cancelled(reason=Reason.ENDPOINT_DELETED)),
        (None, Cancelled(reason=Reason.ENDPOINT_DELETED)),
    ],
)
def test_the_endpoint_state_decides_first(state, verdict):
    """The state table's retry column."""
    assert verdict_by_state(state) == verdict
