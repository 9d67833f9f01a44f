"""Retrier and replayer processes on a shared Kafka: one prefix, its topics, lanes and processes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from confluent_kafka import Consumer, TopicPartition

from hooklane.adapters import kafka
from hooklane.adapters.codec import codec
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import Progress, to_ms
from hooklane.domain.topics import Partition
from hooklane.embedded.leash import leashed
from support.deliveries import an_endpoint, delivery_bytes, delivery_value, endpoint_bytes

TIERS = (timedelta(seconds=2), timedelta(seconds=30))
WAIT_S = 40.0


class Again:
    def __init__(self, bootstrap, prefix, directory, *, is_laid_out=False):
        self.directory, self.processes = directory, []
        self.environment = {
            "HOOKLANE_KAFKA_BOOTSTRAP": bootstrap,
            "HOOKLANE_KAFKA_PREFIX": prefix,
            "HOOKLANE_KAFKA_REPLICATION": "1",
            "HOOKLANE_KAFKA_RETRY_TIERS": "2s,30s",
            "HOOKLANE_KAFKA_RETRY_PARTITIONS": "2",
            "HOOKLANE_KAFKA_LOG_PARTITIONS": "2",
            "HOOKLANE_KAFKA_COMMANDS_PARTITIONS": "1",
            "HOOKLANE_KAFKA_POOL_PARTITIONS": "2",
        }
        self.settings = KafkaSettings(
            bootstrap=bootstrap, prefix=prefix, replication=1, retry_tiers=TIERS,
            retry_partitions=2, log_partitions=2, commands_partitions=1, pool_partitions=2,
        )  # fmt: skip
        self.topics = self.settings.topics
        self.admin = kafka.admin(self.settings)
        if not is_laid_out:
            self.admin.ensure(self.topics.specs(TIERS), replication=1)
        self.producer = kafka.producer(self.settings, instance="test")

    def endpoint(self, endpoint_id="ep_a", **fields):
        """Announce a revision of an endpoint, with its lane."""
        lane = self.topics.lane(endpoint_id)
        self.admin.ensure([self.topics.lane_spec(lane)], replication=1)
        value = endpoint_bytes(an_endpoint(endpoint_id, **{"lane": lane, **fields}))
        self.producer.produce(self.topics.endpoints, value, key=endpoint_id.encode())
        self.flush()

    def wait(self, numbers, *, due_in=TIERS[0], tier=TIERS[0], endpoint_id="ep_a"):
        """Put deliveries in a tier; give their ids."""
        return [
            self._put(
                self.topics.retry(tier),
                number,
                endpoint_id,
                lambda p, now: p.waiting(until=now + due_in),
            )
            for number in numbers
        ]

    def die(self, numbers, *, reason="exhausted", endpoint_id="ep_a"):
        """Write dead letters; give their ids."""
        return [
            self._put(self.topics.dead_letters, number, endpoint_id, lambda p, _: p.died(reason))
            for number in numbers
        ]

    def _put(self, topic, number, endpoint_id, change):
        value, now = delivery_value(number, endpoint_id=endpoint_id), datetime.now(UTC)
        attempted = Progress(waiting_since=now).attempted(at=now, outcome="rejected")
        headers = change(attempted, now).headers()
        delivery_id = value["delivery_id"]
        self.producer.produce(
            topic, delivery_bytes(value), key=delivery_id.encode(), headers=headers
        )
        return delivery_id

    def ask(self, kind="redrive", *, endpoint_id="ep_a", **fields):
        """Write a command."""
        value = {
            "command_id": "cmd_a",
            "kind": kind,
            "endpoint_id": endpoint_id,
            "tenant": "acme",
            "issued_at": to_ms(datetime.now(UTC)),
            **fields,
        }
        encoded = codec("command").encode(value)
        self.producer.produce(self.topics.commands, encoded, key=endpoint_id.encode())
        self.flush()

    def flush(self):
        self.producer.flush(timedelta(seconds=30))

    def start(self, service, *, ordinal=0, **settings):
        """Start a process of a service."""
        prefix = f"HOOKLANE_{service.upper()}_"
        own = {f"{prefix}{name.upper()}": str(value) for name, value in settings.items()}
        own[f"{prefix}ORDINAL"] = str(ordinal)
        with (self.directory / f"{service}.{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                leashed((sys.executable, "-m", f"hooklane.{service}"), parent=os.getpid()),
                env={**os.environ, **self.environment, **own},
                stderr=log,
            )
        self.processes.append(process)
        return process

    def log(self):
        return "".join(path.read_text() for path in sorted(self.directory.glob("*.log")))

    def read(self, topic, *, count=0, within_s=WAIT_S):
        """Read a topic's committed records until there are so many, and a moment longer."""
        reader = kafka.reader(self.settings, instance="checker")
        partitions = [Partition(topic, number) for number in range(self.admin.topics()[topic])]
        reader.start(dict.fromkeys(partitions, 0))
        found, deadline = [], time.monotonic() + within_s
        while len(found) < count and time.monotonic() < deadline:
            found += reader.read(5_000, timeout=timedelta(milliseconds=100))
        quiet_at = time.monotonic() + 1.0
        while time.monotonic() < quiet_at:
            found += reader.read(5_000, timeout=timedelta(milliseconds=100))
        reader.close()
        return found

    def lane_ids(self, endpoint_id="ep_a", **how):
        records = self.read(self.topics.lane(endpoint_id), **how)
        return [codec("delivery").decode(record.value())["delivery_id"] for record in records]

    def resting_ids(self):
        """Give the ids whose last dead-letter record is no tombstone."""
        last = {r.key(): r.value() for r in self.read(self.topics.dead_letters)}
        return {key.decode() for key, value in last.items() if value is not None}

    def kill_inside_a_transaction(self, process, *, endpoint_id="ep_a", within_s=WAIT_S):
        """SIGKILL when the lane holds records that only read_uncommitted sees; tell whether."""
        lane = TopicPartition(self.topics.lane(endpoint_id), 0)
        with _peeking(self.settings.bootstrap) as (everything, committed):
            deadline = time.monotonic() + within_s
            while time.monotonic() < deadline:
                _, stable = committed.get_watermark_offsets(lane, timeout=5)
                _, end = everything.get_watermark_offsets(lane, timeout=5)
                # Asked after the stable end, so both may have moved: one more look settles it.
                if end > stable and committed.get_watermark_offsets(lane, timeout=5)[1] < end:
                    process.send_signal(signal.SIGKILL)
                    process.wait(10)
                    return end
        raise AssertionError(f"no open transaction was seen:\n{self.log()[-3000:]}")

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(35)
            if process.poll() is None:
                process.kill()
                process.wait()
        self.producer.close()


@contextlib.contextmanager
def _peeking(bootstrap):
    pair = [
        Consumer({"bootstrap.servers": bootstrap, "group.id": "peek", "isolation.level": level})
        for level in ("read_uncommitted", "read_committed")
    ]
    try:
        yield pair
    finally:
        for consumer in pair:
            consumer.close()
