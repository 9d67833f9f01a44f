"""A member of a consumer group (KIP-848) whose every start offset is explicit.

librdkafka wants each new partition assigned before its callback returns, or it assigns by itself.
So what the listener does not assign there is assigned paused, which reads nothing, and moved to
its start later. It is paused at a plain offset: a librdkafka that still asks for a partition's
end forgets a seek and begins at that end. What a listener raises inside its callback is kept and
raised from `consume`; records fetched by that call are then read again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.kafka import fetch
from hooklane.adapters.kafka.commits import committed_of, requests
from hooklane.adapters.kafka.config import member_config
from hooklane.adapters.kafka.failures import GONE, is_missing, unavailable
from hooklane.adapters.kafka.fetching import FOLLOWING, Fetching
from hooklane.adapters.kafka.reach import reachability
from hooklane.adapters.ports import Listener, Record
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

_READ_COMMITS_MAX = 1_000
# Where a partition is that has no start yet; nothing is read there.
_NOWHERE = 0


class KafkaMember:
    """One process's place in a group; all calls on one thread."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        group: str,
        instance: str,
        fetching: Fetching = FOLLOWING,
    ) -> None:
        """Prepare; the group is joined at `subscribe`."""
        self._clock = SystemClock()
        self._reachable = reachability(settings, self._clock)
        config = member_config(settings, group=group, instance=instance, fetching=fetching)
        self._consumer = Consumer({**config, "error_cb": self._reachable.on_error})
        self._listener: Listener | None = None
        # Where each partition began or was sought to; None where its owner has yet to say.
        self._starts: dict[Partition, int | None] = {}
        # Where nothing came since: the start is the position.
        self._unmoved: set[Partition] = set()
        self._paused: set[Partition] = set()
        self._arriving: frozenset[Partition] = frozenset()
        self._offer_again = False
        self._departed: set[Partition] = set()
        # Partitions librdkafka gave up on: it says so once.
        self._gaps: set[Partition] = set()
        self._raised: BaseException | None = None

    @property
    def group_metadata(self) -> Any:
        """What a transaction needs to commit offsets in this member's name."""
        return self._consumer.consumer_group_metadata()

    def subscribe(self, topics: Collection[str], listener: Listener) -> None:
        """Ask for these topics."""
        self._listener = listener
        if not topics:
            self._consumer.unsubscribe()
            return
        self._consumer.subscribe(
            sorted(topics),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def consume(self, records_max: int, *, timeout: timedelta) -> list[Record]:
        """Wait up to `timeout` for the first record, then take what else is there."""
        self._departed.clear()
        records, events = fetch.fetch(self._consumer, records_max, timeout=timeout)
        try:
            self._raise_what_was_kept()
            if self._offer_again:
                self._offer()
            for event in fetch.serious(events):
                if event.error().code() == GONE:
                    self._gaps.add(Partition(event.topic(), event.partition()))
            for partition in sorted(self._gaps):
                self._go_on_at_log_start(partition)
                self._gaps.discard(partition)
        except BaseException:
            self._read_again(records)
            raise
        if self._departed:
            records = self._without_departed(records)
            events = [e for e in events if (e.topic(), e.partition()) not in self._departed]
        fetch.note_moved(self._unmoved, records=records, events=events)
        if not records:
            self._reachable.check(self._consumer)
        return records

    def committed(self, partitions: Collection[Partition]) -> dict[Partition, Committed]:
        """Read commits with their metadata."""
        found: dict[Partition, Committed] = {}
        for chunk in fetch.chunks(partitions, _READ_COMMITS_MAX):
            try:
                answers = self._consumer.committed(
                    fetch.to_list(chunk), timeout=fetch.ASK_TIMEOUT_S
                )
            except KafkaException as raised:
                raise unavailable("reading commits", raised) from None
            for answer in answers:
                if answer.error is not None:
                    raise unavailable(f"reading the commit of {answer.topic}", answer.error)
                if (committed := committed_of(answer)) is not None:
                    found[Partition(answer.topic, answer.partition)] = committed
        return found

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """Begin reading newly assigned partitions at these offsets."""
        for partition, offset in starts.items():
            if partition in self._arriving:
                self._starts[partition] = offset
            elif partition in self._starts:
                self._seek(partition, offset)
                if partition not in self._paused:
                    self._consumer.resume(fetch.to_list([partition]))

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from another offset of an assigned partition."""
        if partition in self._arriving:
            self._starts[partition] = offset
        elif partition in self._starts:
            self._seek(partition, offset)

    def pause(self, partitions: Collection[Partition]) -> None:
        """Fetch nothing from these until resumed."""
        ours = {partition for partition in partitions if partition in self._starts}
        self._paused |= ours
        if live := ours - self._arriving:
            self._consumer.pause(fetch.to_list(live))

    def resume(self, partitions: Collection[Partition]) -> None:
        """Fetch again, from the position."""
        ours = {partition for partition in partitions if self._starts.get(partition) is not None}
        self._paused -= ours
        if live := ours - self._arriving:
            self._consumer.resume(fetch.to_list(live))

    def position(self, partition: Partition) -> int | None:
        """Give the next offset to be consumed."""
        start = self._starts.get(partition)
        if start is None or partition in self._arriving or partition in self._unmoved:
            return start
        (answer,) = self._consumer.position(fetch.to_list([partition]))
        return int(answer.offset) if answer.offset >= 0 else start

    def ends(self, partition: Partition) -> tuple[int, int]:
        """Give the log's start and its read_committed end."""
        return fetch.ends(self._consumer, partition)

    def commit(self, offsets: Mapping[Partition, Committed]) -> None:
        """Commit outside a transaction; topics that do not exist (any more) are passed over."""
        # Without a coordinator librdkafka would hold a commit for its whole session timeout.
        self._reachable.check(self._consumer)
        for request in requests(offsets):
            try:
                self._consumer.commit(offsets=request, asynchronous=False)
            except KafkaException as raised:
                if not is_missing(raised):
                    raise unavailable("commit", raised) from None
                self._commit_existing(request)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()
        self._raise_what_was_kept()

    def _commit_existing(self, request: list[TopicPartition]) -> None:
        try:
            topics = self._consumer.list_topics(timeout=fetch.ASK_TIMEOUT_S).topics
            existing = [
                part
                for part in request
                if part.topic in topics and part.partition in topics[part.topic].partitions
            ]
            if existing:
                self._consumer.commit(offsets=existing, asynchronous=False)
        except KafkaException as raised:
            raise unavailable("commit", raised) from None

    # Inside librdkafka's callbacks.

    def _on_assign(self, consumer: Consumer, parts: Sequence[TopicPartition]) -> None:
        partitions = [Partition(part.topic, part.partition) for part in parts]
        self._arriving = frozenset(partitions)
        self._starts.update(dict.fromkeys(partitions))
        assert self._listener is not None
        # After a revocation librdkafka announces what is new, also when that is nothing.
        if partitions and not self._guarded(self._listener.on_assigned, partitions):
            self._offer_again = True
        self._arriving = frozenset()
        self._unmoved.update(partitions)
        starts = {partition: self._starts[partition] for partition in partitions}
        halted = [p for p, start in starts.items() if start is None or p in self._paused]
        # Before, so that no fetch begins; and after, for one of which librdkafka knew nothing yet.
        if halted:
            consumer.pause(fetch.to_list(halted))
        consumer.incremental_assign(
            [
                TopicPartition(*partition, _NOWHERE if start is None else start)
                for partition, start in starts.items()
            ]
        )
        if halted:
            consumer.pause(fetch.to_list(halted))

    def _on_revoke(self, consumer: Consumer, parts: Sequence[TopicPartition]) -> None:
        assert self._listener is not None
        self._let_go(consumer, parts, self._listener.on_revoked)

    def _on_lost(self, consumer: Consumer, parts: Sequence[TopicPartition]) -> None:
        assert self._listener is not None
        self._let_go(consumer, parts, self._listener.on_lost)

    def _let_go(
        self,
        consumer: Consumer,
        parts: Sequence[TopicPartition],
        tell: Callable[[Sequence[Partition]], None],
    ) -> None:
        partitions = [Partition(part.topic, part.partition) for part in parts]
        if partitions:
            self._guarded(tell, partitions)
        # librdkafka keeps an application's pause across assignments.
        halted = [p for p in partitions if p in self._paused or self._starts.get(p) is None]
        with suppress(KafkaException):
            consumer.resume(fetch.to_list(halted))
        consumer.incremental_unassign(fetch.to_list(partitions))
        for partition in partitions:
            self._starts.pop(partition, None)
        self._paused.difference_update(partitions)
        self._gaps.difference_update(partitions)
        self._unmoved.difference_update(partitions)
        self._departed.update(partitions)

    def _guarded(
        self, tell: Callable[[Sequence[Partition]], None], partitions: Sequence[Partition]
    ) -> bool:
        try:
            tell(partitions)
        except BaseException as raised:  # it must not unwind through librdkafka
            self._raised = self._raised or raised
            return False
        return True

    # Outside of them.

    def _raise_what_was_kept(self) -> None:
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    def _offer(self) -> None:
        waiting = [partition for partition, start in self._starts.items() if start is None]
        if waiting and self._listener is not None:
            self._listener.on_assigned(waiting)
        self._offer_again = False

    def _go_on_at_log_start(self, partition: Partition) -> None:
        if self._starts.get(partition) is None or self._listener is None:
            return
        log_start, _ = self.ends(partition)
        fetch.restart(self._consumer, partition, offset=log_start)
        self._begin(partition, log_start)
        if partition in self._paused:
            self._consumer.pause(fetch.to_list([partition]))
        self._listener.on_gap(partition, log_start=log_start)

    def _read_again(self, records: Sequence[Record]) -> None:
        for partition, offset in fetch.firsts(records).items():
            if self._starts.get(partition) is not None and partition not in self._departed:
                self._go_back(partition, offset)

    def _without_departed(self, records: list[Record]) -> list[Record]:
        # One that left and came back within the call: what of it is old can't be told; read again.
        for partition in self._departed:
            if (start := self._starts.get(partition)) is not None:
                self._go_back(partition, start)
        return [r for r in records if (r.topic(), r.partition()) not in self._departed]

    def _go_back(self, partition: Partition, offset: int) -> None:
        fetch.go_back(self._consumer, partition, offset=offset, clock=self._clock)
        self._begin(partition, offset)
        if partition in self._paused:
            self._consumer.pause(fetch.to_list([partition]))

    def _seek(self, partition: Partition, offset: int) -> None:
        fetch.seek(self._consumer, partition, offset=offset, clock=self._clock)
        self._begin(partition, offset)

    def _begin(self, partition: Partition, offset: int) -> None:
        self._starts[partition] = offset
        self._unmoved.add(partition)
