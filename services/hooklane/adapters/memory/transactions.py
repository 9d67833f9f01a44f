"""A transactional producer in the twin: records are in the log at once and visible at commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from hooklane.adapters.memory.cluster import Cluster
from hooklane.adapters.memory.member import MemoryMember
from hooklane.adapters.memory.partition_log import Transaction
from hooklane.adapters.memory.producer import refuse_oversize
from hooklane.adapters.ports import Member
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition


class MemoryTransactionalProducer:
    """The holder of a transactional id, until another takes it over."""

    def __init__(self, cluster: Cluster, *, transactional_id: str) -> None:
        """Prepare; the id is taken over at the first `begin` or `open`."""
        self._cluster, self._id = cluster, transactional_id
        self.transaction: Transaction | None = None
        self._opened = self._is_dead = False
        self._fenced: str | None = None
        self._gone: set[str] = set()
        self._turn = 0

    def open(self) -> None:
        """Take the transactional id over; whoever held it is fenced, its transaction aborted."""
        self._refuse_fenced()
        if self._opened:
            return
        with self._cluster.operation("open"):
            if (before := self._cluster.holders.get(self._id)) is not None:
                before.fence("another took over the transactional id")
            self._cluster.holders[self._id] = self
            self._opened = True

    def begin(self) -> None:
        """Open a transaction."""
        assert self.transaction is None, "a transaction is open"
        self.open()
        with self._cluster.operation("begin"):
            self._refuse_fenced()
            self.transaction = Transaction(began_at=self._cluster.clock.now())

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Write a record in the transaction."""
        refuse_oversize(value)
        with self._step("produce") as transaction:
            self._turn += 1
            log = (
                self._cluster.choose(topic, key, turn=self._turn)
                if partition is None
                else self._cluster.log(Partition(topic, partition))
            )
            if log is None:
                raise TransactionAborted(f"there is no topic {topic}", topic=topic)
            self._touch(transaction)
            transaction.logs[log.place] = log
            at = self._cluster.clock.now()
            log.append(value, key=key, headers=headers, at=at, transaction=transaction)

    def send_offsets(self, offsets: Mapping[Partition, Committed], member: Member) -> set[str]:
        """Commit these with the transaction; give the topics that no longer exist."""
        assert isinstance(member, MemoryMember), "offsets of another cluster"
        with self._step("send_offsets") as transaction:
            missing = {p.topic for p in offsets if self._cluster.log(p) is None}
            # As librdkafka: the first time it costs the transaction, from then on it is known.
            if missing - self._gone:
                self._gone |= missing
                raise TransactionAborted(f"there is no topic {min(missing)}")
            self._gone &= missing
            if refusal := member.refusal(offsets):
                raise TransactionAborted(f"committing offsets in a transaction: {refusal}")
            self._touch(transaction)
            there = {(member.group, p): c for p, c in offsets.items() if p.topic not in missing}
            transaction.offsets.update(there)
            return missing

    def commit(self) -> None:
        """Make it all visible."""
        with self._step("commit") as transaction:
            self._cluster.finish(transaction, commit=True)
            self.transaction = None

    def abort(self) -> None:
        """Make it never have happened."""
        if self.transaction is None:
            return
        with suppress(TransactionAborted), self._step("abort") as transaction:
            self._cluster.finish(transaction, commit=False)
            self.transaction = None

    def close(self) -> None:
        """Abort what is open and end."""
        self.abort()
        self._is_dead = True

    def die(self) -> None:
        """End without telling anybody; the transaction stays open."""
        self._is_dead = True

    def fence(self, why: str) -> None:
        """Lose the id; the broker aborts what was open."""
        self._fenced = why
        if self.transaction is not None:
            self._cluster.finish(self.transaction, commit=False)
            self.transaction = None

    def time_out(self) -> None:
        """Have the transaction aborted by the broker, which is fatal, as with librdkafka."""
        self.fence("the transaction timed out")

    def _touch(self, transaction: Transaction) -> None:
        if transaction.is_empty:
            transaction.began_at = self._cluster.clock.now()

    def _refuse_fenced(self) -> None:
        assert not self._is_dead, "killed or closed"
        if self._fenced is not None:
            raise Fenced(self._fenced)

    @contextmanager
    def _step(self, name: str) -> Iterator[Transaction]:
        self._refuse_fenced()
        try:
            with self._cluster.operation(name):
                self._refuse_fenced()
                assert self.transaction is not None, "no transaction is open"
                yield self.transaction
        except Unavailable as error:
            # Whatever the reason, the port promises an abort that was done.
            if self.transaction is not None:
                self._cluster.finish(self.transaction, commit=False)
                self.transaction = None
            if isinstance(error, TransactionAborted):
                raise
            raise TransactionAborted(error.detail) from None
