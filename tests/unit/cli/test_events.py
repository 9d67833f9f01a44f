import json

from support.explaining import EVENT, receipt


def test_events_are_listed_and_shown(run, bench):
    """Newest first; one with its payload."""
    receipt(bench, matched=["ep_1"])
    assert EVENT in run("events", "list", "--tenant", "acme").output
    (event,) = json.loads(run("events", "list", "--type", "order.created", "--json").output)
    assert event["matched_count"] == 1
    assert json.loads(run("events", "list", "--endpoint", "ep_2", "--json").output) == []
    assert json.loads(run("events", "show", EVENT, "--json").output)["payload"] == "{}"
    assert EVENT in run("events", "show", EVENT).output
    assert run("events", "show", "evt_9").exit_code == 2
