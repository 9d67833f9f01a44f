"""One partition's records, and what of them a read_committed reader sees."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from hooklane.domain.delivery import Headers, to_ms
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

CREATE_TIME, LOG_APPEND_TIME = 1, 2


class TransactionState(Enum):
    """What became of a transaction."""

    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(slots=True, kw_only=True, eq=False)
class Transaction:
    """What one transaction touched, until its markers are written."""

    began_at: datetime
    state: TransactionState = TransactionState.OPEN
    logs: dict[Partition, PartitionLog] = field(default_factory=dict)
    offsets: dict[tuple[str, Partition], Committed] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Tell whether the broker knows nothing of it."""
        return not self.logs and not self.offsets


class StoredRecord:
    """A record with confluent-kafka's shape."""

    __slots__ = ("_headers", "_key", "_offset", "_place", "_timestamp", "_value", "transaction")

    def __init__(
        self,
        place: Partition,
        offset: int,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None,
        timestamp: tuple[int, int],
        transaction: Transaction | None,
    ) -> None:
        self._place, self._offset = place, offset
        self._key, self._value = key, value
        self._headers: list[tuple[str, bytes | None]] | None = list(headers) if headers else None
        self._timestamp = timestamp
        self.transaction = transaction

    def topic(self) -> str:
        """Give the topic."""
        return self._place.topic

    def partition(self) -> int:
        """Give the partition's number."""
        return self._place.partition

    def offset(self) -> int:
        """Give the offset."""
        return self._offset

    def key(self) -> bytes | None:
        """Give the key."""
        return self._key

    def value(self) -> bytes | None:
        """Give the value; None is a tombstone."""
        return self._value

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """Give the headers; None if there are none."""
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        """Give (kind, unix milliseconds)."""
        return self._timestamp

    @property
    def is_aborted(self) -> bool:
        """Tell whether nobody ever sees it."""
        return self.transaction is not None and self.transaction.state is TransactionState.ABORTED


class PartitionLog:
    """Offsets from `start` to `end`; markers and what was compacted leave holes."""

    def __init__(self, place: Partition, *, timestamp_kind: int) -> None:
        """Begin empty."""
        self.place = place
        self._kind = timestamp_kind
        self.start = self.end = 0
        self._records: list[StoredRecord] = []
        self._open_since: dict[Transaction, int] = {}

    @property
    def stable_end(self) -> int:
        """The end for a read_committed reader: the first offset of an open transaction."""
        return min(self._open_since.values(), default=self.end)

    def append(
        self,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Headers | None,
        at: datetime,
        transaction: Transaction | None = None,
    ) -> int:
        """Write a record; give its offset."""
        offset = self.end
        stored = StoredRecord(
            self.place,
            offset,
            key=key,
            value=value,
            headers=headers,
            timestamp=(self._kind, to_ms(at)),
            transaction=transaction,
        )
        self._records.append(stored)
        self.end += 1
        if transaction is not None:
            self._open_since.setdefault(transaction, offset)
        return offset

    def mark(self, transaction: Transaction) -> None:
        """Write a transaction's marker, which takes an offset."""
        self._open_since.pop(transaction, None)
        self.end += 1

    def read(self, position: int, records_max: int) -> tuple[list[StoredRecord], int]:
        """Give committed records from a position on, and the position after them."""
        found: list[StoredRecord] = []
        stable_end = self.stable_end
        index = bisect_left(self._records, position, key=StoredRecord.offset)
        while index < len(self._records):
            record = self._records[index]
            if record.offset() >= stable_end:
                break
            if not record.is_aborted:
                if len(found) == records_max:
                    return found, found[-1].offset() + 1
                found.append(record)
            index += 1
        return found, max(position, stable_end)

    def offset_for_time(self, at_ms: int) -> int:
        """Give the first record's offset that has this time or a later one, else the end."""
        found = (record for record in self._records if record.timestamp()[1] >= at_ms)
        return next((record.offset() for record in found), self.end)

    def everything(self) -> tuple[StoredRecord, ...]:
        """Give every record still stored, whatever its transaction: for checkers."""
        return tuple(self._records)

    def delete_before(self, offset: int) -> None:
        """Drop the records below an offset."""
        self.start = max(self.start, offset)
        self._records = [record for record in self._records if record.offset() >= self.start]

    def compact(self, *, drop_tombstones: bool) -> None:
        """Keep each key's newest committed record."""
        stable_end = self.stable_end
        newest: dict[bytes | None, int] = {}
        for record in self._settled(stable_end):
            newest[record.key()] = record.offset()
        self._records = [
            record
            for record in self._records
            if record.offset() >= stable_end
            or (
                newest.get(record.key()) == record.offset()
                and not (drop_tombstones and record.value() is None)
            )
        ]

    def _settled(self, stable_end: int) -> Iterable[StoredRecord]:
        return (
            record
            for record in self._records
            if record.offset() < stable_end and not record.is_aborted
        )
