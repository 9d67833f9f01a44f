"""When the exhaustion guard is raised, how long it holds, and what it spares."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.domain.guard import Guard, Reach, Rules, is_outage, renewed, spares
from hooklane.domain.verdict import DELIVERED, Dead, Judgement, Reason, RetryAt

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = Rules()
DARK, BRIGHT = Reach(attempted=40, succeeded=3), Reach(attempted=40, succeeded=4)
SCHEDULE = (timedelta(seconds=5),)


@pytest.mark.parametrize(
    ("attempted", "succeeded", "expected"),
    [(0, 0, False), (2, 0, False), (3, 0, True), (10, 1, False), (11, 1, True), (40, 40, False)],
)
def test_an_outage_is_three_endpoints_tried_and_less_than_a_tenth_succeeding(
    attempted, succeeded, expected
):
    """A tenth is enough to call it the receivers' own trouble."""
    assert expected == is_outage(Reach(attempted=attempted, succeeded=succeeded), RULES)


def test_with_a_share_of_zero_there_is_never_a_guard():
    """Who does not want it turns it off."""
    assert not is_outage(Reach(attempted=40, succeeded=0), Rules(percent=0))


def test_a_guard_is_raised_for_some_minutes():
    """So that it ends by itself where nobody renews it."""
    expected = Guard(since=NOW, until=NOW + 3 * MINUTE, reach=DARK)

    assert expected == renewed(None, DARK, rules=RULES, now=NOW)
    assert renewed(None, BRIGHT, rules=RULES, now=NOW) is None


def test_a_guard_is_renewed_with_two_minutes_left_while_the_outage_lasts():
    """Told once a minute, not at every look."""
    guard = renewed(None, DARK, rules=RULES, now=NOW)

    assert renewed(guard, DARK, rules=RULES, now=NOW + MINUTE / 2) is guard
    later = renewed(guard, DARK, rules=RULES, now=NOW + MINUTE)
    assert later == replace(guard, until=NOW + 4 * MINUTE)


def test_a_guard_whose_outage_is_over_runs_out():
    """What was told holds until then, and no longer."""
    guard = renewed(None, DARK, rules=RULES, now=NOW)

    assert renewed(guard, BRIGHT, rules=RULES, now=NOW + 2 * MINUTE) is guard
    assert renewed(guard, BRIGHT, rules=RULES, now=NOW + 3 * MINUTE) is None
    again = renewed(guard, DARK, rules=RULES, now=NOW + 3 * MINUTE)
    assert again.since == NOW + 3 * MINUTE


def test_only_exhaustion_is_spared_and_three_times_at_most():
    """Nor is it where the endpoint wants no retries."""
    exhausted = Judgement(verdict=Dead(reason=Reason.EXHAUSTED), hold_until=NOW)

    found = [spares(exhausted, schedule=SCHEDULE, spared=n) for n in range(5)]
    assert found == [True, True, True, False, False]
    assert not spares(exhausted, schedule=(), spared=0)


@pytest.mark.parametrize(
    "verdict",
    [DELIVERED, RetryAt(tier=MINUTE, due_at=NOW)]
    + [Dead(reason=reason) for reason in Reason if reason is not Reason.EXHAUSTED],
)
def test_every_other_verdict_stands(verdict):
    """Gone is gone, refused is refused, and our own error is no outage of the world."""
    assert not spares(Judgement(verdict=verdict), schedule=SCHEDULE, spared=0)
