"""The matcher on real Kafka and a real registry."""

import signal
import time

import orjson
import pytest

from hooklane.adapters.codec import codec
from support.matching import Deployment, an_endpoint, encoded

pytestmark = pytest.mark.kafka


def a_schema(namespace: str) -> dict:
    return {
        "type": "record",
        "name": "created",
        "namespace": namespace,
        "fields": [
            {"name": "order_id", "type": "string"},
            {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        ],
    }


@pytest.fixture
def deployment(stack, prefix, tmp_path):
    made = Deployment(stack, prefix, tmp_path)
    yield made
    made.close()


@pytest.fixture
def source(deployment):
    """A source topic with a registered schema; gives (topic, schema id, schema)."""
    topic = f"events.{deployment.namespace}"
    deployment.create(topic)
    schema = a_schema(deployment.namespace)
    return topic, deployment.register(f"{deployment.namespace}.created", schema), schema


def publish(deployment, source, *numbers, **how):
    topic, schema_id, schema = source
    for number in numbers:
        value = encoded(schema_id, schema, {"order_id": f"o{number}", "placed_at": 0})
        deployment.produce(topic, value, key=f"k{number}", **how)
    deployment.flush()


def order_ids(deliveries):
    return [orjson.loads(delivery["payload"])["data"]["order_id"] for delivery in deliveries]


def test_an_event_goes_to_the_lanes_of_those_who_want_it(deployment, source):
    """Each event appended after the first start is in each fitting lane once, and has a receipt."""
    _, _, schema = source
    wants = deployment.put(an_endpoint(f"{schema['namespace']}.*"))
    wants_all = deployment.put(an_endpoint("*"))
    other_tenant = deployment.put(an_endpoint("*", tenant="globex"))
    publish(deployment, source, 0)
    deployment.start()
    deployment.wait_for_log("partitions.started")
    publish(deployment, source, *range(1, 101))

    first = deployment.deliveries(wants, count=100)
    expected = [f"o{n}" for n in range(1, 101)]
    assert expected == order_ids(first)
    assert expected == order_ids(deployment.deliveries(wants_all, count=100))
    assert deployment.deliveries(other_tenant, count=0) == []
    receipts = [
        codec("match").decode(record.value())
        for record in deployment.read(deployment.topics.matches, count=100)
    ]
    assert sorted([wants.endpoint_id, wants_all.endpoint_id]) == receipts[0]["matched"]
    assert [d["event_id"] for d in first] == [r["event_id"] for r in receipts]
    payload = orjson.loads(first[0]["payload"])
    assert payload["data"] == {"order_id": "o1", "placed_at": "1970-01-01T00:00:00Z"}
    assert (f"{schema['namespace']}.created", 1) == (payload["type"], payload["version"])


def test_a_killed_matcher_leaves_nothing_missing_or_doubled(deployment, source):
    """SIGKILL in an open transaction: the lane holds each event once, soon after the restart."""
    endpoint = deployment.put(an_endpoint("*"))
    process = deployment.start()
    deployment.wait_for_log("partitions.started")
    lane = endpoint.placement.topic
    published, caught = 0, False
    for _ in range(40):
        publish(deployment, source, *range(published, published + 2_000))
        published += 2_000
        committed = len(deployment.read(lane, count=published, within_s=0.15))
        written = len(deployment.read(lane, count=published, within_s=0.15, committed=False))
        process.send_signal(signal.SIGSTOP)
        committed = len(deployment.read(lane, count=published, within_s=0.5))
        written = len(deployment.read(lane, count=published, within_s=0.5, committed=False))
        if written > committed:
            caught = True
            break
        process.send_signal(signal.SIGCONT)
    assert caught, "no transaction was caught open"
    process.kill()
    process.wait()
    deployment.start()
    deployment.wait_for_log("process.started", count=2)
    began = time.monotonic()
    while len(deployment.read(lane, count=committed + 1, within_s=3)) <= committed:
        assert time.monotonic() < began + 3, "the lane was not readable within 3 s"
    found = order_ids(deployment.deliveries(endpoint, count=published))
    assert [f"o{n}" for n in range(published)] == found
