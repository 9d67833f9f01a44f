import json

from support.commands import endpoint


def test_send_now_says_how_many_wait(run):
    """And with --json what the API answered."""
    endpoint_id = endpoint(run)

    shown = run("send-now", endpoint_id)
    answer = json.loads(run("send-now", endpoint_id, "--json").output)

    assert shown.output.endswith(": 0 retries were waiting\n")
    assert (answer["count"], answer["dry_run"]) == (0, False)
    assert run("send-now", "ep_nobody").exit_code == 2
