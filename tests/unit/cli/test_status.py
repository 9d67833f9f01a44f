import json

from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.store import Recorded
from hooklane.recorder.rows import attempt_row, dead_letter_row
from support.control import draft
from support.recording import attempt_value, dead_letter


def record(bench, endpoint_id):
    SqlRecorderStore(bench.store._engine).record(
        "recorder",
        Recorded(
            attempts=[attempt_row(attempt_value(1, endpoint_id=endpoint_id))],
            dead_letters=[dead_letter_row(dead_letter(1, endpoint_id=endpoint_id))],
            redriven={},
        ),
    )


def endpoint(run):
    words = ("--tenant", "acme", "--url", draft()["url"], "--subscribe", "*", "--json")
    return json.loads(run("endpoint", "create", *words).output)["id"]


def test_status_shows_lanes_tiers_dead_letters_and_clocks(run, bench):
    """One look at what waits where."""
    endpoint_id = endpoint(run)
    record(bench, endpoint_id)
    text = run("status").output
    for expected in ("lanes", endpoint_id, "retry tiers", "30m", "exhausted", "test.matcher.0"):
        assert expected in text
    found = json.loads(run("status", "--json").output)
    assert found["dead_letters"] == {"exhausted": 1}


def test_attempts_and_dead_letters_are_listed(run, bench):
    """As tables and as JSON."""
    endpoint_id = endpoint(run)
    record(bench, endpoint_id)
    assert "rejected" in run("attempts", "--endpoint", endpoint_id).output
    (attempt,) = json.loads(run("attempts", "--event", "evt_1", "--json").output)
    assert attempt["response_body"] == "oops"
    assert "exhausted" in run("dead-letters", "list", "--endpoint", endpoint_id).output
    shown = json.loads(run("dead-letters", "show", "dlv_1", "--json").output)
    assert shown["payload"] == '{"n":1}'
    assert run("attempts").exit_code == 2


def test_redrive_counts_or_asks(run, bench):
    """A dry run does nothing; the other writes the command."""
    endpoint_id = endpoint(run)
    record(bench, endpoint_id)
    words = ("redrive", "--endpoint", endpoint_id)
    assert run(*words, "--dry-run").output == "1 dead letters would be redriven\n"
    assert "is under way" in run(*words, "--reason", "exhausted", "--limit", "5").output
    assert run(*words, "--since", "yesterday").exit_code == 2
    assert len(bench.records(bench.topics.commands)) == 1


def test_rejected_events_are_listed_and_resubmitted(run, bench):
    """By PARTITION:OFFSET, as the list shows them."""
    assert "partition" in run("rejected", "list").output
    assert "is under way" in run("rejected", "resubmit", "0:17", "1:2").output
    wrong = run("rejected", "resubmit", "17")
    assert (wrong.exit_code, "PARTITION:OFFSET" in wrong.output) == (2, True)


def test_tenants_are_listed_and_shown(run):
    """Names and when they were made."""
    assert "acme" in run("tenant", "list").output
    assert json.loads(run("tenant", "show", "acme", "--json").output)["name"] == "acme"
