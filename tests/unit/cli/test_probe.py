import json

from hooklane.cli.probe import told
from support.commands import endpoint


def test_probe_shows_what_it_met_or_where_to_look(run):
    """Here no deliverer runs, so nothing came in time."""
    endpoint_id = endpoint(run)

    shown = run("probe", endpoint_id, "--type", "order.created")
    answer = json.loads(run("probe", endpoint_id, "--json").output)

    assert "hooklane attempts --event evt_" in shown.output
    assert answer["attempt"] is None
    assert run("probe", endpoint_id, "--type", "no type").exit_code == 2


def test_an_attempt_is_shown_by_its_outcome():
    """Status, error, body and how long it took."""
    attempt = {
        "timings": {"total_ms": 12}, "outcome": "rejected", "status": 500, "error": "",
        "response_body": "oops",
    }  # fmt: skip
    answer = {"event_id": "evt_1", "type": "a.b", "version": 1, "attempt": attempt}

    assert told(answer) == {
        "event_id": "evt_1", "type": "a.b", "version": 1, "total_ms": 12,
        "outcome": "rejected", "status": 500, "error": "", "response_body": "oops",
    }  # fmt: skip
