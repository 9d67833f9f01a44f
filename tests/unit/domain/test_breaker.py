"""The breaker: when it opens, how long, and what its trial decides."""

import pytest

from hooklane.domain.attempt import Outcome
from hooklane.domain.breaker import (
    TRANSITIONS,
    Breaker,
    BreakerCause,
    BreakerRules,
    BreakerState,
    failed,
    failure,
    moved,
    tried,
    waited,
)

RULES = BreakerRules(attempts_min=10, failure_share=0.9)
CLOSED, OPEN, HALF = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


def failing(count, *, breaker=None, attempts=1, now_ms=0, step_ms=0):
    breaker = breaker or Breaker()
    for number in range(count):
        at = now_ms + number * step_ms
        breaker = failed(breaker, attempts=attempts, now_ms=at, rules=RULES)
    return breaker


def opened(openings):
    breaker = failing(10)
    for _ in range(openings - 1):
        at = breaker.until_ms
        breaker = waited(breaker, now_ms=at, rules=RULES)
        breaker = tried(breaker, has_failed=True, began_ms=at, now_ms=at, rules=RULES)
    return breaker


def test_the_table_is_all_there_is():
    """A cause that does not fit changes nothing."""
    known = {CLOSED: Breaker(), OPEN: failing(10), HALF: Breaker(state=HALF)}
    for state, breaker in known.items():
        for cause in BreakerCause:
            after = moved(breaker, cause, now_ms=9, rules=RULES)
            assert TRANSITIONS.get((state, cause), state) == after.state


def test_it_opens_where_enough_attempts_nearly_all_failed():
    """Not before there are enough of them."""
    assert failing(9).state is CLOSED
    breaker = failing(10)
    assert (breaker.state, breaker.until_ms) == (OPEN, 1_000)


def test_successes_in_between_keep_it_closed():
    """Each failure tells how many ended since the last."""
    assert failing(100, attempts=2).state is CLOSED


def test_what_ended_before_the_first_failure_does_not_count():
    """A million successes do not put an opening off."""
    breaker = failed(Breaker(), attempts=1_000_000, now_ms=0, rules=RULES)
    assert failing(9, breaker=breaker).state is OPEN


def test_failures_older_than_the_window_do_not_count():
    """One in five seconds makes no outage of ten in thirty."""
    assert failing(100, step_ms=5_000).state is CLOSED
    assert failing(10, step_ms=3_000).state is OPEN
    assert failing(100, step_ms=40_000).state is CLOSED


def test_its_wait_doubles_up_to_a_minute():
    """From one opening to the next without a success."""
    waits = [b.until_ms - b.since_ms for b in map(opened, range(1, 9))]
    assert waits == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
    assert opened(40).until_ms > 0


def test_it_is_tried_once_its_wait_is_over():
    """Not before."""
    breaker = failing(10)
    assert waited(breaker, now_ms=999, rules=RULES) is breaker
    assert waited(breaker, now_ms=1_000, rules=RULES).state is HALF
    assert waited(Breaker(), now_ms=1_000, rules=RULES).state is CLOSED


@pytest.mark.parametrize(("has_failed", "expected"), [(False, CLOSED), (True, OPEN)])
def test_the_trial_decides(has_failed, expected):
    """Closed it has forgotten everything."""
    breaker = waited(failing(10), now_ms=1_000, rules=RULES)
    after = tried(breaker, has_failed=has_failed, began_ms=1_000, now_ms=1_001, rules=RULES)
    assert expected == after.state
    if expected is CLOSED:
        assert Breaker(since_ms=1_001) == after


def test_what_began_before_it_was_half_open_is_no_trial():
    """Late answers of the outage; failures while it is open count for nothing either."""
    breaker = waited(failing(10), now_ms=1_000, rules=RULES)
    assert tried(breaker, has_failed=True, began_ms=999, now_ms=2_000, rules=RULES) is breaker
    assert failing(3, breaker=failing(10)) == failing(10)


@pytest.mark.parametrize(
    ("outcome", "status", "expected"),
    [
        (Outcome.TIMED_OUT, None, True), (Outcome.UNREACHABLE, None, True),
        (Outcome.REJECTED, 500, True), (Outcome.REJECTED, 429, True),
        (Outcome.REJECTED, 404, False), (Outcome.SUCCEEDED, 200, False),
        (Outcome.FAILED, None, None), (Outcome.BLOCKED, None, None),
    ],
)  # fmt: skip
def test_what_is_the_receivers_failure(outcome, status, expected):
    """Our own error says nothing of it."""
    assert expected is failure(outcome, status)
