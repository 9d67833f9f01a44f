"""The in-flight limit: where it begins, what lets it grow, what makes it shrink."""

from dataclasses import replace

import pytest

from hooklane.domain.attempt import Outcome
from hooklane.domain.in_flight import (
    FASTEST_KEPT_MS,
    Window,
    again,
    capped,
    first_limit,
    is_refusal,
    is_slow,
    reviewed,
)

PLAIN = Window(answers=8, failed=0, refused=0, latency_ms=10.0, is_used=True)


def limits(known, windows, *, now_ms=0):
    found = []
    for window in windows:
        known = reviewed(known, window, now_ms=now_ms)
        found.append(known.limit)
    return found


def test_a_fast_endpoint_reaches_the_cap_in_a_few_windows():
    """It doubles while nothing speaks against it."""
    assert limits(first_limit(50), [PLAIN] * 4) == [16, 32, 50, 50]


def test_an_unused_limit_does_not_grow():
    """Nothing was learned of more."""
    assert limits(first_limit(50), [replace(PLAIN, is_used=False)] * 2) == [8, 8]


def test_refusals_halve_it_down_to_one_and_it_comes_back_by_quarters():
    """One POST goes on: the endpoint's return must be seen."""
    refused = replace(PLAIN, failed=8, refused=1)
    known = first_limit(32)
    assert limits(known, [refused] * 4) == [4, 2, 1, 1]
    low = reviewed(replace(known, limit=8), refused, now_ms=0)
    assert limits(low, [PLAIN] * 11) == [5, 6, 7, 8, 10, 12, 15, 18, 22, 27, 32]


def test_a_rare_refusal_only_keeps_it_from_growing():
    """Below a tenth it is chance."""
    assert limits(first_limit(32), [replace(PLAIN, answers=32, failed=1, refused=1)]) == [8]


def test_slowness_takes_a_tenth_but_never_below_the_start():
    """Compared with the fastest window of the last minutes."""
    known = reviewed(first_limit(100), PLAIN, now_ms=0)
    known = replace(known, limit=20)
    slow = replace(PLAIN, latency_ms=61.0)
    assert limits(known, [slow] * 8) == [18, 16, 14, 12, 10, 9, 8, 8]
    assert not is_slow(known, 60.0)
    assert not is_slow(first_limit(8), 1e6)


def test_what_was_fast_minutes_ago_is_forgotten():
    """A receiver that became slower for good is as fast as it is."""
    known = reviewed(first_limit(64), PLAIN, now_ms=0)
    slow = replace(PLAIN, latency_ms=500.0)
    found = []
    for minute in range(1, 4):
        known = reviewed(known, slow, now_ms=minute * FASTEST_KEPT_MS)
        found.append(is_slow(known, 500.0))
    assert found == [True, False, False]


def test_failures_tell_nothing_of_how_fast_it_is():
    """A receiver that fails at once is not fast."""
    known = reviewed(first_limit(64), replace(PLAIN, failed=1, latency_ms=1.0), now_ms=0)
    assert known.fastest_ms is None


def test_a_change_of_the_cap_is_followed():
    """Downwards at once."""
    known = first_limit(32)
    assert capped(known, 32) is known
    assert [(c.limit, c.cap) for c in (capped(known, 3), capped(known, 64))] == [(3, 3), (8, 64)]


def test_an_endpoint_that_is_back_begins_as_a_new_one():
    """Not above where it was left."""
    known = replace(first_limit(32), limit=2, is_learning=False)
    assert (again(known).limit, again(known).is_learning) == (2, True)
    assert again(replace(known, limit=30)).limit == 8


@pytest.mark.parametrize(
    ("outcome", "status", "expected"),
    [
        (Outcome.TIMED_OUT, None, True), (Outcome.UNREACHABLE, None, True),
        (Outcome.REJECTED, 429, True), (Outcome.REJECTED, 503, True),
        (Outcome.REJECTED, 500, False), (Outcome.REJECTED, 404, False),
        (Outcome.FAILED, None, False), (Outcome.BLOCKED, None, False),
    ],
)  # fmt: skip
def test_what_asks_for_less(outcome, status, expected):
    """Overload and silence; a bug of theirs is none."""
    assert expected == is_refusal(outcome, status)


def test_so_many_answers_are_judged_together_as_may_be_open():
    """And never fewer than tell anything."""
    assert [first_limit(50).window, replace(first_limit(900), limit=700).window] == [8, 700]
