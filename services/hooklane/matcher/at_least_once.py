"""Fan-out without transactions: everything acknowledged first, then the offsets committed.

Stands where the transactional producer stands, so that the worker has one way of working. A crash
between the two doubles what was written; delivery ids are the same, so a receiver can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from hooklane.adapters.ports import Member, Producer
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import TransactionAborted, Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

FLUSH_WITHIN = timedelta(seconds=10)


class AtLeastOnce:
    """A TransactionalProducer whose transactions can be seen before they are committed."""

    def __init__(self, producer: Producer) -> None:
        """Write through an idempotent producer."""
        self._producer = producer
        self._offsets: dict[Partition, Committed] = {}
        self._member: Member | None = None

    def begin(self) -> None:
        """Begin a batch."""
        self._offsets, self._member = {}, None

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Queue a record."""
        self._producer.produce(topic, value, key=key, headers=headers, partition=partition)

    def send_offsets(self, offsets: Mapping[Partition, Committed], member: Member) -> set[str]:
        """Remember what to commit once everything is acknowledged."""
        self._offsets, self._member = dict(offsets), member
        return set()

    def commit(self) -> None:
        """Wait for the acknowledgements, then commit."""
        try:
            self._producer.flush(FLUSH_WITHIN)
        except Unavailable as error:
            raise TransactionAborted(error.detail, **error.fields) from error
        if self._member is not None:
            self._member.commit(self._offsets)

    def abort(self) -> None:
        """Commit nothing; what was queued may be written nevertheless."""
        self._offsets = {}

    def close(self) -> None:
        """Flush and end."""
        self._producer.close()
