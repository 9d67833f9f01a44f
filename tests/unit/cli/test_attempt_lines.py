"""An attempt is one line, with what followed from it."""

from hooklane.cli.attempt_lines import line, tail_line

DAY = "2026-01-01T"
ATTEMPT = {
    "started_at": f"{DAY}10:00:00.000Z", "type": "order.created", "version": 2, "number": 1,
    "trigger": "event", "status": 500, "outcome": "rejected", "timings": {"total_ms": 12},
    "verdict": "retry", "due_at": f"{DAY}10:00:01.200Z", "reason": "",
    "endpoint_id": "ep_1", "event_id": "evt_1",
}  # fmt: skip


def told(**fields):
    return " ".join(line(ATTEMPT | fields).split())


def test_a_retry_shows_when_it_is_due_and_a_death_its_reason():
    """Times of day, to the millisecond."""
    assert told() == "10:00:00.000 attempt 1 500 rejected → retry, due 10:00:01.200"
    dead = told(verdict="dead", due_at=None, reason="exhausted", status=None, outcome="timed_out")
    assert dead == "10:00:00.000 attempt 1 - timed_out → dead (exhausted)"


def test_another_trigger_than_the_event_itself_is_named():
    """A replay looks like nothing else."""
    assert "attempt 1 (replay)" in told(trigger="replay")


def test_among_others_it_says_of_what_and_for_whom():
    """And how long it took."""
    whole = " ".join(tail_line(ATTEMPT).split())
    assert whole.startswith("10:00:00.000 order.created v2 attempt 1 500 rejected 12 ms → retry")
    assert whole.endswith("ep_1 evt_1")
    assert " - → " in " ".join(tail_line(ATTEMPT | {"timings": {"total_ms": None}}).split())
