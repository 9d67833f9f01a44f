"""The ingest door on real Kafka: what was answered 202 is in the log, whatever dies when."""

import asyncio
import json
import uuid
from collections import Counter
from datetime import timedelta

import httpx
import pytest

from hooklane.adapters import kafka
from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.settings import KafkaSettings, RegistrySettings
from hooklane.domain.topics import Partition, TopicSpec
from support.services import Service, free_port, kafka_environment
from support.stack import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]
KEY = "a publisher's key that is long enough"
CALLERS = 16


class Deployment:
    """One event type of its own, its topic, and a door in front of it."""

    def __init__(self, stack, prefix, folder):
        self.namespace = f"n{uuid.uuid4().hex[:8]}"
        self.event_type, self.topic = f"{self.namespace}.created", f"events.{self.namespace}"
        self.settings = KafkaSettings(bootstrap=stack.kafka, prefix=prefix, replication=1)
        registry = HttpRegistry(RegistrySettings(url=stack.registry))
        registry.register(
            self.event_type,
            {
                "type": "record", "name": "created", "namespace": self.namespace,
                "fields": [{"name": "n", "type": "long"}],
            },
        )  # fmt: skip
        registry.close()
        spec = TopicSpec(name=self.topic, partitions=2, settings={})
        admin = kafka.admin(self.settings)
        admin.ensure([spec], replication=1)
        admin.close()
        self.port = free_port()
        own = {
            "HOOKLANE_REGISTRY_URL": stack.registry,
            "HOOKLANE_PUBLISHER_PORT": str(self.port),
            "HOOKLANE_PUBLISHER_API_KEYS": json.dumps([{"key": KEY}]),
            "HOOKLANE_PUBLISHER_ACK_WITHIN_MS": "2000",
        }
        environment = kafka_environment(stack.kafka, prefix) | own
        self.door = Service("publisher", environment, folder / "publisher.log")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1/events"

    def event(self, number, **said):
        return {"type": self.event_type, "tenant": "acme", "data": {"n": number}, **said}

    def post(self, body, **headers):
        authorized = {"Authorization": f"Bearer {KEY}", **headers}
        return httpx.post(self.url, json=body, headers=authorized, timeout=20)

    def ids(self):
        """Give the ce_id of everything in the log."""
        reader = kafka.reader(self.settings, instance="test")
        parts = [Partition(self.topic, number) for number in range(2)]
        reader.start(dict.fromkeys(parts, 0))
        ends = {part: reader.ends(part)[1] for part in parts}
        found = []
        while any(reader.position(part) < end for part, end in ends.items()):
            found += reader.read(10_000, timeout=timedelta(milliseconds=200))
        reader.close()
        return [dict(record.headers())["ce_id"].decode() for record in found]


@pytest.fixture
def deployment(stack, prefix, tmp_path):
    made = Deployment(stack, prefix, tmp_path)
    yield made
    made.door.stop()


async def flood(deployment, *, until, batch):
    """Post batches from several callers until the door is gone; give the ids answered and sent."""
    answered, sent = [], Counter()

    async def caller(name, client):
        for number in range(100_000):
            ids = [f"{name}-{number}-{place}" for place in range(batch)]
            sent.update(ids)
            body = {"events": [deployment.event(number, id=one) for one in ids]}
            try:
                answer = await client.post(deployment.url, json=body)
            except httpx.HTTPError:
                return
            assert answer.status_code == 202, answer.text
            answered.extend(event["id_in_source"] for event in answer.json()["events"])
            if len(answered) >= until and not killed.is_set():
                killed.set()
                deployment.door.kill()

    killed = asyncio.Event()
    headers = {"Authorization": f"Bearer {KEY}"}
    limits = httpx.Limits(max_connections=CALLERS)
    async with httpx.AsyncClient(headers=headers, timeout=20, limits=limits) as client:
        await asyncio.gather(*(caller(f"c{n}", client) for n in range(CALLERS)))
    return answered, sent


def test_what_was_answered_is_in_the_log_after_a_kill(deployment):
    """SIGKILL in the middle of batches: every 202 is there, and nothing that was not sent.

    The same call again, to another process of it, is the same event.
    """
    deployment.door.start().wait_ready()
    call = {"Idempotency-Key": "checkout-1"}
    first = deployment.post(deployment.event(1), **call)
    answered, sent = asyncio.run(flood(deployment, until=1_500, batch=20))
    in_log = Counter(deployment.ids())
    assert len(answered) >= 1_500
    assert set(answered) <= set(in_log)
    assert set(in_log) <= {*sent, "checkout-1"}
    assert set(in_log.values()) == {1}

    deployment.door.start().wait_ready()
    second = deployment.post(deployment.event(1), **call)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert Counter(deployment.ids())["checkout-1"] == 2


def test_a_stop_answers_what_was_asked(deployment):
    """SIGTERM: open requests get their 202, and the process ends well."""
    deployment.door.start().wait_ready()

    async def run():
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(headers=headers, timeout=20) as client:
            body = {"events": [deployment.event(n, id=str(n)) for n in range(200)]}
            asking = [asyncio.create_task(client.post(deployment.url, json=body)) for _ in range(8)]
            await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            code = await asyncio.to_thread(deployment.door.stop)
            return code, [await one for one in asking]

    code, answers = asyncio.run(run())
    assert (code, {answer.status_code for answer in answers}) == (0, {202})
    assert Counter(deployment.ids()) == {str(n): 8 for n in range(200)}


def test_a_door_without_kafka_answers_503_and_is_not_ready(deployment):
    """It says so itself, and goes on trying."""
    deployment.door.environment["HOOKLANE_KAFKA_BOOTSTRAP"] = f"127.0.0.1:{free_port()}"
    deployment.door.start()
    ready = f"http://127.0.0.1:{deployment.door.metrics}/ready"

    def answer():
        try:
            return deployment.post(deployment.event(1))
        except httpx.ConnectError:
            return None

    found = wait_until(answer, within_s=30, what="an answer")
    assert (found.status_code, found.headers["Retry-After"]) == (503, "1")
    assert httpx.get(ready).status_code == 503
    deployment.door.kill()
