import json

from hooklane.cli.status import show
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


def test_status_tells_of_the_exhaustion_guard_while_it_holds(run, bench, capsys):
    """An operator sees why nothing is buried, and until when."""
    found = json.loads(run("status", "--json").output)
    assert found["exhaustion_guard"] is None
    guard = {"since": "07:40", "until": "08:02", "attempted": 40, "succeeded": 2}

    show(found | {"exhaustion_guard": guard})

    expected = "exhaustion guard since 07:40, until 08:02: of 40 endpoints tried 2 succeeded"
    assert expected in capsys.readouterr().out


def test_status_names_the_lanes_that_flow_less_than_they_may(run, capsys):
    """Whose breaker is open, and until when."""
    found = json.loads(run("status", "--json").output)
    assert found["flows"] == []
    flow = {"endpoint_id": "ep_x", "state": "broken", "in_flight_limit": 1, "until": "08:02"}

    show(found | {"flows": [flow]})

    assert "broken" in capsys.readouterr().out


def test_an_endpoint_placed_in_the_pool_is_shown_there(run, bench):
    """With its partition's lag."""
    endpoint_id = endpoint(run)
    placed = run("endpoint", "place", endpoint_id, "pool").output
    assert ("pool" in placed, "pinned" in placed) == (True, True)
    found = json.loads(run("status", "--json").output)
    number = bench.topics.pool_partition(endpoint_id)
    assert found["pool"] == [{"partition": number, "endpoints": 1, "lag": 0}]
    assert found["lanes"] == []
    assert [lane["endpoint_id"] for lane in found["former_lanes"]] == [endpoint_id]
    assert "were left" in run("status").output
    assert "endpoints" in run("status").output
