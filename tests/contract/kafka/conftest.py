"""One world for each family of adapters: the in-memory twin, and real Kafka."""

import time
from datetime import timedelta

import pytest

from hooklane.adapters import kafka
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition, TopicSpec

WAIT = timedelta(milliseconds=200)
WITHIN_S = 20.0
KEPT = {
    "message.timestamp.type": "LogAppendTime",
    "cleanup.policy": "delete",
    "retention.ms": "-1",
}


class Twin:
    """Adapters of one in-memory cluster."""

    def __init__(self):
        self.cluster = Cluster(ManualClock())
        self.member = self.cluster.member
        self.producer = self.cluster.producer
        self.acking_producer = self.cluster.acking_producer
        self.transactional_producer = self.cluster.transactional_producer
        self.reader = self.cluster.reader
        self.admin = self.cluster.admin


class Real:
    """Adapters of the session's Kafka."""

    def __init__(self, bootstrap):
        self.settings = KafkaSettings(bootstrap=bootstrap, replication=1)

    def member(self, **named):
        return kafka.member(self.settings, **named)

    def producer(self, **named):
        return kafka.producer(self.settings, **named)

    def acking_producer(self, **named):
        return kafka.acking_producer(self.settings, **named)

    def transactional_producer(self, **named):
        return kafka.transactional_producer(self.settings, **named)

    def reader(self, **named):
        return kafka.reader(self.settings, **named)

    def admin(self):
        return kafka.admin(self.settings)


class World:
    """What a test of the contract works with; everything it made is closed at its end."""

    def __init__(self, adapters, prefix):
        self.adapters, self.prefix = adapters, prefix
        self.admin = adapters.admin()
        self.group = f"{prefix}.group"
        self.made = []
        self.topics = set()

    def topic(self, name="events", *, partitions=1, settings=KEPT):
        topic = f"{self.prefix}.{name}"
        spec = TopicSpec(name=topic, partitions=partitions, settings=settings)
        self.admin.ensure([spec], replication=1)
        self.topics.add(topic)
        return topic

    def place(self, name="events", **named):
        return Partition(self.topic(name, **named), 0)

    def member(self, instance="one"):
        return self._keep(self.adapters.member(group=self.group, instance=instance))

    def owner(self, topics, instance="one", *, member=None, on_assigned=None):
        return Owner(member or self.member(instance), topics, on_assigned=on_assigned)

    def producer(self):
        return self._keep(self.adapters.producer(instance="writer"))

    def acking(self, ack_within=timedelta(seconds=5)):
        return self.adapters.acking_producer(instance="writer", ack_within=ack_within)

    def values(self, topic, *, count=0):
        """Read all values of a topic's first partition, waiting for so many."""
        place, reader, found = Partition(topic, 0), self.reader(), []
        reader.start({place: 0})
        _, end = reader.ends(place)
        deadline = time.monotonic() + WITHIN_S
        while reader.position(place) < end or len(found) < count:
            assert time.monotonic() < deadline, f"only {len(found)} records"
            found += reader.read(1_000, timeout=WAIT)
        return [record.value() for record in found]

    def transactions(self, name="writer"):
        return self._keep(
            self.adapters.transactional_producer(transactional_id=f"{self.prefix}.{name}")
        )

    def reader(self):
        return self._keep(self.adapters.reader(instance="reader"))

    def write(self, place, *values):
        """Write values without a transaction."""
        producer = self.producer()
        for value in values:
            producer.produce(place.topic, value, key=b"key")
        producer.flush(timedelta(seconds=10))

    def close(self):
        for made in reversed(self.made):
            made.close()
        self.admin.delete_topics(self.topics)

    def _keep(self, made):
        self.made.append(made)
        return made


class Owner:
    """A member with its listener: starts at commits, else at the log's start, and keeps a diary."""

    def __init__(self, member, topics, *, on_assigned=None):
        self.member, self.records, self.gaps = member, [], []
        self.assigned, self.revoked, self.lost = [], [], []
        self.on_assign = on_assigned or self.start
        self.commits_on_revoke = False
        self.subscribe(topics)

    def subscribe(self, topics):
        self.member.subscribe(topics, self)

    def start(self, partitions):
        commits = self.member.committed(partitions)
        none = Committed(offset=0)
        self.member.assign({p: commits.get(p, none).offset for p in partitions})

    def on_assigned(self, partitions):
        assert partitions, "a listener is not called for nothing"
        self.assigned.extend(partitions)
        self.on_assign(partitions)

    def on_revoked(self, partitions):
        assert partitions, "a listener is not called for nothing"
        self.revoked.extend(partitions)
        if self.commits_on_revoke:
            self.member.commit({p: Committed(offset=self.member.position(p)) for p in partitions})

    def on_lost(self, partitions):
        self.lost.extend(partitions)

    def on_gap(self, partition, *, log_start):
        self.gaps.append((partition, log_start))

    def step(self):
        records = self.member.consume(1_000, timeout=WAIT)
        self.records.extend(records)
        return records

    def step_until(self, condition):
        wait(self, condition)

    def read(self, count):
        """Consume until this many records came in all; give their values."""
        self.step_until(lambda: len(self.records) >= count)
        return self.values

    @property
    def values(self):
        return [record.value() for record in self.records]


def wait(stepped, condition, *others):
    """Step until a condition holds."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        for owner in (stepped, *others):
            owner.step()


@pytest.fixture(params=["twin", pytest.param("kafka", marks=pytest.mark.kafka)])
def world(request, prefix):
    adapters = Twin() if request.param == "twin" else Real(request.getfixturevalue("bootstrap"))
    world = World(adapters, prefix)
    yield world
    world.close()


@pytest.fixture
def wait_for():
    return wait
