"""Producers that know nothing of Hooklane: stock serializers with their defaults, no headers."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Producer

from support.matching import Deployment, an_endpoint

pytestmark = pytest.mark.kafka
JAVASCRIPT = Path(__file__).parent / "clients" / "javascript"


def a_schema(namespace):
    return {
        "type": "record",
        "name": "created",
        "namespace": namespace,
        "fields": [
            {"name": "n", "type": "int"},
            {"name": "note", "type": ["null", "string"], "default": None},
        ],
    }


@pytest.fixture
def deployment(stack, prefix, tmp_path):
    made = Deployment(stack, prefix, tmp_path)
    made.create(f"events.{made.namespace}", 2)
    yield made
    made.close()


def payloads(deployment, endpoint, *, count):
    found = deployment.deliveries(endpoint, count=count)
    return [orjson.loads(delivery["payload"]) for delivery in found]


def test_the_stock_python_serializer_is_understood(deployment):
    """Registers `<topic>-value` by itself; each of its versions is the version receivers see."""
    stock = pytest.importorskip(
        "confluent_kafka.schema_registry.avro",
        reason="the stock Python serializer is UNTESTED: confluent-kafka[avro] is not whole",
        exc_type=ImportError,
    )
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.serialization import MessageField, SerializationContext

    endpoint = deployment.put(an_endpoint("*"))
    deployment.start()
    deployment.wait_for_log("partitions.started")
    topic, schema = f"events.{deployment.namespace}", a_schema(deployment.namespace)
    newer = {**schema, "fields": [*schema["fields"],
             {"name": "more", "type": "string", "default": ""}]}  # fmt: skip
    # Since 2.16 the default strategy asks an API that only Confluent's own registry has.
    defaults = {"subject.name.strategy.type": "TOPIC"}
    producer = Producer({"bootstrap.servers": deployment.stack.kafka})
    context = SerializationContext(topic, MessageField.VALUE)
    with SchemaRegistryClient({"url": deployment.stack.registry}) as registry:
        for text, value in ((schema, {"n": 1}), (newer, {"n": 2, "note": "x", "more": "y"})):
            serialize = stock.AvroSerializer(registry, orjson.dumps(text).decode(), conf=defaults)
            producer.produce(topic, serialize(value, context), key="python")
    assert producer.flush(20) == 0

    found = sorted(payloads(deployment, endpoint, count=2), key=lambda payload: payload["version"])

    assert [payload["version"] for payload in found] == [1, 2]
    assert found[0]["data"] == {"n": 1, "note": None}
    assert found[1]["data"] == {"n": 2, "note": "x", "more": "y"}
    assert {payload["type"] for payload in found} == {f"{deployment.namespace}.created"}


@pytest.fixture(scope="session")
def javascript():
    """The stock producer's folder with its packages, or a loud skip."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("JavaScript is absent: no node or npm, the stock JavaScript client is UNTESTED")
    cache = Path(tempfile.gettempdir()) / f"hooklane-test-javascript-{os.getuid()}"
    cache.mkdir(exist_ok=True)
    for path in JAVASCRIPT.iterdir():
        shutil.copy(path, cache)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    done = subprocess.run(
        command, cwd=cache, capture_output=True, text=True, timeout=100, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"the stock JavaScript client is UNTESTED, npm failed: {done.stderr[-300:]}")
    return cache


@pytest.mark.other_language
def test_the_stock_javascript_serializer_is_understood(deployment, javascript):
    """KafkaJS and its registry client, RecordNameStrategy; no headers."""
    endpoint = deployment.put(an_endpoint("*"))
    deployment.start()
    deployment.wait_for_log("partitions.started")
    topic, schema = f"events.{deployment.namespace}", a_schema(deployment.namespace)
    subject = f"{deployment.namespace}.created"
    stack = deployment.stack
    done = subprocess.run(
        ["node", "publish.js", stack.kafka, stack.registry, topic, subject, orjson.dumps(schema)],
        cwd=javascript,
        input='{"n": 1, "note": null}\n{"n": 2, "note": "é"}\n',
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    found = payloads(deployment, endpoint, count=2)

    assert [payload["data"] for payload in found] == [
        {"n": 1, "note": None},
        {"n": 2, "note": "é"},
    ]
    assert {(payload["type"], payload["version"]) for payload in found} == {(subject, 1)}
