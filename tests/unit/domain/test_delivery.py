"""A delivery's progress is its record's headers, and nothing of it is lost on the way."""

from datetime import UTC, datetime, timedelta

import pytest

from hooklane.domain.delivery import (
    EPOCH,
    Progress,
    first_headers,
    from_ms,
    progress_of,
    to_ms,
)
from hooklane.domain.errors import BrokenContract

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FRESH = Progress(waiting_since=NOW)


def test_milliseconds_are_exact_both_ways():
    """From 1970 to the last day datetime knows."""
    for milliseconds in (0, 1, 1_764_000_000_123, 253_402_300_799_999):
        assert to_ms(from_ms(milliseconds)) == milliseconds
    assert from_ms(0) == EPOCH


@pytest.mark.parametrize("milliseconds", [-1, 253_402_300_800_000, 10**30])
def test_a_number_that_is_no_time_breaks_the_contract(milliseconds):
    """It never becomes an OverflowError."""
    with pytest.raises(BrokenContract):
        from_ms(milliseconds)


def test_a_delivery_enters_its_lane_with_nothing_but_its_time():
    """The first headers are those of fresh progress."""
    assert first_headers(at=NOW) == FRESH.headers()
    assert progress_of(first_headers(at=NOW)) == FRESH


def test_an_attempt_counts_and_remembers_the_first():
    """The first attempt's time stays."""
    later = NOW + timedelta(minutes=1)

    twice = FRESH.attempted(at=NOW, outcome="timed_out").attempted(at=later, outcome="rejected")

    assert twice == Progress(
        waiting_since=NOW, attempts_made=2, first_attempt_at=NOW, last_outcome="rejected"
    )


def test_a_spared_delivery_waits_on_without_climbing_and_a_redrive_forgets_it():
    """Its count travels in a header of its own, and only where there is one."""
    due = NOW + timedelta(hours=24)

    spared = FRESH.waiting(until=NOW).waiting_on(until=due)

    assert spared == Progress(waiting_since=NOW, schedule_step=1, hops=1, spared=1, not_before=due)
    assert progress_of(spared.headers()) == spared
    assert ("spared", b"1") in spared.headers()
    assert [name for name, _ in FRESH.headers() if name == "spared"] == []
    assert spared.redriven(at=due) == Progress(waiting_since=due)


def test_waiting_climbs_a_step_and_hopping_does_not():
    """A hop is the same step and the same due time."""
    due = NOW + timedelta(minutes=5)

    waiting = FRESH.waiting(until=due)

    assert waiting == Progress(waiting_since=NOW, schedule_step=1, hops=1, not_before=due)
    assert waiting.hopped() == Progress(waiting_since=NOW, schedule_step=1, hops=2, not_before=due)


def test_the_next_attempt_ends_the_hops():
    """Each step counts its own."""
    hopped = FRESH.waiting(until=NOW).hopped()

    assert hopped.attempted(at=NOW, outcome="rejected").hops == 0


def test_a_dead_letter_has_its_reason_and_no_due_time():
    """It waits for nobody."""
    dead = FRESH.waiting(until=NOW).died("exhausted")

    assert (dead.reason, dead.not_before) == ("exhausted", None)


def test_a_redrive_starts_the_schedule_over_and_keeps_the_count():
    """Attempts made are never reset."""
    later = NOW + timedelta(days=1)
    dead = FRESH.attempted(at=NOW, outcome="rejected").waiting(until=NOW).died("exhausted")

    assert dead.redriven(at=later) == Progress(
        waiting_since=later, attempts_made=1, first_attempt_at=NOW, last_outcome="rejected"
    )


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("waiting-since", b"soon")],
        [("waiting-since", b"-1")],
        [("waiting-since", None)],
        [("waiting-since", b"0"), ("attempts-made", b"two")],
        [("waiting-since", b"0"), ("not-before", b"9" * 30)],
        [("waiting-since", b"0"), ("reason", b"\xff")],
    ],
)
def test_unreadable_headers_break_the_contract(headers):
    """Whatever they are, nothing else is raised."""
    with pytest.raises(BrokenContract):
        progress_of(headers)


def test_headers_of_others_are_passed_over():
    """A trace id beside ours is no error."""
    headers = [("traceparent", b"00-abc"), ("nothing", None), *FRESH.headers()]

    assert progress_of(headers) == FRESH


def test_everything_of_the_progress_is_in_the_headers():
    """And comes back from them, to the millisecond."""
    progress = Progress(
        waiting_since=NOW,
        attempts_made=3,
        schedule_step=2,
        hops=2,
        not_before=NOW + timedelta(milliseconds=7),
        first_attempt_at=NOW,
        last_outcome="timed_out",
        reason="gone",
    )

    assert len(progress.headers()) == 8
    assert progress_of(progress.headers()) == progress
