"""A deployment's deliverer for tests: endpoints and deliveries written straight to their topics.

`Receiver` is who they are POSTed to: it notes every request and answers as its path says.
"""

import asyncio
import base64
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from confluent_kafka import Consumer, Producer, TopicPartition

from hooklane.adapters import kafka
from hooklane.adapters.codec import codec
from hooklane.adapters.records import endpoint_value
from hooklane.adapters.sealing import Sealer
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import first_headers
from hooklane.domain.endpoint import Endpoint, Placement
from hooklane.domain.ids import delivery_id, new_endpoint_id
from hooklane.domain.signature import new_secret
from hooklane.domain.topics import Partition
from hooklane.embedded.leash import leashed
from support.deliveries import an_endpoint, delivery_bytes, delivery_value

WAIT_S = 40.0
TIERS = (timedelta(seconds=5), timedelta(minutes=5))
SEALING_KEY = b"s" * 32
SEALER = Sealer({"k1": SEALING_KEY})


@dataclass
class Post:
    """One request as it came: when, where, with what; and when it was answered."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes
    answered: bool = False

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Answering:
    """How a path is answered."""

    status: int = 200
    delay_s: float = 0.0
    headers: str = ""
    body: bytes = b"ok"
    hang: bool = False


class Receiver:
    """An HTTP server on a thread of its own, as slow and rude as its rules say."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.rules: dict[str, Answering] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def url(self, path: str, **answering) -> str:
        self.rules[path] = Answering(**answering)
        return f"http://127.0.0.1:{self.port}{path}"

    def rule_of(self, post: Post) -> Answering:
        """Say how a request is answered; it is the last in `posts`."""
        return self.rules.get(post.path, Answering(status=404))

    def event_ids(self, path: str) -> list[str]:
        return [post.event_id for post in list(self.posts) if post.path == path]

    @property
    def open_count(self) -> int:
        return sum(not post.answered for post in list(self.posts))

    def doubled(self, path: str) -> set[str]:
        return {event_id for event_id, n in Counter(self.event_ids(path)).items() if n > 1}

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._server.close()
        open_ones = asyncio.all_tasks(self._loop)
        for pending in open_ones:
            pending.cancel()
        self._loop.run_until_complete(asyncio.gather(*open_ones, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _serve(self, reader, writer) -> None:
        try:
            await self._answer_all(reader, writer)
        finally:
            writer.transport.abort()

    async def _answer_all(self, reader, writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, OSError):
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                post = Post(time.time(), lines[0].split(" ")[1], headers, body)
                self.posts.append(post)
                rule = self.rule_of(post)
                if rule.delay_s:
                    await asyncio.sleep(rule.delay_s)
                if rule.hang:
                    await asyncio.sleep(3_600)
                length = f"Content-Length: {len(rule.body)}\r\n{rule.headers}\r\n"
                writer.write(f"HTTP/1.1 {rule.status} X\r\n{length}".encode() + rule.body)
                post.answered = True


class Deployment:
    """One prefix on a shared cluster: its topics, endpoints, lanes, and its deliverer processes."""

    def __init__(self, bootstrap, prefix, directory) -> None:
        self.bootstrap, self.prefix, self.directory = bootstrap, prefix, directory
        key = base64.b64encode(SEALING_KEY).decode()
        self.environment = {
            "HOOKLANE_KAFKA_BOOTSTRAP": bootstrap,
            "HOOKLANE_KAFKA_PREFIX": prefix,
            "HOOKLANE_KAFKA_REPLICATION": "1",
            "HOOKLANE_KAFKA_RETRY_TIERS": "5s,5m",
            "HOOKLANE_KAFKA_RETRY_PARTITIONS": "1",
            "HOOKLANE_KAFKA_LOG_PARTITIONS": "1",
            "HOOKLANE_KAFKA_COMMANDS_PARTITIONS": "1",
            "HOOKLANE_KAFKA_POOL_PARTITIONS": "2",
            "HOOKLANE_SEALING_KEYS": f"k1:{key}",
            "HOOKLANE_DELIVERER_ALLOWED_NETWORKS": "127.0.0.0/8",
            "HOOKLANE_DELIVERER_UNCOMMITTED_MS_MAX": "3000",
        }
        self.settings = KafkaSettings(
            bootstrap=bootstrap, prefix=prefix, replication=1, retry_tiers=TIERS,
            retry_partitions=1, log_partitions=1, commands_partitions=1, pool_partitions=2,
        )  # fmt: skip
        self.topics = self.settings.topics
        self.admin = kafka.admin(self.settings)
        self.admin.ensure(self.topics.specs(TIERS), replication=1)
        self.processes: list[subprocess.Popen] = []
        self.secrets: dict[str, str] = {}
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})

    def endpoint(self, url, **fields) -> Endpoint:
        """Create an endpoint with its lane, and announce it."""
        endpoint_id = new_endpoint_id()
        lane = self.topics.lane(endpoint_id)
        secret = self.secrets[endpoint_id] = new_secret()
        made = replace(
            an_endpoint(endpoint_id, lane=lane, schedule=TIERS),
            url=url,
            secrets=(SEALER.seal_secret(secret, endpoint_id=endpoint_id),),
            placement=Placement(topic=lane, partition=0),
            **fields,
        )
        self.admin.ensure([self.topics.lane_spec(lane)], replication=1)
        return self.put(made)

    def put(self, endpoint: Endpoint) -> Endpoint:
        value = codec("endpoint").encode(endpoint_value(endpoint))
        self._producer.produce(self.topics.endpoints, value, key=endpoint.endpoint_id)
        self.flush()
        return endpoint

    def change(self, endpoint: Endpoint, **fields) -> Endpoint:
        """Announce the endpoint's next revision."""
        return self.put(replace(endpoint, **{"revision": endpoint.revision + 1, **fields}))

    def deliver(
        self, endpoint, numbers, *, headers=None, payload=b'{"n":1}', key_of=lambda _number: b"k"
    ) -> list[str]:
        """Append deliveries to the endpoint's lane; give their delivery ids."""
        made = []
        own = headers or first_headers(at=datetime.now(UTC))
        for number in numbers:
            value = delivery_value(
                number, endpoint_id=endpoint.endpoint_id, payload=payload, key=key_of(number)
            )
            lane = endpoint.placement
            raw, key = delivery_bytes(value), value["key"]
            self._produce(lane.topic, raw, key, own, partition=lane.partition)
            made.append(
                delivery_id(
                    event_id=f"evt_{number}", endpoint_id=endpoint.endpoint_id, trigger="event"
                )
            )
        self.flush()
        return made

    def is_drained(self, *endpoints) -> bool:
        """Tell whether all these endpoints have and had is committed to its end."""
        places = {place for one in endpoints for place in (one.placement, *one.former)}
        parts = list({Partition(place.topic, place.partition) for place in places})
        commits = self.admin.committed(self.topics.group("deliverer.0"), parts)
        ends = self.admin.ends(parts)
        return all(p in commits and commits[p].offset == end for p, (_, end) in ends.items())

    def raw(self, endpoint, value: bytes) -> None:
        self._produce(endpoint.placement.topic, value, None, [])
        self.flush()

    def _produce(self, topic, value, key, headers, *, partition=0) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key=key, headers=headers, partition=partition)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def flush(self) -> None:
        assert self._producer.flush(30) == 0

    def start(self, *, ordinal=0, **settings) -> subprocess.Popen:
        """Start a deliverer, and wait until it has read its settings."""
        # What is counted here is open from the start, however often it fails, unless it is asked.
        chosen = {"in_flight_adaptive": False, "breaker_attempts_min": 1_000_000, **settings}
        own = {f"HOOKLANE_DELIVERER_{name.upper()}": str(value) for name, value in chosen.items()}
        own["HOOKLANE_DELIVERER_ORDINAL"] = str(ordinal)
        path = self.directory / f"deliverer.{len(self.processes)}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                leashed((sys.executable, "-m", "hooklane.deliverer"), parent=os.getpid()),
                env={**os.environ, **self.environment, **own},
                stderr=log,
            )
        self.processes.append(process)
        # From here on it knows SIGTERM.
        wait_for(lambda: "process.started" in path.read_text(), what="the deliverer's start")
        return process

    def log(self) -> str:
        paths = sorted(self.directory.glob("deliverer.*.log"))
        return "".join(path.read_text() for path in paths)

    def read(self, topic, *, count=0, within_s=WAIT_S) -> list:
        """Read a topic's committed records until there are so many, and a moment longer."""
        consumer = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}.test",
            "isolation.level": "read_committed", "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        })  # fmt: skip
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        found, deadline = [], time.monotonic() + within_s
        while len(found) < count and time.monotonic() < deadline:
            found += [r for r in consumer.consume(1000, 0.05) if r.error() is None]
        # What is there beyond what was waited for is a fault that a count must show.
        found += [r for r in consumer.consume(1000, 0.5) if r.error() is None]
        consumer.close()
        return found

    def attempts(self, *, count=0, **how) -> list[dict]:
        records = self.read(self.topics.attempts, count=count, **how)
        return [codec("attempt").decode(record.value()) for record in records]

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(35)
            if process.poll() is None:
                process.kill()
                process.wait()


def wait_for(condition, *, within_s=WAIT_S, what="it"):
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come within {within_s} s"
        time.sleep(0.02)
    return value
