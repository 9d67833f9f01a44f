"""The deliverer on real Kafka, against receivers of every kind."""

import pytest
from standardwebhooks import Webhook

from hooklane.domain.delivery import progress_of
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


def test_each_delivery_is_posted_once_signed_and_recorded(deployment, receiver):
    """A healthy endpoint gets each event once, its signature verifies, an Attempt says so."""
    endpoint = deployment.endpoint(receiver.url("/ok"))
    expected = deployment.deliver(endpoint, range(100))
    deployment.start()
    attempts = deployment.attempts(count=100)
    assert expected == sorted((a["delivery_id"] for a in attempts), key=expected.index)
    assert {"delivered"} == {attempt["verdict"] for attempt in attempts}
    assert {f"evt_{n}" for n in range(100)} == set(receiver.event_ids("/ok"))
    assert set() == receiver.doubled("/ok")
    post = receiver.posts[0]
    Webhook(deployment.secrets[endpoint.endpoint_id]).verify(post.body, post.headers)
    lane = endpoint.placement.topic
    wait_for(lambda: _lag(deployment, lane) == 0, what="a drained lane")


def test_what_fails_goes_to_its_tier_and_no_further(deployment, receiver):
    """A 500 leaves an Attempt and the same bytes in the first tier, due within its jitter."""
    endpoint = deployment.endpoint(receiver.url("/bad", status=500))
    expected = deployment.deliver(endpoint, range(10))
    deployment.start()
    retries = deployment.read(deployment.topics.retry(endpoint.retry_schedule[0]), count=10)
    assert sorted(expected) == sorted(record.key().decode() for record in retries)
    progress = progress_of(retries[0].headers())
    assert (1, 1, "rejected") == (
        progress.attempts_made,
        progress.schedule_step,
        progress.last_outcome,
    )
    assert {("rejected", "retry", 500)} == {
        (a["outcome"], a["verdict"], a["status"]) for a in deployment.attempts(count=10)
    }


def _lag(deployment, lane):
    from hooklane.domain.topics import Partition

    partition = Partition(lane, 0)
    committed = deployment.admin.committed(deployment.topics.group("deliverer.0"), [partition])
    end = deployment.admin.ends([partition])[partition][1]
    return end - committed[partition].offset if partition in committed else None
