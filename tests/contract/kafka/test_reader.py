"""What a reader and a plain producer promise, on the twin and on Kafka."""

import time
import zlib
from datetime import timedelta

import pytest

from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.topics import Partition

WAIT = timedelta(milliseconds=200)


class Reading:
    def __init__(self, reader, starts):
        self.reader, self.values = reader, []
        reader.start(starts)

    def step(self):
        self.values.extend(record.value() for record in self.reader.read(1_000, timeout=WAIT))


def test_a_reader_reads_to_the_end_and_knows_that_it_is_there(world, wait_for):
    """Its position reaches the end, past markers and aborted records."""
    place = world.place()
    transactions = world.transactions()
    for value in (b"0", b"1", None):
        transactions.begin()
        transactions.produce(place.topic, value or b"aborted", key=b"key")
        (transactions.abort if value is None else transactions.commit)()
    reader = world.reader()
    reading = Reading(reader, {place: 0})
    wait_for(reading, lambda: reader.position(place) == reader.ends(place)[1])
    assert reading.values == [b"0", b"1"]
    assert reader.position(place) >= 4


def test_a_reader_of_an_empty_topic_is_at_its_end(world):
    """Nothing to read is an end too."""
    place = world.place()
    reader = world.reader()
    reader.start({place: 0})
    assert reader.read(10, timeout=WAIT) == []
    assert reader.position(place) == 0
    assert reader.ends(place) == (0, 0)


def test_starting_again_replaces_what_was_read(world, wait_for):
    """A scan begins anew, in other partitions, from where it is told."""
    place, other = world.place(), world.place("other")
    world.write(place, b"0", b"1")
    world.write(other, b"other")
    reader = world.reader()
    reading = Reading(reader, {place: 0})
    wait_for(reading, lambda: len(reading.values) == 2)
    for offset in (0, 2, 1) * 5:
        reading = Reading(reader, {place: offset, other: 0})
        assert reader.position(place) == offset
    wait_for(reading, lambda: len(reading.values) == 2)
    assert sorted(reading.values) == [b"1", b"other"]


def test_a_position_below_the_log_start_moves_to_it(world, wait_for):
    """What was trimmed is not waited for."""
    place = world.place()
    world.write(place, b"0", b"1", b"2")
    world.admin.delete_records({place: 2})
    reader = world.reader()
    reading = Reading(reader, {place: 0})
    wait_for(reading, lambda: reading.values)
    assert reading.values == [b"2"]
    assert reader.ends(place) == (2, 3)


def test_the_ends_of_a_topic_that_is_not_there_are_unavailable(world):
    """A table is never taken for empty because its topic is missing."""
    with pytest.raises(Unavailable):
        world.reader().ends(Partition(f"{world.prefix}.gone", 0))


def test_a_key_has_its_partition(world, wait_for):
    """Plain and transactional producers agree, and so do the twin and Kafka."""
    topic = world.topic(partitions=5)
    keys = [b"%d" % n for n in range(20)]
    producer, transactions = world.producer(), world.transactions()
    transactions.begin()
    for key in keys:
        producer.produce(topic, key, key=key)
        transactions.produce(topic, key, key=key)
    producer.flush(timedelta(seconds=10))
    transactions.commit()
    owner = world.owner([topic])
    owner.read(40)
    assert {(r.key(), r.partition()) for r in owner.records} == {
        (key, zlib.crc32(key) % 5) for key in keys
    }


def test_what_could_not_be_written_is_told_at_flush(world):
    """Nothing is dropped silently."""
    producer = world.producer()
    began = time.monotonic()
    producer.produce(f"{world.prefix}.gone", b"lost", key=None)
    with pytest.raises(Unavailable):
        producer.flush(timedelta(seconds=1))
    assert time.monotonic() - began < 5
    world.made.remove(producer)


def test_a_record_no_broker_takes_is_refused(world):
    """It is the record's fault, and told at once."""
    place = world.place()
    with pytest.raises(BrokenContract):
        world.producer().produce(place.topic, b"x" * 2_000_000, key=None)
