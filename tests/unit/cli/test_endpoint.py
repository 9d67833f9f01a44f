import json

import pytest

from hooklane.cli.endpoint import body, header
from hooklane.domain.errors import Invalid

CREATE = ("endpoint", "create", "--tenant", "acme", "--url", "https://hooks.example.com/")


@pytest.fixture
def made(run):
    found = run(*CREATE, "--subscribe", "order.*", "--json")
    return json.loads(found.output)


def test_create_shows_the_secret_once(run, made):
    """The only place where it can be read."""
    assert made["secret"].startswith("whsec_")
    shown = json.loads(run("endpoint", "show", made["id"], "--json").output)
    assert (shown["secret"], shown["effective"]) == (None, True)


def test_patterns_may_be_repeated_or_separated_by_commas(run):
    """Both ways of writing are common."""
    found = run(*CREATE, "--subscribe", "order.*,user.registered", "--subscribe", "a.b", "--json")
    assert json.loads(found.output)["subscription"] == ["order.*", "user.registered", "a.b"]


def test_the_whole_life_by_commands(run, made):
    """Each step answers with the endpoint as it then is."""
    endpoint_id = made["id"]
    updated = run("endpoint", "update", endpoint_id, "--timeout-ms", "2000", "--json")
    assert json.loads(updated.output)["timeout_ms"] == 2000
    for step, state in (("pause", "paused"), ("resume", "active"), ("delete", "deleted")):
        answer = run("endpoint", step, endpoint_id, "--json")
        assert json.loads(answer.output)["state"] == state
    listed = json.loads(run("endpoint", "list", "--state", "deleted", "--json").output)
    assert [endpoint["id"] for endpoint in listed] == [endpoint_id]


def test_health_is_shown_with_the_last_hour_s_figures(run, made):
    """What is not known is left out; --json has it all."""
    lines = run("endpoint", "health", made["id"]).output
    assert "healthy" in lines
    assert "last hour attempts" in lines
    assert "failing since" not in lines
    whole = json.loads(run("endpoint", "health", made["id"], "--json").output)
    assert (whole["failing_since"], whole["last_hour"]["attempts"]) == (None, 0)


def test_tables_name_what_they_show(run, made):
    """Without --json a table for people, not folded when piped."""
    lines = run("endpoint", "list").output.splitlines()
    assert lines[0].split()[:3] == ["id", "tenant", "state"]
    assert made["id"] in lines[1]
    assert "order.*" in lines[1]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((*CREATE, "--subscribe", "order created"), "subscription"),
        ((*CREATE,), "subscription"),
        ((*CREATE, "--subscribe", "*", "--header", "X"), "NAME=VALUE"),
        ((*CREATE, "--subscribe", "*", "--metadata", "X"), "--metadata"),
        ((*CREATE, "--subscribe", "*", "--order", "sideways"), "order"),
        ((*CREATE, "--subscribe", "*", "--retry", "7s"), "retry_schedule"),
        ((*CREATE, "--subscribe", "*", "--batch-wait-ms", "5"), "--batch COUNT"),
        ((*CREATE, "--subscribe", "*", "--batch", "501"), "batch"),
        (("endpoint", "show", "ep_unknown"), "ep_unknown"),
        (("tenant", "create", "acme"), "acme"),
    ],
)
def test_a_refusal_is_exit_code_2_and_one_sentence(run, words, named):
    """It says what and where."""
    answer = run(*words)
    assert answer.exit_code == 2
    assert named in answer.output
    assert len(answer.output.strip().splitlines()) == 1


@pytest.mark.parametrize("seen", ["9", "0"])
def test_an_update_at_a_stale_revision_is_refused(run, made, seen):
    """--revision says what the caller saw; 0 is a revision that no endpoint has."""
    answer = run("endpoint", "update", made["id"], "--timeout-ms", "2000", "--revision", seen)
    assert (answer.exit_code, "revision 1" in answer.output) == (2, True)


def test_what_is_not_effective_is_said(run, bench):
    """On standard error, beside the endpoint."""
    bench.followers.pop().member.close()
    assert "not yet effective" in run(*CREATE, "--subscribe", "*").output


def test_options_become_the_api_s_fields():
    """What was not given is left to the API."""
    nothing = {
        "subscription": (), "headers": (), "metadata": (), "retry_schedule": None,
        "batch_count_max": None, "batch_wait_ms": None,
    }  # fmt: skip
    assert all(value is None for value in body(nothing).values())
    given = body({**nothing, "headers": ("X-A=b=c",), "retry_schedule": ""})
    assert (given["headers"], given["retry_schedule"]) == ({"X-A": "b=c"}, [])
    with pytest.raises(Invalid):
        header("X-A: b")


def test_batches_are_asked_for_and_ended_by_options(run):
    """And shown with the endpoint."""
    words = (*CREATE, "--subscribe", "*", "--batch", "50", "--batch-wait-ms", "200", "--json")
    made = json.loads(run(*words).output)
    assert made["batch"] == {"count_max": 50, "wait_ms": 200}
    assert "count_max=50, wait_ms=200" in run("endpoint", "show", made["id"]).output
    ended = run("endpoint", "update", made["id"], "--batch", "1", "--json")
    assert json.loads(ended.output)["batch"] is None


def test_a_create_under_a_uid_may_be_run_again(run):
    """The second run shows the same endpoint, without its secret."""
    words = (*CREATE, "--subscribe", "*", "--uid", "mine", "--metadata", "team=a", "--json")
    first, again = (json.loads(run(*words).output) for _ in range(2))
    assert (again["id"], again["secret"], again["metadata"]) == (first["id"], None, {"team": "a"})
    (found,) = json.loads(run("endpoint", "list", "--uid", "mine", "--json").output)
    assert found["id"] == first["id"]
    other = run(*CREATE, "--subscribe", "a.b", "--uid", "mine")
    assert (other.exit_code, "subscription" in other.output) == (2, True)


def test_a_secret_is_renewed_by_a_command(run, made):
    """The new one is shown, and only there."""
    rotated = run("endpoint", "rotate-secret", made["id"], "--overlap-s", "60", "--json")
    found = json.loads(rotated.output)
    assert found["secret"].startswith("whsec_")
    assert found["secret"] != made["secret"]
    assert len(found["older_secrets_until"]) == 1


def test_limits_are_set_and_ended_by_options(run):
    """A rate, and how much is open."""
    words = (*CREATE, "--subscribe", "*", "--rate-per-s", "5", "--in-flight-max", "2", "--json")
    made = json.loads(run(*words).output)
    assert (made["rate_per_s"], made["in_flight_max"]) == (5, 2)
    ended = run("endpoint", "update", made["id"], "--rate-per-s", "0", "--json")
    assert json.loads(ended.output)["rate_per_s"] is None
