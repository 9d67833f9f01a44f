"""Laws of waiting: nothing early, nothing for ever, few copies."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given

from hooklane.domain.attempt import AttemptResult
from hooklane.domain.retry import (
    HOPS_MAX,
    JITTER_MAX,
    RETRY_AFTER_MAX,
    SLACK,
    first_tier,
    format_delay,
    jittered,
    next_tier,
    parse_delay,
    retry_after,
    schedule,
)
from hooklane.domain.verdict import RetryAt, judge
from properties.strategies import (
    HEADER_TEXTS,
    INSTANTS,
    OUTCOMES,
    SEEDS,
    STATUSES,
    TIERS,
    WAITS,
)

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@given(WAITS)
def test_a_delay_is_read_as_it_was_written(wait):
    """In whole seconds, from one on."""
    delay = timedelta(seconds=1 + int(wait.total_seconds()))

    assert parse_delay(format_delay(delay)) == delay


@given(TIERS)
def test_ascending_tiers_are_a_schedule(tiers):
    """A schedule is monotone, and tiers in order are one."""
    assert schedule(tiers, tiers=tiers) == tiers


@given(WAITS, SEEDS)
def test_jitter_only_adds(delay, seed):
    """At most a fifth, at most a minute."""
    wait = jittered(delay, chance=random.Random(seed))

    assert delay <= wait <= delay + min(delay * 0.2, JITTER_MAX)


@given(HEADER_TEXTS, INSTANTS)
def test_any_retry_after_is_a_bounded_wait_or_none(text, now):
    """Nothing a receiver writes raises."""
    wait = retry_after(text, now=now)

    assert wait is None or timedelta(0) <= wait <= RETRY_AFTER_MAX


@given(OUTCOMES, STATUSES, HEADER_TEXTS, TIERS, SEEDS)
def test_a_retry_is_due_no_earlier_than_its_step(outcome, status, retry_after_text, tiers, seed):
    """Whatever the receiver answered; and its tier is one of the deployment's."""
    result = AttemptResult(outcome=outcome, status=status, retry_after=retry_after_text, at=NOW)
    verdict = judge(result, schedule=tiers, step=0, tiers=tiers, chance=random.Random(seed)).verdict

    if isinstance(verdict, RetryAt):
        assert verdict.due_at >= NOW + tiers[0]
        assert verdict.tier in tiers


@given(WAITS, TIERS)
def test_a_wait_takes_three_copies_at_most(wait, tiers):
    """Where two of the longest tier bridge it; else there are more, each a longest one."""
    step = tiers[0]
    wait = min(max(wait, step), 2 * tiers[-1])
    passed, hops = first_tier(wait, step_delay=step, tiers=tiers), 1
    while wait - passed > SLACK:
        tier = next_tier(wait - passed, hops=hops, tiers=tiers)
        passed, hops = passed + tier, hops + 1

    assert hops <= HOPS_MAX
