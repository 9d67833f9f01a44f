"""Reads whole topics without a group and without commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from confluent_kafka import Consumer, KafkaException, TopicPartition

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.kafka import fetch
from hooklane.adapters.kafka.config import reader_config
from hooklane.adapters.kafka.failures import GONE, unavailable
from hooklane.adapters.kafka.fetching import FOLLOWING, Fetching
from hooklane.adapters.kafka.reach import reachability
from hooklane.adapters.ports import Record
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition


class KafkaReader:
    """Partitions read from where the owner says; all calls on one thread."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        instance: str,
        fetching: Fetching = FOLLOWING,
    ) -> None:
        """Prepare; nothing is read before `start`."""
        self._clock = SystemClock()
        self._reachable = reachability(settings, self._clock)
        config = reader_config(settings, instance=instance, fetching=fetching)
        self._consumer = Consumer({**config, "error_cb": self._reachable.on_error})
        self._starts: dict[Partition, int] = {}
        self._unmoved: set[Partition] = set()
        # Partitions librdkafka gave up on: it says so once.
        self._gaps: set[Partition] = set()

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from these offsets."""
        self._starts = dict(offsets)
        self._unmoved = set(offsets)
        self._gaps.clear()
        parts = [TopicPartition(*partition, offset) for partition, offset in offsets.items()]
        try:
            self._consumer.assign(parts)
        except KafkaException as raised:
            raise unavailable("reading", raised) from None

    def read(self, records_max: int, *, timeout: timedelta) -> list[Record]:
        """Wait up to `timeout` for the first record, then take what else is there."""
        records, events = fetch.fetch(self._consumer, records_max, timeout=timeout)
        try:
            for event in fetch.serious(events):
                if event.error().code() == GONE:
                    self._gaps.add(Partition(event.topic(), event.partition()))
            for partition in sorted(self._gaps & self._starts.keys()):
                log_start, _ = self.ends(partition)
                fetch.restart(self._consumer, partition, offset=log_start)
                self._begin(partition, log_start)
                self._gaps.discard(partition)
        except Unavailable:
            for partition, offset in fetch.firsts(records).items():
                fetch.go_back(self._consumer, partition, offset=offset, clock=self._clock)
                self._begin(partition, offset)
            raise
        fetch.note_moved(self._unmoved, records=records, events=events)
        if not records:
            self._reachable.check(self._consumer)
        return records

    def position(self, partition: Partition) -> int:
        """Give the next offset to be read."""
        if partition in self._unmoved:
            return self._starts[partition]
        (answer,) = self._consumer.position(fetch.to_list([partition]))
        return int(answer.offset) if answer.offset >= 0 else self._starts[partition]

    def ends(self, partition: Partition) -> tuple[int, int]:
        """Give the log's start and its read_committed end."""
        return fetch.ends(self._consumer, partition)

    def close(self) -> None:
        """End."""
        self._consumer.close()

    def _begin(self, partition: Partition, offset: int) -> None:
        self._starts[partition] = offset
        self._unmoved.add(partition)
