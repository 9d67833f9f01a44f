"""The cluster itself: topics, groups, transactional ids, and the hooks that break it."""

from __future__ import annotations

import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hooklane.adapters.memory.group import Group
from hooklane.adapters.memory.partition_log import (
    CREATE_TIME,
    LOG_APPEND_TIME,
    PartitionLog,
    Transaction,
    TransactionState,
)
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition

if TYPE_CHECKING:
    from hooklane.adapters.memory.acking import MemoryAckingProducer
    from hooklane.adapters.memory.admin import MemoryAdmin
    from hooklane.adapters.memory.member import MemoryMember
    from hooklane.adapters.memory.producer import MemoryProducer
    from hooklane.adapters.memory.reader import MemoryReader
    from hooklane.adapters.memory.transactions import MemoryTransactionalProducer
    from hooklane.adapters.ports import Clock

SESSION_TIMEOUT = timedelta(seconds=6)
TRANSACTION_TIMEOUT = timedelta(seconds=10)
OPERATIONS = frozenset(
    ("subscribe", "consume", "committed", "commit_offsets", "ends", "read", "produce", "flush",
     "open", "begin", "send_offsets", "commit", "abort", "admin")
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Topic:
    """A topic's partitions and settings."""

    topic_id: str
    settings: Mapping[str, str]
    logs: list[PartitionLog]


@dataclass(slots=True, kw_only=True)
class Fault:
    """An error waiting for an operation, before it does its work or after."""

    error: BaseException
    after: bool


class Cluster:
    """Everything a broker keeps, in plain dicts.

    Args:
        clock: gives LogAppendTime and measures sessions and transactions.
        idle: called when a consume or read that may wait found nothing; sleeps on the clock
            unless told otherwise. A simulation that moves time by itself passes a no-op.
    """

    def __init__(self, clock: Clock, *, idle: Callable[[timedelta], None] | None = None) -> None:
        """Begin without topics."""
        self.clock = clock
        self.idle = idle or (lambda timeout: clock.sleep(timeout.total_seconds()))
        self.topics: dict[str, Topic] = {}
        self.groups: dict[str, Group] = defaultdict(Group)
        self.warnings: list[str] = []
        self.holders: dict[str, MemoryTransactionalProducer] = {}
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._is_down = False
        self._topics_made = 0
        self._topology = 0

    # What services are given: as `adapters.kafka`, without settings.

    def member(self, *, group: str, instance: str) -> MemoryMember:
        """Build a member of a group."""
        from hooklane.adapters.memory.member import MemoryMember  # noqa: PLC0415  they know us

        return MemoryMember(self, group=group, instance=instance)

    def producer(self, *, instance: str) -> MemoryProducer:
        """Build an idempotent producer."""
        from hooklane.adapters.memory.producer import MemoryProducer  # noqa: PLC0415

        return MemoryProducer(self, instance=instance)

    def acking_producer(self, *, instance: str, ack_within: timedelta) -> MemoryAckingProducer:
        """Build an idempotent producer that tells of every record."""
        from hooklane.adapters.memory.acking import MemoryAckingProducer  # noqa: PLC0415

        assert ack_within > timedelta(0)
        return MemoryAckingProducer(self, instance=instance)

    def transactional_producer(self, *, transactional_id: str) -> MemoryTransactionalProducer:
        """Build a transactional producer."""
        from hooklane.adapters.memory.transactions import (  # noqa: PLC0415
            MemoryTransactionalProducer,
        )

        return MemoryTransactionalProducer(self, transactional_id=transactional_id)

    def reader(self, *, instance: str) -> MemoryReader:
        """Build a reader without a group."""
        from hooklane.adapters.memory.reader import MemoryReader  # noqa: PLC0415

        return MemoryReader(self, instance=instance)

    def admin(self) -> MemoryAdmin:
        """Build an admin client."""
        from hooklane.adapters.memory.admin import MemoryAdmin  # noqa: PLC0415

        return MemoryAdmin(self)

    # Faults.

    def down(self) -> None:
        """Answer nobody until `up`."""
        self._is_down = True

    def up(self) -> None:
        """Answer again."""
        self._is_down = False

    def fail_next(self, operation: str, error: BaseException, *, after: bool = False) -> None:
        """Raise an error from the next call of an operation (one of OPERATIONS).

        Args:
            operation: as the ports call it; a member's commit is `commit_offsets`, all of an
                admin's calls are `admin`, taking over a transactional id is `open`.
            error: TransactionAborted aborts the open transaction, as the port promises.
            after: do its work first; the caller does not learn of it.
        """
        assert operation in OPERATIONS, operation
        if after:
            assert operation not in ("consume", "read"), "records taken would be lost"
            assert not isinstance(error, Unavailable), "what was done must not count as not done"
        self._faults[operation].append(Fault(error=error, after=after))

    def kill(
        self, victim: MemoryMember | MemoryProducer | MemoryTransactionalProducer | MemoryReader
    ) -> None:
        """End it as SIGKILL would: nobody is told.

        A transaction stays open until its id returns or its timeout passes, membership until the
        session is over. Killed things must not be called again.
        """
        victim.die()

    def expel(self, member: MemoryMember) -> None:
        """End a live member's membership; it learns so (`on_lost`) at its next consume."""
        member.lapse()

    def compact(self, topic: str, *, drop_tombstones: bool = False) -> None:
        """Compact a topic now."""
        for log in self.topics[topic].logs:
            log.compact(drop_tombstones=drop_tombstones)

    # What the parts ask of it.

    @contextmanager
    def operation(self, name: str) -> Iterator[None]:
        """Do an operation's work, or what a fault makes of it."""
        self._pass_time()
        if self._is_down:
            raise Unavailable(f"Kafka: {name}: no broker answers")
        waiting = self._faults[name]
        fault = waiting.popleft() if waiting else None
        if fault is not None and not fault.after:
            raise fault.error
        yield
        if fault is not None:
            raise fault.error

    def create(self, name: str, *, partitions: int, settings: Mapping[str, str]) -> None:
        """Create a topic; its id was never used before."""
        assert name not in self.topics, name
        self._topics_made += 1
        self._topology += 1
        stamped = settings.get("message.timestamp.type") == "LogAppendTime"
        kind = LOG_APPEND_TIME if stamped else CREATE_TIME
        logs = [PartitionLog(Partition(name, n), timestamp_kind=kind) for n in range(partitions)]
        self.topics[name] = Topic(
            topic_id=f"topic-{self._topics_made}", settings=dict(settings), logs=logs
        )

    def delete(self, name: str) -> None:
        """Delete a topic, its records and what was committed for it."""
        self.topics.pop(name, None)
        self._topology += 1
        for group in self.groups.values():
            for partition in [p for p in group.commits if p.topic == name]:
                del group.commits[partition]

    def log(self, partition: Partition) -> PartitionLog | None:
        """Give a partition's log, if it exists."""
        topic = self.topics.get(partition.topic)
        if topic is None or partition.partition >= len(topic.logs):
            return None
        return topic.logs[partition.partition]

    def ends(self, partition: Partition) -> tuple[int, int]:
        """Give log start and read_committed end.

        Raises:
            Unavailable: there is no such partition.
        """
        log = self.log(partition)
        if log is None:
            raise Unavailable(f"Kafka: ends of {partition.topic}: no such partition")
        return log.start, log.stable_end

    def choose(self, topic: str, key: bytes | None, *, turn: int) -> PartitionLog | None:
        """Give the partition of a key, as librdkafka would; without a key they take turns."""
        logs = self.topics[topic].logs if topic in self.topics else []
        if not logs:
            return None
        return logs[(zlib.crc32(key) if key else turn) % len(logs)]

    def finish(self, transaction: Transaction, *, commit: bool) -> None:
        """Write a transaction's markers and, if it committed, its offsets."""
        if transaction.state is not TransactionState.OPEN:
            return
        transaction.state = TransactionState.COMMITTED if commit else TransactionState.ABORTED
        for log in transaction.logs.values():
            log.mark(transaction)
        if commit:
            for (group, partition), committed in transaction.offsets.items():
                if self.log(partition) is not None:
                    self.groups[group].commits[partition] = committed

    def group(self, name: str) -> Group:
        """Give a group as it is now."""
        group = self.groups[name]
        group.expire(self.clock.now())
        if group.is_stale(self._topology):
            group.balance({topic: len(kept.logs) for topic, kept in self.topics.items()})
        return group

    def is_unsettled(self, group: str, partition: Partition) -> bool:
        """Tell whether an open transaction holds a commit of this partition."""
        return any(
            (group, partition) in holder.transaction.offsets
            for holder in self.holders.values()
            if holder.transaction is not None
        )

    def _pass_time(self) -> None:
        deadline = self.clock.now() - TRANSACTION_TIMEOUT
        for holder in self.holders.values():
            transaction = holder.transaction
            if transaction is None or transaction.is_empty:
                continue
            if transaction.began_at <= deadline:
                holder.time_out()
