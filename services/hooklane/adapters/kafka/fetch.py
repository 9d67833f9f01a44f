"""What member and reader share: taking in what librdkafka has fetched, and asking for ends.

`consume(n, timeout)` would wait out its timeout unless n records came, so the first is polled for
and the rest taken as they lie there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from confluent_kafka import KafkaException, TopicPartition

from hooklane.adapters.kafka.failures import END, MISSING, REFUSED, unavailable
from hooklane.adapters.ports import Clock, Record
from hooklane.domain.errors import Fenced, Unavailable
from hooklane.domain.topics import Partition

ASK_TIMEOUT_S = 5.0
SEEK_TRIES, SEEK_PAUSE_S = 200, 0.01
Item = TypeVar("Item")


def fetch(consumer: Any, records_max: int, *, timeout: timedelta) -> tuple[list[Record], list[Any]]:
    """Give the records that are there, and apart from them librdkafka's error events."""
    first = consumer.poll(timeout.total_seconds())
    if first is None:
        return [], []
    batch = [first]
    if records_max > 1:
        batch += consumer.consume(records_max - 1, 0)
    records = [event for event in batch if event.error() is None]
    if len(records) == len(batch):
        return records, []
    return records, [event for event in batch if event.error() is not None]


def serious(events: Iterable[Any]) -> Iterator[Any]:
    """Give the events the owner must act upon; ends of partitions and passing troubles are not.

    Raises:
        Fenced: librdkafka can't go on; only a new process can.
        Unavailable: the brokers refuse us.
    """
    for event in events:
        error = event.error()
        if error.code() == END:
            continue
        if error.fatal():
            raise Fenced(f"Kafka: {error.str()}")
        if error.code() in REFUSED:
            raise unavailable("reading", error)
        if error.code() not in MISSING and not error.retriable():
            yield event


def ends(consumer: Any, partition: Partition) -> tuple[int, int]:
    """Ask a broker for a partition's log start and read_committed end.

    Raises:
        Unavailable: it did not answer, or there is no such partition.
    """
    asked = TopicPartition(partition.topic, partition.partition)
    try:
        answer = consumer.get_watermark_offsets(asked, timeout=ASK_TIMEOUT_S)
    except KafkaException as raised:
        raise unavailable(f"ends of {partition.topic}", raised) from None
    if answer is None:
        raise Unavailable(f"Kafka: ends of {partition.topic}: no answer in time")
    low, high = answer
    return int(low), int(high)


def seek(consumer: Any, partition: Partition, *, offset: int, clock: Clock) -> None:
    """Move in a partition; one that was just assigned refuses it for some milliseconds.

    Raises:
        Unavailable: it goes on refusing.
    """
    for _ in range(SEEK_TRIES):
        try:
            consumer.seek(TopicPartition(*partition, offset))
        except KafkaException as raised:
            cause: BaseException = raised
            clock.sleep(SEEK_PAUSE_S)
        else:
            return
    raise unavailable(f"seek in {partition.topic}", cause)


def restart(consumer: Any, partition: Partition, *, offset: int) -> None:
    """Begin anew in an assigned partition that librdkafka gave up on (it refuses to seek there).

    Raises:
        Unavailable: librdkafka refuses.
    """
    try:
        consumer.incremental_unassign(to_list([partition]))
        consumer.incremental_assign([TopicPartition(*partition, offset)])
    except KafkaException as raised:
        raise unavailable(f"reading on in {partition.topic}", raised) from None


def go_back(consumer: Any, partition: Partition, *, offset: int, clock: Clock) -> None:
    """Have records that were fetched but can't be given out fetched again.

    Raises:
        Fenced: that can't be had from this client any more; only a new start reads them.
    """
    try:
        seek(consumer, partition, offset=offset, clock=clock)
    except Unavailable:
        try:
            restart(consumer, partition, offset=offset)
        except Unavailable as error:
            raise Fenced(f"records of {partition.topic} can't be read again: {error}") from None


def note_moved(
    unmoved: set[Partition], *, records: Iterable[Record], events: Iterable[Any]
) -> None:
    """Strike out the partitions of which something came: librdkafka's position counts again.

    It takes up a new start only by and by, and gives the position before it until then: an owner
    that believed it would count records as done that it has not read.
    """
    if not unmoved:
        return
    for record in records:
        unmoved.discard(Partition(record.topic(), record.partition()))
    for event in events:
        if event.error().code() == END:
            unmoved.discard(Partition(event.topic(), event.partition()))


def firsts(records: Iterable[Record]) -> dict[Partition, int]:
    """Give each partition's first offset among the records."""
    found: dict[Partition, int] = {}
    for record in records:
        found.setdefault(Partition(record.topic(), record.partition()), record.offset())
    return found


def to_list(partitions: Iterable[Partition]) -> list[TopicPartition]:
    """Give partitions in librdkafka's form."""
    return [TopicPartition(topic, number) for topic, number in partitions]


def chunks(items: Collection[Item], size: int) -> Iterator[list[Item]]:
    """Cut into lists of at most this size."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
