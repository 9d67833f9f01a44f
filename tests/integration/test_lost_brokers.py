"""A client that never finds its brokers again, while a new one does (librdkafka's issue 5301).

What it does then is brought about here by a client that was told of a port where nobody listens.
"""

import sys
from datetime import timedelta

import pytest
from confluent_kafka import Consumer, KafkaError, Producer

from hooklane.adapters import kafka
from hooklane.adapters.kafka.config import acking_config, producer_config, reader_config
from hooklane.adapters.kafka.reach import LOST_AFTER_S, Reachability
from hooklane.adapters.memory import ManualClock
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import Fenced, Unavailable
from hooklane.domain.topics import Partition, TopicSpec

pytestmark = pytest.mark.kafka

NOBODY = KafkaSettings(bootstrap="127.0.0.1:1", replication=1)
DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN)
SECOND = timedelta(seconds=1)
WITHIN = timedelta(seconds=10)


@pytest.fixture
def settings(bootstrap):
    return KafkaSettings(bootstrap=bootstrap, replication=1)


@pytest.fixture
def clock():
    return ManualClock()


def reader_of(settings):
    return Consumer(reader_config(settings, instance="r"))


def test_a_client_that_alone_is_not_answered_for_long_needs_a_new_process(settings, clock):
    """Before that it waits, as for brokers that are away."""
    reachable, client = Reachability(settings, clock), reader_of(NOBODY)
    reachable.on_error(DOWN)
    for _ in range(2):
        with pytest.raises(Unavailable, match="no broker answers"):
            reachable.check(client)
        reachable.watch(client)
        clock.advance(timedelta(seconds=LOST_AFTER_S / 2))
        # Told again and again, it counts from the first time.
        reachable.on_error(DOWN)
    with pytest.raises(Fenced, match="only a new process"):
        reachable.check(client)
    with pytest.raises(Fenced, match="only a new process"):
        reachable.watch(client)


def test_brokers_that_answer_nobody_are_waited_for(clock):
    """However long: a new process would fare no better."""
    reachable, client = Reachability(NOBODY, clock), reader_of(NOBODY)
    reachable.on_error(DOWN)
    clock.advance(timedelta(hours=1))
    reachable.watch(client)
    with pytest.raises(Unavailable, match="no broker answers"):
        reachable.check(client)


def test_an_answer_ends_the_suspicion(settings, clock):
    """Afterwards nobody is asked, not even one that would not answer."""
    reachable, client = Reachability(settings, clock), reader_of(settings)
    reachable.on_error(DOWN)
    clock.advance(timedelta(hours=1))
    reachable.watch(client)
    reachable.check(reader_of(NOBODY))


def test_a_producer_is_replaced_and_nothing_it_queued_comes_later(settings, prefix):
    """Its owner was told that it was not written, and may have written it again."""
    topic = f"{prefix}.written"
    kafka.admin(settings).ensure([TopicSpec(name=topic, partitions=1, settings={})], replication=1)
    producer = kafka.producer(settings, instance="p")
    told = {"on_delivery": producer._on_delivery}
    producer._producer = Producer({**producer_config(NOBODY, instance="p"), **told})
    producer.produce(topic, b"never", key=None)
    with pytest.raises(Unavailable, match="not written"):
        producer.flush(SECOND)
    producer.produce(topic, b"written", key=None)
    producer.flush(WITHIN)
    reader = kafka.reader(settings, instance="r")
    reader.start({Partition(topic, 0): 0})
    assert [one.value() for one in reader.read(10, timeout=WITHIN)] == [b"written"]
    producer.close()
    reader.close()


def test_an_acking_producer_says_that_it_is_lost(settings):
    """Once suspicion is old; until then it only tells of its records."""
    producer = kafka.acking_producer(settings, instance="p", ack_within=WITHIN)
    producer._producer = Producer(acking_config(NOBODY, instance="p", ack_within=WITHIN))
    producer._reachable.on_error(DOWN)
    producer.poll(timedelta(0))
    producer._reachable._since -= LOST_AFTER_S
    with pytest.raises(Fenced, match="only a new process"):
        producer.poll(timedelta(0))


def test_a_transactional_producer_that_is_not_answered_says_so(settings, prefix, monkeypatch):
    """Its id can be taken over by a new process, and by nothing else."""
    monkeypatch.setattr("hooklane.adapters.kafka.transactions.OPEN_TIMEOUT_S", 1.0)
    nobody = kafka.transactional_producer(NOBODY, transactional_id=prefix)
    with pytest.raises(Unavailable, match="taking over"):
        nobody.begin()
    nobody._reachable = Reachability(settings, ManualClock())
    nobody._reachable.on_error(DOWN)
    nobody._reachable._since -= LOST_AFTER_S
    with pytest.raises(Fenced, match="only a new process"):
        nobody.begin()


def test_an_admin_asks_with_a_new_client_after_a_failure(settings, monkeypatch):
    """It keeps nothing between two questions."""
    monkeypatch.setattr(sys.modules[kafka.KafkaAdmin.__module__], "TIMEOUT_S", 1.0)
    admin = kafka.admin(settings)
    admin._admin = kafka.admin(NOBODY)._admin
    with pytest.raises(Unavailable, match="listing topics"):
        admin.topics()
    assert isinstance(admin.topics(), dict)
