"""The calls that send something at once."""

import pytest

from support.control import Bench, draft


@pytest.fixture
def bench(tmp_path):
    found = Bench(
        url=f"sqlite:///{tmp_path}/control.db",
        environment={"HOOKLANE_CONTROL_PROBE_WAIT_MS": "0"},
    )
    found.follower("matcher")
    found.ring()
    yield found
    found.store.close()


def test_retries_and_probes_are_asked_for(hooklane):
    """Each is a command."""
    endpoint_id = hooklane.create_endpoint(**draft())["id"]

    released = hooklane.send_now(endpoint_id)
    probed = hooklane.probe(endpoint_id, event_type="order.shipped")

    assert (released["count"], released["command_id"][:4]) == (0, "cmd_")
    assert (probed["type"], probed["attempt"]) == ("order.shipped", None)
