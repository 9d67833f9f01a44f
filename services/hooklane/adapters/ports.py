"""The small ports through which services meet the world.

A service's worker names only these; its `__main__` chooses the concrete adapters. Two families
keep them, under one contract suite: `adapters.kafka` and the in-memory twin `adapters.memory`.

Everything that touches a member or its transactional producer runs on one thread, the poll thread
(confluent-kafka 2.16 makes calls from other threads wait for a running consume).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hooklane.domain.delivery import Headers
from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition, TopicSpec


class Clock(Protocol):
    """The only way to learn what time it is."""

    def now(self) -> datetime:
        """Give the wall time, aware UTC."""

    def now_ms(self) -> int:
        """Give the same as unix milliseconds: what a delivery is stamped with, several times."""

    def monotonic(self) -> float:
        """Give seconds that only grow, for spans."""

    def sleep(self, seconds: float) -> None:
        """Wait; only a worker's run loop does (backoff)."""


class Record(Protocol):
    """A record as consumed; confluent-kafka's Message has this shape, so none is converted."""

    def topic(self) -> str: ...  # noqa: D102  the name says it
    def partition(self) -> int: ...  # noqa: D102
    def offset(self) -> int: ...  # noqa: D102
    def key(self) -> bytes | None: ...  # noqa: D102
    def value(self) -> bytes | None: ...  # noqa: D102
    def headers(self) -> list[tuple[str, bytes | None]] | None: ...  # noqa: D102

    def timestamp(self) -> tuple[int, int]:
        """Give (kind, unix milliseconds); the kind is 2 for LogAppendTime."""


class Listener(Protocol):
    """What a member's owner does when partitions come and go; called inside `consume`.

    `on_assigned` must call `assign` for every partition, with the offset to start at, or
    remember to do so soon: until then nothing is read from it.
    """

    def on_assigned(self, partitions: Sequence[Partition]) -> None:
        """Take partitions in: read their commits, then `assign` them."""

    def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """Finish, commit and let go; the adapter unassigns when this returns."""

    def on_lost(self, partitions: Sequence[Partition]) -> None:
        """Let go at once: another member may own them already; nothing may be committed."""

    def on_gap(self, partition: Partition, *, log_start: int) -> None:
        """Learn that records between position and log start are gone; reading goes on there."""


class Member(Protocol):
    """A member of a consumer group (KIP-848), read_committed, every start offset explicit."""

    def subscribe(self, topics: Collection[str], listener: Listener) -> None:
        """Ask for these topics; call again with a new list whenever it changes."""

    def consume(self, records_max: int, *, timeout: timedelta) -> list[Record]:
        """Wait up to `timeout` for the first record, then take what else is there.

        Raises:
            Unavailable: the brokers can't be reached at all; the caller backs off.
            Fenced: only a new client reaches them.
        """

    def committed(self, partitions: Collection[Partition]) -> dict[Partition, Committed]:
        """Read commits with their metadata; a partition without one is not in the answer.

        Raises:
            Unavailable: a commit could not be read; it is never taken as none.
        """

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """Begin reading newly assigned partitions at these offsets."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from another offset of an assigned partition."""

    def pause(self, partitions: Collection[Partition]) -> None:
        """Fetch nothing from these until resumed; what was fetched ahead is dropped."""

    def resume(self, partitions: Collection[Partition]) -> None:
        """Fetch again, from the position."""

    def position(self, partition: Partition) -> int | None:
        """Give the next offset to be consumed; it passes transaction markers."""

    def ends(self, partition: Partition) -> tuple[int, int]:
        """Give the log's start and its read_committed end (asks the broker).

        Raises:
            Unavailable: the broker did not answer.
        """

    def commit(self, offsets: Mapping[Partition, Committed]) -> None:
        """Commit outside a transaction, in requests of bounded size.

        Raises:
            Unavailable: the commit was not taken.
        """

    def close(self) -> None:
        """Leave the group; `on_revoked` is called for what is still assigned."""


class Producer(Protocol):
    """An idempotent producer without transactions."""

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Queue a record, in the key's partition where none is named; waits for room."""

    def flush(self, timeout: timedelta) -> None:
        """Wait until everything queued is acknowledged.

        Raises:
            Unavailable: something was not, in time or for good; what of it may still be on its way,
                or was given up, is not said: it is to be written anew.
        """

    def close(self) -> None:
        """Flush and end."""


OnAck = Callable[[Unavailable | None], None]


class AckingProducer(Protocol):
    """An idempotent producer that tells of each record whether it was written.

    `produce` and `poll` may be called from two threads at once.
    """

    def produce(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None,
        headers: Headers | None,
        on_ack: OnAck,
    ) -> None:
        """Queue a record and return at once; `on_ack` is called by `poll`, once.

        Raises:
            Unavailable: the queue is full, or the topic is not there.
        """

    def poll(self, timeout: timedelta) -> None:
        """Wait up to `timeout` for the first acknowledgement, then tell of all that are there.

        Raises:
            Fenced: only a new client reaches the brokers.
        """

    def close(self, timeout: timedelta) -> None:
        """Wait for what is queued, tell of it, and end."""


class TransactionalProducer(Protocol):
    """One transaction at a time: begin, produce, send_offsets, commit.

    Every call but `begin` may raise TransactionAborted (nothing of it is visible; `abort` has
    been done) or Fenced (stop the process).
    """

    def begin(self) -> None:
        """Open a transaction."""

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Queue a record in the transaction; waits for room, never drops."""

    def send_offsets(self, offsets: Mapping[Partition, Committed], member: Member) -> set[str]:
        """Commit these with the transaction, in requests of at most 500 partitions or 512 KiB.

        Returns:
            Topics that no longer exist: their offsets were left out.
        """

    def commit(self) -> None:
        """Make it all visible."""

    def abort(self) -> None:
        """Make it never have happened."""

    def close(self) -> None:
        """Abort what is open and end."""


class Reader(Protocol):
    """Reads whole topics without a group and without commits: tables, scans, command tails."""

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from these offsets (replaces what was read before)."""

    def read(self, records_max: int, *, timeout: timedelta) -> list[Record]:
        """As `Member.consume`; a position below the log's start moves to it."""

    def position(self, partition: Partition) -> int:
        """Give the next offset to be read; it passes transaction markers."""

    def ends(self, partition: Partition) -> tuple[int, int]:
        """Give the log's start and its read_committed end (asks the broker)."""

    def close(self) -> None:
        """End."""


class Admin(Protocol):
    """What Hooklane asks of a cluster beside records. Every call may raise Unavailable."""

    def check_broker(self) -> list[str]:
        """Check version and offset retention; give warnings.

        Raises:
            Misconfigured: Hooklane cannot keep its promises here; says what to change.
        """

    def ensure(self, specs: Collection[TopicSpec], *, replication: int) -> None:
        """Create what is missing and wait until it can be described.

        Raises:
            Misconfigured: a topic exists with other settings; names topic, setting, both values.
        """

    def topics(self) -> dict[str, int]:
        """Give every topic's partition count."""

    def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        """Give topic ids (they differ when a name is used anew)."""

    def cluster_id(self) -> str:
        """Give the cluster's id."""

    def delete_topics(self, topics: Collection[str]) -> None:
        """Delete topics; those that do not exist are passed over."""

    def delete_records(self, before: Mapping[Partition, int]) -> None:
        """Delete the records below these offsets."""

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, tuple[int, int]]:
        """Give each partition's log start and read_committed end; missing ones are left out."""

    def log_ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Give each log's very end, past what open transactions wrote; missing ones are left out.

        What lies between the read_committed end and this one may be committed already, only
        hidden behind a transaction that began before it.
        """

    def offsets_for_times(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """Give each partition's first offset whose record has this time or a later one.

        Times are unix milliseconds, by the log's own stamps. A partition without such a record
        gives its read_committed end; missing ones are left out.
        """

    def committed(
        self, group: str, partitions: Collection[Partition]
    ) -> dict[Partition, Committed]:
        """Read a group's commits from outside."""

    def members(self, group: str) -> set[str]:
        """Give the client ids (process instances) that are members of the group now."""

    def partitions_of(self, group: str) -> dict[Partition, str]:
        """Give which client id each assigned partition of the group belongs to now."""

    def close(self) -> None:
        """End."""
