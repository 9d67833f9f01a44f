"""A probe goes past the queue, signed as any, and nothing follows from it."""

import pytest

from hooklane.adapters.http.port import Outcome
from hooklane.domain.endpoint import Batch, EndpointState
from hooklane.domain.ids import delivery_id
from hooklane.domain.signature import secret_key, signature
from support.posting import (
    OK,
    SECOND,
    SECRET,
    TOPICS,
    DelivererBench,
    FakeSender,
    answer_all,
    failed,
    header,
    status,
)


@pytest.fixture
def bench():
    return DelivererBench()


def running(bench, **fields):
    endpoint, deliverer = bench.endpoint(**fields), bench.deliverer()
    bench.run(deliverer, SECOND)
    return endpoint, deliverer


def test_a_probe_is_posted_at_once_and_marked(bench):
    """The command's bytes, signed with the endpoint's secret; its attempt is in the next tick."""
    endpoint, deliverer = running(bench)
    bench.probe(endpoint)

    bench.run(deliverer, SECOND)

    (post,) = bench.sender.posts
    (attempt,) = bench.attempts()
    signed = signature(
        [secret_key(SECRET)], event_id=b"evt_probe",
        timestamp=header(post, "webhook-timestamp").encode(), payload=post.body,
    )  # fmt: skip
    assert header(post, "X-Webhook-Probe") == "true"
    assert header(post, "webhook-signature") == signed.decode()
    assert (header(post, "X-Webhook-Version"), post.body) == ("2", b'{"n":1}')
    assert (attempt["trigger"], attempt["verdict"], attempt["status"]) == (
        "probe", "delivered", 200,
    )  # fmt: skip
    assert attempt["delivery_id"] == delivery_id(
        event_id="evt_probe",
        endpoint_id=endpoint.endpoint_id,
        trigger="probe",
        command_id="cmd_1",
    )


def test_a_probe_of_an_endpoint_that_batches_is_a_batch_of_one(bench):
    """Who asked for arrays sees what it will get."""
    batch = Batch(count_max=10, wait=10 * SECOND)
    endpoint, deliverer = running(bench, batch=batch)
    bench.probe(endpoint)

    bench.run(deliverer, SECOND)

    (post,) = bench.sender.posts
    (attempt,) = bench.attempts()
    assert post.body == b'[{"n":1}]'
    assert (header(post, "X-Webhook-Batch"), header(post, "X-Webhook-Probe")) == ("1", "true")
    assert (attempt["trigger"], attempt["verdict"]) == ("probe", "delivered")


@pytest.mark.parametrize(
    "answer", [status(500), status(410), status(429, retry_after="60"), failed(Outcome.BLOCKED)]
)
def test_nothing_follows_whatever_it_meets(bench, answer):
    """No retry, no dead letter, no disabling, no hold: recorded, and the lane goes on."""
    endpoint, deliverer = running(bench)
    answer_all(bench, answer)
    bench.probe(endpoint)
    bench.run(deliverer, SECOND)
    answer_all(bench, OK)
    bench.deliver(endpoint)

    bench.run(deliverer, SECOND)

    probe, delivery = bench.attempts()
    assert (probe["outcome"], probe["verdict"], probe["reason"]) == (
        answer.outcome.value, "cancelled", "probe",
    )  # fmt: skip
    assert delivery["verdict"] == "delivered"
    assert (bench.retries(), bench.dead()) == ([], [])
    assert [value["kind"] for value in bench.commands()] == ["probe"]


def test_a_paused_endpoint_is_probed_past_what_it_holds(bench):
    """Its deliveries stay in the lane."""
    endpoint, deliverer = running(bench, state=EndpointState.PAUSED)
    bench.deliver(endpoint, 3)
    bench.run(deliverer, SECOND)
    bench.probe(endpoint)

    bench.run(deliverer, SECOND)

    assert bench.sender.event_ids == ["evt_probe"]
    assert bench.lag(endpoint) == 3


def test_a_busy_lane_lets_a_probe_by_and_goes_on(bench):
    """Also where its one open POST hangs for long."""
    endpoint, deliverer = running(bench, in_flight_max=1)
    answer_all(bench, OK, seconds=5)
    bench.deliver(endpoint, 2)
    bench.run(deliverer, SECOND)
    bench.probe(endpoint)
    bench.run(deliverer, SECOND)
    assert len(bench.sender.posts) == 2

    bench.run(deliverer, 12 * SECOND)

    assert len(bench.sender.posts) == len(bench.attempts()) == 3
    assert bench.lag(endpoint) == 0


@pytest.mark.parametrize("state", [EndpointState.DISABLED, EndpointState.DELETED])
def test_a_disabled_or_deleted_endpoint_is_not_probed(bench, state):
    """Whoever asked was refused, or was quicker than the change."""
    endpoint, deliverer = running(bench, state=state)
    bench.probe(endpoint)

    bench.run(deliverer, SECOND)

    assert (bench.sender.posts, bench.attempts()) == ([], [])


def test_a_fault_of_ours_is_the_probes_outcome(bench):
    """Such as an endpoint without a secret."""
    endpoint, deliverer = running(bench)
    bench.change(endpoint, secrets=())
    bench.run(deliverer, SECOND)
    bench.probe(endpoint)

    bench.run(deliverer, SECOND)

    (attempt,) = bench.attempts()
    assert (attempt["outcome"], attempt["error"]) == ("failed", "no signing secret is valid")


def test_a_stop_waits_for_a_probe(bench):
    """Its attempt is recorded before the lane is let go."""
    endpoint, deliverer = running(bench)
    answer_all(bench, OK, seconds=3)
    bench.probe(endpoint)
    bench.run(deliverer, SECOND)

    deliverer.stop()

    bench.admin = bench.cluster.admin()
    assert [attempt["trigger"] for attempt in bench.attempts()] == ["probe"]


def test_only_the_lanes_owner_sends_it(bench):
    """Of two deliverers one does."""
    endpoint = bench.endpoint()
    senders = FakeSender(bench.clock), FakeSender(bench.clock)
    both = [bench.deliverer(number, sender=senders[number]) for number in (0, 1)]
    bench.run(both, 3 * SECOND)
    bench.probe(endpoint)

    bench.run(both, SECOND)

    assert sorted(len(sender.posts) for sender in senders) == [0, 1]
    assert len(bench.records(TOPICS.attempts)) == 1
