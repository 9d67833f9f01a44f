"""What a member makes of librdkafka's troubles, without a broker."""

from datetime import timedelta

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from hooklane.adapters.kafka.failures import GONE
from hooklane.adapters.kafka.member import KafkaMember
from hooklane.adapters.kafka.reader import KafkaReader
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import Fenced, Unavailable
from hooklane.domain.topics import Partition

NO_WAIT = timedelta(0)
READ, GAPPED = Partition("read", 0), Partition("gapped", 0)
STATE = KafkaException(KafkaError(KafkaError._STATE, "erroneous state"))


class Event:
    """A record of an offset, or an error event."""

    def __init__(self, partition, offset=0, error=None):
        self.place, self.at, self.failure = partition, offset, error

    def topic(self):
        return self.place.topic

    def partition(self):
        return self.place.partition

    def offset(self):
        return self.at

    def error(self):
        return self.failure


class Consumer:
    """Stands for confluent-kafka's: gives out what is planned and notes what it is told."""

    def __init__(self, *batches):
        self.batches, self.told = list(batches), []
        self.ends_fail, self.seek_fails, self.assign_fails = 0, False, False

    def poll(self, _timeout):
        self.batch = self.batches.pop(0) if self.batches else []
        return self.batch.pop(0) if self.batch else None

    def consume(self, _count, _timeout):
        return self.batch

    def get_watermark_offsets(self, _partition, **_):
        if self.ends_fail:
            self.ends_fail -= 1
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "slow"))
        return 7, 9

    def seek(self, part):
        if self.seek_fails:
            raise STATE
        self.told.append(("seek", part.topic, part.offset))

    def incremental_unassign(self, _parts):
        if self.assign_fails:
            raise STATE

    def incremental_assign(self, parts):
        self.told.append(("assign", parts[0].topic, parts[0].offset))

    def pause(self, parts):
        self.told.append(("pause", parts[0].topic))


class Clock:
    def sleep(self, _seconds):
        pass


class Listener:
    def __init__(self, member):
        self.member, self.gaps = member, []

    def on_assigned(self, partitions):
        self.member.assign(dict.fromkeys(partitions, 0))

    def on_gap(self, partition, *, log_start):
        self.gaps.append((partition, log_start))


GAP = Event(GAPPED, error=KafkaError(GONE))


@pytest.fixture
def member():
    def member(*batches):
        built = KafkaMember(KafkaSettings(), group="g", instance="i")
        built._consumer = consumer = Consumer(*batches)
        built._clock = Clock()
        built._listener = listener = Listener(built)
        built._on_assign(consumer, [TopicPartition(*READ), TopicPartition(*GAPPED)])
        consumer.told.clear()
        return built, consumer, listener

    return member


def test_a_gap_that_can_not_be_judged_yet_is_neither_lost_nor_loses_records(member):
    """Librdkafka tells of it once; the records beside it are read again."""
    built, consumer, listener = member([Event(READ, 4), Event(READ, 5), GAP])
    consumer.ends_fail = 1
    with pytest.raises(Unavailable):
        built.consume(10, timeout=NO_WAIT)
    assert (consumer.told, listener.gaps) == ([("seek", "read", 4)], [])
    assert built.consume(10, timeout=NO_WAIT) == []
    assert (consumer.told[1:], listener.gaps) == ([("assign", "gapped", 7)], [(GAPPED, 7)])
    built.consume(10, timeout=NO_WAIT)
    assert listener.gaps == [(GAPPED, 7)]


def test_a_partition_that_can_not_be_sought_in_is_assigned_anew(member):
    """Its records are read again all the same."""
    built, consumer, _ = member([Event(READ, 4), GAP])
    consumer.ends_fail, consumer.seek_fails = 1, True
    with pytest.raises(Unavailable):
        built.consume(10, timeout=NO_WAIT)
    assert consumer.told == [("assign", "read", 4)]


def test_records_that_can_not_be_read_again_end_the_process(member):
    """A new one reads from the commit; going on would lose them."""
    built, consumer, _ = member([Event(READ, 4), GAP])
    consumer.ends_fail, consumer.seek_fails, consumer.assign_fails = 1, True, True
    with pytest.raises(Fenced):
        built.consume(10, timeout=NO_WAIT)


def test_a_pause_outlives_a_gap(member):
    """A held lane stays held where its log now begins."""
    built, consumer, _ = member([GAP])
    built.pause([GAPPED])
    built.consume(10, timeout=NO_WAIT)
    assert consumer.told == [("pause", "gapped"), ("assign", "gapped", 7), ("pause", "gapped")]


def test_a_reader_neither_loses_a_gap_nor_records_beside_it():
    """A table that missed a change would decide wrongly for ever."""
    reader = KafkaReader(KafkaSettings(), instance="i")
    reader._consumer = consumer = Consumer([Event(READ, 4), GAP], [Event(READ, 4)])
    reader._starts = {READ: 0, GAPPED: 0}
    consumer.ends_fail = 1
    with pytest.raises(Unavailable):
        reader.read(10, timeout=NO_WAIT)
    assert [r.offset() for r in reader.read(10, timeout=NO_WAIT)] == [4]
    assert consumer.told == [("seek", "read", 4), ("assign", "gapped", 7)]
