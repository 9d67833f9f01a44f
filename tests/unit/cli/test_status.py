import json

from support.commands import endpoint, record


def test_status_shows_lanes_tiers_dead_letters_and_clocks(run, bench):
    """One look at what waits where."""
    endpoint_id = endpoint(run)
    record(bench, endpoint_id)
    text = run("status").output
    for expected in ("lanes", endpoint_id, "retry tiers", "30m", "exhausted", "test.matcher.0"):
        assert expected in text
    found = json.loads(run("status", "--json").output)
    assert found["dead_letters"] == {"exhausted": 1}
