import json

from support.commands import endpoint, record


def test_dead_letters_are_listed_and_shown(run, bench):
    """The list is light, the single one has the payload."""
    endpoint_id = endpoint(run)
    record(bench, endpoint_id)
    assert "exhausted" in run("dead-letters", "list", "--endpoint", endpoint_id).output
    (listed,) = json.loads(run("dead-letters", "list", "--json").output)
    assert "payload" not in listed
    shown = json.loads(run("dead-letters", "show", "dlv_1", "--json").output)
    assert shown["payload"] == '{"n":1}'
    assert '{"n":1}' in run("dead-letters", "show", "dlv_1").output
