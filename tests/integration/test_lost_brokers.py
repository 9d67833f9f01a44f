"""A client that never finds its brokers again, while a new one does (librdkafka's issue 5301).

That is brought about here by a client that was told of a port where nobody listens, and compared
with clients of the real cluster; when it counts as lost is told by reach.py's unit tests.
"""

import sys
from datetime import timedelta

import pytest
from confluent_kafka import Producer

from hooklane.adapters import kafka
from hooklane.adapters.kafka.config import producer_config
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import Fenced, Unavailable
from hooklane.domain.topics import Partition, TopicSpec

pytestmark = pytest.mark.kafka

NOBODY = KafkaSettings(bootstrap="127.0.0.1:1", replication=1)
PLACE = Partition("t", 0)
WAIT = timedelta(milliseconds=100)
SECOND = timedelta(seconds=1)
WITHIN = timedelta(seconds=10)


@pytest.fixture
def settings(bootstrap):
    return KafkaSettings(bootstrap=bootstrap, replication=1)


@pytest.fixture
def impatient(monkeypatch, settings):
    """Compare at once, with the real cluster."""
    reach = "hooklane.adapters.kafka.reach"
    monkeypatch.setattr(f"{reach}.COMPARED_EVERY_S", 0.0)
    monkeypatch.setattr(f"{reach}.LOST_AFTER_S", 0.0)
    config = {"bootstrap.servers": settings.bootstrap}
    monkeypatch.setattr(f"{reach}.admin_config", lambda _settings: config)


def until_fenced(step):
    """Step until it says that it is lost; until then nothing but absence may be said."""
    for _ in range(100):
        try:
            step()
        except Unavailable:
            continue
        except Fenced:
            return
    pytest.fail("it never said that it is lost")


@pytest.mark.usefixtures("impatient")
def test_a_reader_says_that_it_is_lost():
    """From its own error events alone."""
    reader = kafka.reader(NOBODY, instance="r")
    reader.start({PLACE: 0})
    until_fenced(lambda: reader.read(1, timeout=WAIT))


@pytest.mark.usefixtures("impatient")
def test_a_member_says_that_it_is_lost():
    """From its own error events alone."""
    member = kafka.member(NOBODY, group="g", instance="m")
    member.subscribe(["t"], None)
    until_fenced(lambda: member.consume(1, timeout=WAIT))


@pytest.mark.usefixtures("impatient")
def test_an_acking_producer_says_that_it_is_lost():
    """From its own error events alone."""
    producer = kafka.acking_producer(NOBODY, instance="p", ack_within=WITHIN)
    until_fenced(lambda: producer.poll(WAIT))


@pytest.mark.usefixtures("impatient")
def test_a_transactional_producer_says_that_it_is_lost(monkeypatch):
    """Its id can be taken over by a new process, and by nothing else."""
    monkeypatch.setattr("hooklane.adapters.kafka.transactions.OPEN_TIMEOUT_S", 1.0)
    producer = kafka.transactional_producer(NOBODY, transactional_id="lost")
    until_fenced(producer.begin)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("flushes", [True, False])
def test_a_producer_is_replaced_and_its_owner_is_told(settings, prefix, flushes, monkeypatch):
    """Also one whose owner never flushes: it would write to nobody for ever."""
    monkeypatch.setattr(sys.modules[kafka.KafkaProducer.__module__], "TENDED_EVERY_S", 0.0)
    topic = f"{prefix}.written"
    kafka.admin(settings).ensure([TopicSpec(name=topic, partitions=1, settings={})], replication=1)
    producer = kafka.producer(settings, instance="p")
    told = {"on_delivery": producer._on_delivery, "message.timeout.ms": 500}
    lost = Producer({**producer_config(NOBODY, instance="p"), **told})
    producer._producer = lost
    producer.produce(topic, b"never", key=None)
    if flushes:
        with pytest.raises(Unavailable, match="not written"):
            producer.flush(SECOND)
    else:
        lost.flush(5)
    producer.produce(topic, b"written", key=None)
    if not flushes:
        with pytest.raises(Unavailable, match="not written"):
            producer.flush(WITHIN)
    producer.flush(WITHIN)
    reader = kafka.reader(settings, instance="r")
    reader.start({Partition(topic, 0): 0})
    assert [one.value() for one in reader.read(10, timeout=WITHIN)] == [b"written"]
    producer.close()
    reader.close()


@pytest.mark.parametrize(
    "ask",
    [
        lambda admin: admin.topics(),
        lambda admin: admin.ends([PLACE]),
        lambda admin: admin.committed("g", [PLACE]),
        lambda admin: admin.ensure([TopicSpec(name="t", partitions=1, settings={})], replication=1),
    ],
)
def test_an_admin_asks_with_a_new_client_after_a_failure(settings, monkeypatch, ask):
    """It keeps nothing between two questions."""
    monkeypatch.setattr(sys.modules[kafka.KafkaAdmin.__module__], "TIMEOUT_S", 1.0)
    monkeypatch.setattr("hooklane.adapters.kafka.setup.TIMEOUT_S", 1.0)
    monkeypatch.setattr("hooklane.adapters.kafka.setup.DESCRIBED_TIMEOUT_S", 1.0)
    admin = kafka.admin(settings)
    admin._admin = kafka.admin(NOBODY)._admin
    with pytest.raises(Unavailable):
        ask(admin)
    assert isinstance(admin.topics(), dict)
