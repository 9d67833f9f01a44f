"""A rejected event on real Kafka and a real registry: from the matcher's refusal to its lane."""

import orjson
import pytest

from hooklane.adapters.codec import codec
from support.again import Again
from support.matching import Deployment, an_endpoint, encoded

pytestmark = pytest.mark.kafka


@pytest.fixture
def deployment(stack, prefix, tmp_path):
    made = Deployment(stack, prefix, tmp_path)
    yield made
    made.close()


@pytest.fixture
def again(deployment, bootstrap, prefix, tmp_path):
    """The replayer's side of the same deployment."""
    made = Again(bootstrap, prefix, tmp_path, is_laid_out=True)
    made.environment |= deployment.environment
    yield made
    made.close()


def sources(deployment, **fields):
    pattern = f"events.{deployment.namespace}*"
    return orjson.dumps([{"pattern": pattern, **fields}]).decode()


def test_an_event_without_a_tenant_goes_once_its_source_has_one(deployment, again):
    """It keeps its position, and has a receipt."""
    schema = {
        "type": "record",
        "name": "created",
        "namespace": deployment.namespace,
        "fields": [{"name": "n", "type": "int"}],
    }
    topic = f"events.{deployment.namespace}"
    deployment.create(topic)
    schema_id = deployment.register(f"{deployment.namespace}.created", schema)
    endpoint = deployment.put(an_endpoint("*"))
    deployment.start(sources=sources(deployment))
    deployment.wait_for_log("partitions.started")
    for number in range(3):
        deployment.produce(topic, encoded(schema_id, schema, {"n": number}), key=b"k")
    deployment.flush()
    rejected = deployment.read(deployment.topics.rejected_events, count=3)
    places = [{"partition": r.partition(), "offset": r.offset()} for r in rejected]

    again.ask("resubmit", endpoint_id="", positions=places)
    again.start("replayer", sources=sources(deployment, default_tenant="acme"))

    made = deployment.deliveries(endpoint, count=3)
    assert sorted(d["source"]["offset"] for d in made) == [0, 1, 2]
    assert sorted(orjson.loads(d["payload"])["data"]["n"] for d in made) == [0, 1, 2]
    receipts = deployment.read(deployment.topics.matches, count=3)
    assert {codec("match").decode(r.value())["event_id"] for r in receipts} == {
        d["event_id"] for d in made
    }
