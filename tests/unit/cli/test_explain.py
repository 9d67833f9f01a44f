"""An explanation as a story: the verdict first, then what it follows from."""

import json

from support.commands import endpoint
from support.explaining import EVENT, attempt, receipt


def test_a_match_is_told_with_its_deliveries_and_attempts(run, bench):
    """One line a fact, one line an attempt."""
    endpoint_id = endpoint(run)
    receipt(bench, matched=[endpoint_id])
    own = attempt(bench, endpoint_id, 1, due_at=None, verdict="dead", reason="exhausted")
    lines = run("explain", EVENT, endpoint_id).output.splitlines()
    assert lines[0].startswith("matched: The receipt lists the endpoint for order.created")
    assert lines[2].startswith(f"event      {EVENT}  order.created v2 of acme, ")
    assert lines[3].startswith(f"endpoint   {endpoint_id}  active, revision 1, created ")
    assert lines[4] == "then       revision 1, active, wants *"
    assert lines[5] == f"delivery   {own}  by event, dead (exhausted)"
    assert lines[6].endswith("attempt 1  500  rejected    → dead (exhausted)")


def test_what_is_not_recorded_is_called_so(run):
    """The exit code is 0: the question was answered."""
    endpoint_id = endpoint(run)
    told = run("explain", "evt_unknown", endpoint_id)
    assert told.exit_code == 0
    assert told.output.startswith("unknown: No receipt of this event is recorded")
    assert "event      not recorded" in told.output
    assert "no revision of it was known" in told.output


def test_a_delivery_that_waits_says_until_when(run, bench):
    """And in which tier."""
    endpoint_id = endpoint(run)
    receipt(bench, matched=[endpoint_id])
    later = "9999-12-01T00:00:00.000Z"
    attempt(bench, endpoint_id, 1, due_at=253_399_622_400_000)
    assert (
        f"by event, waiting in tier 5s until {later}" in run("explain", EVENT, endpoint_id).output
    )


def test_programs_get_json(run):
    """As the API answers."""
    answer = json.loads(run("explain", EVENT, endpoint(run), "--json").output)
    assert answer["verdict"] == "unknown"


def test_an_endpoint_nobody_knows_is_refused(run):
    """Exit code 2."""
    assert run("explain", EVENT, "ep_unknown").exit_code == 2
