import json

from support.commands import endpoint, record


def test_attempts_are_listed_by_whatever_the_api_filters_by(run, bench):
    """As a table and as JSON; what it does not know is refused."""
    endpoint_id = endpoint(run)
    record(bench, endpoint_id)
    assert "rejected" in run("attempts", "--endpoint", endpoint_id).output
    (attempt,) = json.loads(run("attempts", "--event", "evt_1", "--json").output)
    assert attempt["response_body"] == "oops"
    chosen = (
        "--tenant", "acme", "--type", "order.created", "--outcome", "rejected", "--verdict",
        "retry", "--status", "500", "--since", "1970-01-01T00:00:00Z", "--json",
    )  # fmt: skip
    assert len(json.loads(run("attempts", *chosen).output)) == 1
    assert json.loads(run("attempts", "--status", "404", "--json").output) == []
    assert run("attempts", "--outcome", "fine").exit_code == 2


def test_one_attempt_is_shown_with_all_that_is_kept(run, bench):
    """By its id."""
    record(bench, endpoint(run))
    assert "oops" in run("attempts", "att_1").output
    assert json.loads(run("attempts", "att_1", "--json").output)["status"] == 500
    assert run("attempts", "att_9").exit_code == 2
