"""What deliverers are asked for, on real Kafka: probes past a backlog, and the guard."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import Progress, progress_of, to_ms
from hooklane.domain.endpoint import EndpointState
from hooklane.receiver.verify import verify
from support.deliveries import command_value
from support.delivering import TIERS, wait_for

pytestmark = pytest.mark.kafka


def ask(deployment, endpoint):
    command(
        deployment, "probe", endpoint_id=endpoint.endpoint_id, event_id="evt_probe",
        type="order.created", version=2, content_type="application/json", payload=b'{"probe":1}',
    )  # fmt: skip


def command(deployment, kind, *, endpoint_id, **fields):
    raw = codec("command").encode(command_value(kind, endpoint_id=endpoint_id, **fields))
    deployment._produce(deployment.topics.commands, raw, endpoint_id.encode(), None)
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


def test_a_guard_told_before_it_began_spares_what_is_exhausted(deployment, receiver):
    """In the last tier again, with its count; the dead letters stay empty."""
    endpoint = deployment.endpoint(receiver.url("/hook", status=500))
    now = datetime.now(UTC)
    command(deployment, "guard", endpoint_id="", until=to_ms(now + timedelta(minutes=3)))
    exhausted = Progress(waiting_since=now, attempts_made=2, schedule_step=len(TIERS))
    deployment.deliver(endpoint, range(3), headers=exhausted.headers())
    deployment.start()

    retries = deployment.read(deployment.topics.retry(TIERS[-1]), count=3)

    assert [progress_of(record.headers()).spared for record in retries] == [1, 1, 1]
    assert deployment.read(deployment.topics.dead_letters) == []


def _told(deployment):
    """Tell whether a deliverer says that it reads a lane."""
    return any(
        codec("position").decode(record.value())["assigned_lanes"] == 1
        for record in deployment.read(deployment.topics.positions, within_s=0.5)
    )
