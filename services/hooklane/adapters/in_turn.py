"""Transactional ids that take turns, so that no transaction waits for the one before it.

A commit returns when it is decided; its markers reach the partitions later, and until then the
broker refuses another transaction of the same id. Asking again and again costs a fan-out at a
steady rate a quarter of its latency. Another id may begin at once. With two, the markers of an
id's last transaction are at times still on their way when its turn comes, and librdkafka asks
again for a record's partition after 20 ms only; with three that is rare.

The order holds: a transaction begins only after the one before it is decided, so its records come
behind, and read_committed stops at the first record without a marker, whosever it is. Of a group's
offsets Kafka keeps those that were written later, in whatever order the markers come
(its OffsetMetadataManager compares where they lie in the offsets' log).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hooklane.adapters.ports import Member, TransactionalProducer
from hooklane.domain.delivery import Headers
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition


class InTurn:
    """A TransactionalProducer made of several."""

    def __init__(self, producers: Sequence[TransactionalProducer]) -> None:
        """Take turns among these, each with an id of its own."""
        self._producers, self._current, self._turn = tuple(producers), producers[0], 0
        self._taken_over = False

    def begin(self) -> None:
        """Open a transaction; the first one only after whatever was open under any of the ids."""
        if not self._taken_over:
            for producer in self._producers:
                producer.begin()
                producer.abort()
            self._taken_over = True
        self._turn = (self._turn + 1) % len(self._producers)
        self._current = self._producers[self._turn]
        self._current.begin()

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> None:
        """Queue a record in the transaction."""
        self._current.produce(topic, value, key=key, headers=headers, partition=partition)

    def send_offsets(self, offsets: Mapping[Partition, Committed], member: Member) -> set[str]:
        """Commit these with the transaction; give the topics that no longer exist."""
        return self._current.send_offsets(offsets, member)

    def commit(self) -> None:
        """Make it all visible."""
        self._current.commit()

    def abort(self) -> None:
        """Make it never have happened."""
        self._current.abort()

    def close(self) -> None:
        """Abort what is open and end."""
        for producer in self._producers:
            producer.close()
