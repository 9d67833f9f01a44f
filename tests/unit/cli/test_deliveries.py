import json

from support.commands import endpoint
from support.explaining import attempt, receipt


def test_deliveries_are_listed_and_shown_in_their_state(run, bench):
    """By endpoint, event and state."""
    endpoint_id = endpoint(run)
    receipt(bench, matched=[endpoint_id])
    own = attempt(bench, endpoint_id, 1, verdict="delivered", outcome="succeeded")
    assert own in run("deliveries", "list", "--endpoint", endpoint_id).output
    (found,) = json.loads(run("deliveries", "list", "--state", "delivered", "--json").output)
    assert (found["id"], found["attempts"]) == (own, 1)
    assert json.loads(run("deliveries", "list", "--state", "dead", "--json").output) == []
    assert "delivered" in run("deliveries", "show", own).output
    assert json.loads(run("deliveries", "show", own, "--json").output)["id"] == own
    assert run("deliveries", "show", "dlv_9").exit_code == 2
