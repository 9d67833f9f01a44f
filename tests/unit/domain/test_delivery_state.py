from datetime import UTC, datetime, timedelta

import pytest

from hooklane.domain.delivery_state import (
    DeadLetterMark,
    DeliveryState,
    LastAttempt,
    newest,
    obligations,
    standing,
)
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.ids import delivery_id

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def attempt(verdict, *, ago=10, number=1, **fields):
    return LastAttempt(started_at=NOW - ago * SECOND, number=number, verdict=verdict, **fields)


def letter(*, died=9, redriven=None):
    return DeadLetterMark(
        died_at=NOW - died * SECOND,
        reason="exhausted",
        redriven_at=None if redriven is None else NOW - redriven * SECOND,
    )


def state(last=None, dead=None, *, of=EndpointState.ACTIVE):
    return standing(last, dead, endpoint_state=of, now=NOW)


def test_what_was_never_attempted_is_in_its_lane():
    """A receipt alone says that it waits for its first attempt."""
    assert state().state is DeliveryState.IN_LANE
    assert state(of=None).state is DeliveryState.IN_LANE


def test_a_paused_endpoint_holds_what_is_in_its_lane():
    """Held is said only of what would be sent otherwise."""
    paused = EndpointState.PAUSED
    due = attempt("retry", due_at=NOW)
    waiting = attempt("retry", tier=5 * SECOND, due_at=NOW + SECOND)
    assert state(of=paused).state is DeliveryState.HELD
    assert state(due, of=paused).state is DeliveryState.HELD
    assert state(waiting, of=paused).state is DeliveryState.WAITING
    assert state(attempt("delivered"), of=paused).state is DeliveryState.DELIVERED


def test_a_retry_waits_in_its_tier_until_it_is_due():
    """Past due it is in its lane again, though nobody recorded its copy."""
    found = state(attempt("retry", tier=5 * SECOND, due_at=NOW + SECOND))
    assert (found.state, found.tier, found.due_at) == (
        DeliveryState.WAITING, 5 * SECOND, NOW + SECOND,
    )  # fmt: skip
    assert state(attempt("retry", due_at=NOW)).state is DeliveryState.IN_LANE
    assert state(attempt("unknown")).state is DeliveryState.IN_LANE


def test_what_ended_says_why():
    """Dead and cancelled carry the reason that was recorded."""
    dead, cancelled = (
        attempt("dead", reason="gone"),
        attempt("cancelled", reason="endpoint_deleted"),
    )
    assert (state(dead).state, state(dead).reason) == (DeliveryState.DEAD, "gone")
    assert (state(cancelled).state, state(cancelled).reason) == (
        DeliveryState.CANCELLED, "endpoint_deleted",
    )  # fmt: skip
    assert state(attempt("delivered")).state is DeliveryState.DELIVERED


def test_a_dead_letter_counts_before_its_attempt_is_recorded():
    """The two topics are read apart: the later fact wins."""
    assert state(None, letter()).state is DeliveryState.DEAD
    assert state(attempt("retry", due_at=NOW + SECOND), letter()).state is DeliveryState.DEAD
    assert state(attempt("retry", due_at=NOW + SECOND), letter()).reason == "exhausted"


def test_delivered_beats_dead():
    """An event written twice has one delivery: what the receiver has, it has."""
    assert state(attempt("delivered"), letter()).state is DeliveryState.DELIVERED


@pytest.mark.parametrize("verdict", ["dead", "delivered", "retry", "cancelled"])
def test_a_redrive_puts_it_back_whatever_was_before(verdict):
    """Attempts before the redrive say nothing of where it is now."""
    before = attempt(verdict, ago=10, due_at=NOW + SECOND)
    assert state(before, letter(redriven=5)).state is DeliveryState.IN_LANE


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("dead", DeliveryState.DEAD), ("delivered", DeliveryState.DELIVERED),
     ("retry", DeliveryState.WAITING), ("cancelled", DeliveryState.CANCELLED)],
)  # fmt: skip
def test_after_a_redrive_newer_attempts_count(verdict, expected):
    """It lives once more, by the same rules."""
    after = attempt(verdict, ago=1, due_at=NOW + SECOND)
    assert state(after, letter(redriven=5)).state is expected


def test_the_newest_attempt_is_the_last_to_start():
    """Of one millisecond the higher number is newer; none of none."""
    first, second = attempt("retry", number=1), attempt("dead", number=2)
    assert newest([second, first]) is second
    assert newest([attempt("retry", ago=1), second]).verdict == "retry"
    assert newest([]) is None


def test_a_receipt_tells_its_deliveries_in_its_order():
    """Ids are those that the matcher gave."""
    found = obligations(["ep_b", "ep_a"], event_id="evt_1", trigger="replay", command_id="cmd_1")
    wanted = {"event_id": "evt_1", "trigger": "replay", "command_id": "cmd_1"}
    assert [(one.delivery_id, one.endpoint_id) for one in found] == [
        (delivery_id(endpoint_id=endpoint_id, **wanted), endpoint_id)
        for endpoint_id in ("ep_b", "ep_a")
    ]
