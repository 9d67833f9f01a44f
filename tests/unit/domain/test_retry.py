"""When a failed delivery is tried again, and in which tier it waits."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.domain import retry
from hooklane.domain.errors import Invalid

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
S, M, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TIERS = (5 * S, 30 * S, 2 * M, 5 * M, 30 * M, 2 * H)


@pytest.mark.parametrize(
    ("text", "delay"), [("5s", 5 * S), ("30m", 30 * M), ("2h", 2 * H), ("1d", 24 * H)]
)
def test_a_delay_is_a_number_and_a_unit(text, delay):
    """Each unit is read."""
    assert retry.parse_delay(text) == delay


@pytest.mark.parametrize(
    "text", ["", "5", "s", "0s", "-1s", "5 s", "1.5h", "5w", "5s\n", "\u0665s"]
)
def test_anything_else_is_no_delay(text):
    """What is not a number and a unit is refused, and named."""
    with pytest.raises(Invalid):
        retry.parse_delay(text)


@pytest.mark.parametrize(
    ("delay", "text"), [(90 * S, "90s"), (5 * M, "5m"), (24 * H, "24h"), (90 * M, "90m")]
)
def test_a_delay_is_written_in_its_largest_whole_unit(delay, text):
    """Topics are named so."""
    assert retry.format_delay(delay) == text


def test_the_default_schedule_is_made_of_the_default_tiers():
    """A deployment that sets nothing can use it."""
    made = retry.schedule(retry.DEFAULT_SCHEDULE, tiers=retry.DEFAULT_TIERS)

    assert made == retry.DEFAULT_SCHEDULE


def test_an_endpoint_may_have_no_retries():
    """An empty schedule is one."""
    assert retry.schedule([], tiers=TIERS) == ()


@pytest.mark.parametrize(
    ("delays", "named"),
    [([7 * S], "7s"), ([30 * S, 5 * S], "shorter"), ([5 * S] * 31, "30 steps")],
)
def test_a_schedule_that_cannot_be_kept_is_refused(delays, named):
    """A delay without a tier, one that shrinks, and too many steps are each named."""
    with pytest.raises(Invalid, match=named):
        retry.schedule(delays, tiers=TIERS)


def test_jitter_only_adds_and_at_most_a_minute():
    """The delay itself is the least, a fifth or a minute more the most."""
    chance = random.Random(1)

    short = [retry.jittered(5 * S, chance=chance) for _ in range(1000)]
    long = [retry.jittered(24 * H, chance=chance) for _ in range(1000)]

    assert all(5 * S <= wait <= 6 * S for wait in short)
    assert all(24 * H <= wait <= 24 * H + M for wait in long)


def test_a_step_takes_its_own_tier():
    """Also with all of its jitter."""
    assert retry.first_tier(5 * M + M, step_delay=5 * M, tiers=TIERS) == 5 * M


def test_a_long_retry_after_takes_the_largest_tier_that_fits():
    """The rest of it is waited for in further tiers."""
    assert retry.first_tier(100 * M, step_delay=5 * S, tiers=TIERS) == 30 * M


def test_a_hop_takes_the_largest_tier_that_fits():
    """So that few copies bridge a long wait."""
    assert retry.next_tier(100 * M, hops=1, tiers=TIERS) == 30 * M


def test_the_third_hop_takes_the_smallest_tier_that_overshoots():
    """So that no Retry-After costs more than three copies."""
    assert retry.next_tier(100 * M, hops=2, tiers=TIERS) == 2 * H


def test_the_third_hop_takes_the_largest_tier_where_none_overshoots():
    """A deployment may have short tiers only."""
    assert retry.next_tier(3 * H, hops=2, tiers=TIERS) == 2 * H


def test_a_wait_shorter_than_every_tier_takes_the_smallest():
    """There is always a tier."""
    assert retry.next_tier(S, hops=1, tiers=TIERS) == 5 * S


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("120", 120 * S),
        (" 120 ", 120 * S),
        ("0", 0 * S),
        ("99999999999999999999", 24 * H),
        ("Tue, 24 Nov 2026 12:10:00 GMT", 10 * M),
        ("Tue, 24 Nov 2026 12:10:00 -0000", 10 * M),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0 * S),
        ("Tue, 24 Nov 2099 12:00:00 GMT", 24 * H),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0661\u0662", None),
        ("Tue, 99 Nov 2026 12:10:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_of_at_most_a_day(value, wait):
    """Anything unreadable counts as absent."""
    assert retry.retry_after(value, now=NOW) == wait
