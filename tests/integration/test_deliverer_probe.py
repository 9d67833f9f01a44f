"""A probe on real Kafka: past a backlog, signed, recorded, and nothing follows."""

import time

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.endpoint import EndpointState
from hooklane.receiver.verify import verify
from support.deliveries import command_value
from support.delivering import Deployment, Receiver, wait_for

pytestmark = pytest.mark.kafka


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def deployment(bootstrap, prefix, tmp_path):
    made = Deployment(bootstrap, prefix, tmp_path)
    yield made
    made.close()


def ask(deployment, endpoint):
    value = command_value(
        "probe", endpoint_id=endpoint.endpoint_id, event_id="evt_probe", type="order.created",
        version=2, content_type="application/json", payload=b'{"probe":1}',
    )  # fmt: skip
    raw = codec("command").encode(value)
    deployment._produce(deployment.topics.commands, raw, endpoint.endpoint_id.encode(), None)
    deployment.flush()


def test_a_probe_passes_what_a_paused_lane_holds(deployment, receiver):
    """At once, marked and signed; a 500 leaves an Attempt alone."""
    url = receiver.url("/hook", status=500)
    endpoint = deployment.endpoint(url, state=EndpointState.PAUSED)
    deployment.deliver(endpoint, range(500))
    deployment.start()
    wait_for(lambda: _told(deployment), what="the lane")
    asked_at = time.time()
    ask(deployment, endpoint)

    (attempt,) = deployment.attempts(count=1)

    (post,) = receiver.posts
    assert post.at - asked_at < 2
    assert post.headers["x-webhook-probe"] == "true"
    verify(post.body, post.headers, secrets=deployment.secrets[endpoint.endpoint_id])
    assert (attempt["trigger"], attempt["status"], attempt["verdict"]) == (
        "probe", 500, "cancelled",
    )  # fmt: skip
    assert deployment.read(deployment.topics.dead_letters) == []


def _told(deployment):
    """Tell whether a deliverer says that it reads a lane."""
    return any(
        codec("position").decode(record.value())["assigned_lanes"] == 1
        for record in deployment.read(deployment.topics.positions, within_s=0.5)
    )
