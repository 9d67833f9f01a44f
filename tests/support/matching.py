"""A deployment's matcher for tests: endpoints written straight to the table, lanes read back."""

import contextlib
import io
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import fastavro
import httpx
import orjson
from confluent_kafka import Consumer, IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from hooklane.adapters import kafka
from hooklane.adapters.codec import codec
from hooklane.adapters.records import endpoint_value
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.endpoint import Endpoint, EndpointState, Placement
from hooklane.domain.ids import new_endpoint_id
from hooklane.domain.subscription import Subscription
from hooklane.domain.topics import Partition
from hooklane.embedded.leash import leashed

WAIT_S = 30.0


def an_endpoint(*patterns: str, tenant="acme", **fields) -> Endpoint:
    endpoint_id = fields.pop("endpoint_id", None) or new_endpoint_id()
    defaults = {
        "endpoint_id": endpoint_id,
        "tenant": tenant,
        "revision": 1,
        "state": EndpointState.ACTIVE,
        "url": "http://127.0.0.1:1/",
        "subscription": Subscription(patterns=patterns),
        "secrets": (),
        "sealed_headers": None,
        "timeout": timedelta(seconds=15),
        "retry_schedule": (timedelta(seconds=5),),
        "placement": Placement(topic=f"lane.{endpoint_id[3:]}", partition=0),
    }
    return Endpoint(**{**defaults, **fields})


class Deployment:
    """One prefix on a shared cluster: its topics, endpoints, lanes, and its matcher processes."""

    def __init__(self, stack, prefix, directory) -> None:
        self.stack, self.prefix, self.directory = stack, prefix, directory
        self.namespace = f"{prefix}x"
        self.environment = {
            "HOOKLANE_KAFKA_BOOTSTRAP": stack.kafka,
            "HOOKLANE_KAFKA_PREFIX": prefix,
            "HOOKLANE_KAFKA_REPLICATION": "1",
            "HOOKLANE_KAFKA_RETRY_TIERS": "5s",
            "HOOKLANE_KAFKA_RETRY_PARTITIONS": "1",
            "HOOKLANE_KAFKA_LOG_PARTITIONS": "1",
            "HOOKLANE_KAFKA_COMMANDS_PARTITIONS": "1",
            "HOOKLANE_KAFKA_POOL_PARTITIONS": "2",
            "HOOKLANE_REGISTRY_URL": stack.registry,
            "HOOKLANE_MATCHER_SOURCES": orjson.dumps(
                [{"pattern": f"events.{self.namespace}*", "default_tenant": "acme"}]
            ).decode(),
        }
        self.settings = KafkaSettings(
            bootstrap=stack.kafka, prefix=prefix, replication=1,
            retry_tiers=(timedelta(seconds=5),), retry_partitions=1, log_partitions=1,
            commands_partitions=1, pool_partitions=2,
        )  # fmt: skip
        self.topics = self.settings.topics
        self.admin = kafka.admin(self.settings)
        self.admin.ensure(self.topics.specs(self.settings.retry_tiers), replication=1)
        self._client = AdminClient({"bootstrap.servers": stack.kafka})
        self._positions, self._position = None, 0
        self.processes: list[subprocess.Popen] = []
        self._producer = Producer({"bootstrap.servers": stack.kafka, "linger.ms": 0})

    def create(self, topic: str, partitions: int = 1) -> None:
        for future in self._client.create_topics([NewTopic(topic, partitions, 1)]).values():
            future.result()

    def put(self, endpoint: Endpoint) -> Endpoint:
        """Create an endpoint's lane, then announce it; give it with its placement."""
        lane = self.topics.lane(endpoint.endpoint_id)
        placed = replace(endpoint, placement=Placement(topic=lane, partition=0))
        self.admin.ensure([self.topics.lane_spec(lane)], replication=1)
        value = codec("endpoint").encode(endpoint_value(placed))
        self._producer.produce(self.topics.endpoints, value, key=placed.endpoint_id)
        assert self._producer.flush(10) == 0
        return placed

    def start(self, **settings: str) -> subprocess.Popen:
        """Start a matcher; `matching` is what waits for it."""
        number = len(self.processes)
        own = {f"HOOKLANE_MATCHER_{name.upper()}": value for name, value in settings.items()}
        with (self.directory / f"matcher.{number}.log").open("wb") as log:
            process = subprocess.Popen(
                leashed((sys.executable, "-m", "hooklane.matcher"), parent=os.getpid()),
                env={**os.environ, **self.environment, **own},
                stderr=log,
            )
        self.processes.append(process)
        return process

    def log(self) -> str:
        paths = sorted(self.directory.glob("matcher.*.log"))
        return "".join(path.read_text() for path in paths)

    def wait_for_log(self, text: str, *, count: int = 1) -> None:
        deadline = time.monotonic() + WAIT_S
        while self.log().count(text) < count:
            assert time.monotonic() < deadline, f"no {text!r} in\n{self.log()[-3000:]}"
            time.sleep(0.02)

    def produce(self, topic, value, *, key=None, headers=None) -> None:
        self._producer.produce(topic, value, key=key, headers=headers)

    def flush(self) -> None:
        assert self._producer.flush(20) == 0

    def register(self, subject: str, schema: dict) -> int:
        answer = httpx.post(
            f"{self.stack.registry}/subjects/{subject}/versions",
            json={"schema": orjson.dumps(schema).decode()},
            timeout=20,
        )
        answer.raise_for_status()
        return int(answer.json()["id"])

    def wait_for_position(self, table_offset: int) -> None:
        """Wait as the API does until the matcher has told that its table is so far."""
        deadline = time.monotonic() + WAIT_S
        if self._positions is None:
            self._positions = kafka.reader(self.settings, instance=f"{self.prefix}.test")
            self._positions.start({Partition(self.topics.positions, 0): 0})
        while self._position < table_offset:
            assert time.monotonic() < deadline, "the position was not told"
            for record in self._positions.read(100, timeout=timedelta(milliseconds=100)):
                self._position = codec("position").decode(record.value())["table_offset"]

    def read(
        self, topic: str, *, count: int, committed: bool = True, within_s=WAIT_S, quick=False
    ) -> list:
        """Read a topic's records from its start until there are so many, or time is over."""
        consumer = Consumer({
            "bootstrap.servers": self.stack.kafka, "group.id": f"{self.prefix}.test",
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "enable.auto.commit": False, "auto.offset.reset": "earliest",
        })  # fmt: skip
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        found, deadline = [], time.monotonic() + within_s
        while len(found) < count and time.monotonic() < deadline:
            found += [r for r in consumer.consume(1000, 0.05) if r.error() is None]
        # What is there beyond what was waited for is a fault that a count must show.
        if not quick:
            found += [r for r in consumer.consume(1000, 0.3) if r.error() is None]
        consumer.close()
        return found

    def ends(self, topic: str) -> tuple[int, int]:
        """Give where a one-partition topic ends for read_committed and for read_uncommitted."""
        ends = []
        for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED):
            asked = {TopicPartition(topic, 0): OffsetSpec.latest()}
            (future,) = self._client.list_offsets(asked, isolation_level=level).values()
            ends.append(future.result().offset)
        return ends[0], ends[1]

    def deliveries(self, endpoint: Endpoint, *, count: int, **how) -> list[dict]:
        records = self.read(endpoint.placement.topic, count=count, **how)
        return [codec("delivery").decode(record.value()) for record in records]

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()
                process.wait()


def encoded(schema_id: int, schema: dict, value: dict) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return b"\0" + schema_id.to_bytes(4, "big") + out.getvalue()
