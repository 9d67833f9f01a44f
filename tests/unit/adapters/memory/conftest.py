"""A cluster of the twin with one topic, and a listener that starts where it left off."""

from datetime import timedelta

import pytest

from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

NO_WAIT = timedelta(0)
PLACE = Partition("t", 0)


class Owner:
    """Starts at commits, else at 0, and keeps what it was told."""

    def __init__(self, member):
        self.member, self.told, self.values = member, [], []

    def on_assigned(self, partitions):
        self.told.append(("assigned", *partitions))
        commits = self.member.committed(partitions)
        self.member.assign({p: commits.get(p, Committed(offset=0)).offset for p in partitions})

    def on_revoked(self, partitions):
        self.told.append(("revoked", *partitions))

    def on_lost(self, partitions):
        self.told.append(("lost", *partitions))

    def on_gap(self, partition, *, log_start):
        self.told.append(("gap", partition, log_start))

    def step(self, records_max=100, timeout=NO_WAIT):
        records = self.member.consume(records_max, timeout=timeout)
        self.values.extend(record.value() for record in records)
        return [record.value() for record in records]


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def cluster(clock):
    cluster = Cluster(clock)
    cluster.create("t", partitions=1, settings={"message.timestamp.type": "LogAppendTime"})
    return cluster


@pytest.fixture
def own(cluster):
    def own(instance="one", topics=("t",)):
        member = cluster.member(group="g", instance=instance)
        owner = Owner(member)
        member.subscribe(topics, owner)
        return owner

    return own


@pytest.fixture
def write(cluster):
    def write(*values, topic="t"):
        producer = cluster.producer(instance="writer")
        for value in values:
            producer.produce(topic, value, key=b"k")

    return write
