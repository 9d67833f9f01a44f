import json

from support.commands import endpoint, record


def test_attempts_are_listed_by_endpoint_event_or_delivery(run, bench):
    """As a table and as JSON; of nothing in particular they are refused."""
    endpoint_id = endpoint(run)
    record(bench, endpoint_id)
    assert "rejected" in run("attempts", "--endpoint", endpoint_id).output
    (attempt,) = json.loads(run("attempts", "--event", "evt_1", "--json").output)
    assert attempt["response_body"] == "oops"
    assert run("attempts").exit_code == 2
