"""Batches on real Kafka: one signed POST for several deliveries, each with its own fate."""

import json
from datetime import timedelta

import pytest
from standardwebhooks import Webhook as OfficialWebhook

from hooklane.adapters.codec import codec
from hooklane.domain.endpoint import Batch
from hooklane.domain.topics import Partition
from hooklane.receiver.verify import Webhook
from support.delivering import Answering, Receiver, wait_for

pytestmark = pytest.mark.kafka

REFUSED = frozenset(f"evt_{n}" for n in range(0, 12, 3))


class Choosy(Receiver):
    """Takes the items of a batch one by one, and says which it refused."""

    def rule_of(self, post):
        told = [
            {"id": item["id"], "status": 503 if item["id"] in REFUSED else 200}
            for item in json.loads(post.body)
        ]
        return Answering(status=207, body=json.dumps({"results": told}).encode())


@pytest.fixture
def receiver():
    made = Choosy()
    yield made
    made.close()


def test_a_batch_is_signed_as_one_and_only_what_was_refused_is_tried_again(deployment, receiver):
    """Item results go through HTTP, verdicts, the tick and the tier's topic."""
    batch = Batch(count_max=5, wait=timedelta(milliseconds=300))
    endpoint = deployment.endpoint(receiver.url("/batches"), batch=batch)
    for n in range(12):
        deployment.deliver(endpoint, [n], payload=b'{"id":"evt_%d"}' % n)
    deployment.start()
    attempts = deployment.attempts(count=12)
    found = {a["event_id"]: (a["verdict"], a["status"], a["number"]) for a in attempts}
    assert len(attempts) == 12
    assert found == {
        f"evt_{n}": ("retry", 503, 1) if f"evt_{n}" in REFUSED else ("delivered", 200, 1)
        for n in range(12)
    }
    retries = deployment.read(deployment.topics.retry(endpoint.retry_schedule[0]), count=4)
    assert {codec("delivery").decode(r.value())["event_id"] for r in retries} == REFUSED
    secret = deployment.secrets[endpoint.endpoint_id]
    sizes = []
    for post in receiver.posts:
        events = OfficialWebhook(secret).verify(post.body, post.headers)
        assert events == Webhook(secret).verify_batch(post.body, post.headers)
        assert post.headers["x-webhook-batch"] == str(len(events))
        sizes.append(len(events))
    assert (sum(sizes), max(sizes), len(sizes)) == (12, 5, 3)
    lane = Partition(endpoint.placement.topic, 0)
    group = deployment.topics.group("deliverer.0")
    wait_for(lambda: deployment.admin.committed(group, [lane])[lane].offset >= 12, what="commits")
