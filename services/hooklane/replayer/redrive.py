"""A redrive under way: scan a partition, read again what is meant, hand it out in batches.

Each round reads one batch of records, so that the group is served between rounds. The order is
that of partitions, slices and offsets, and the cursor says where in it the redrive is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hooklane.adapters.ports import Reader, Record
from hooklane.domain.cursor import Cursor
from hooklane.domain.topics import Partition
from hooklane.replayer.command import Command
from hooklane.replayer.scan import Scan
from hooklane.replayer.settings import ReplayerSettings

READ_WAIT = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Dead letters to redrive in one transaction, and where the cursor is after it."""

    records: Sequence[Record]
    cursor: Cursor


class Redrive:
    """One redrive command's work; it owns the reader while it is under way."""

    def __init__(
        self,
        command: Command,
        cursor: Cursor,
        *,
        reader: Reader,
        topic: str,
        settings: ReplayerSettings,
    ) -> None:
        """Begin at a cursor; `topic` is `Topics.dead_letters`."""
        self.command, self.cursor = command, cursor
        self._reader, self._topic, self._settings = reader, topic, settings
        self._scan: Scan | None = None
        self._wanted: list[int] | None = None
        self._unread: deque[Record] = deque()

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing is left to do."""
        enough = 0 < self.command.count_max <= self.cursor.count
        return enough or self.cursor.partition >= len(self.cursor.ends)

    @property
    def is_between_slices(self) -> bool:
        """Tell whether another command may have the reader now."""
        return self._scan is None and self._wanted is None

    def round(self) -> Batch | None:
        """Read on; give a batch where one is complete.

        The cursor moves when the batch's transaction is committed: `committed` tells.
        """
        if self._wanted is None:
            self._scan_on()
            return None
        return self._collect()

    def committed(self, batch: Batch) -> None:
        """Learn that a batch is done for good."""
        self.cursor = batch.cursor
        if not self._wanted:
            self._next_slice()

    def _partition(self) -> Partition:
        return Partition(self._topic, self.cursor.partition)

    def _scan_on(self) -> None:
        cursor, end = self.cursor, self.cursor.ends[self.cursor.partition]
        if self._scan is None:
            log_start, _ = self._reader.ends(self._partition())
            if log_start >= end:
                self._next_slice()
                return
            self._scan = Scan(self.command, slice_=cursor.slice, slices=cursor.slices)
            self._reader.start({self._partition(): log_start})
        for record in self._reader.read(self._settings.read_records_max, timeout=READ_WAIT):
            if record.offset() < end:
                self._scan.take(record)
        if len(self._scan) > self._settings.ids_max and (cursor.slice, cursor.done) == (0, 0):
            # Nothing of this partition is done yet, so it may still be cut otherwise.
            self.cursor = replace(cursor, slices=cursor.slices * 2)
            self._scan = None
        elif self._reader.position(self._partition()) >= end:
            self._wanted = [offset for offset in self._scan.offsets() if offset >= cursor.done]
            self._scan = None
            if self._wanted:
                self._reader.start({self._partition(): self._wanted[0]})
                self._wanted.reverse()
            else:
                self._next_slice()

    def _collect(self) -> Batch | None:
        wanted, settings, unread = self._wanted, self._settings, self._unread
        assert wanted, "a slice with nothing left is over"
        if not unread:
            unread.extend(self._reader.read(settings.read_records_max, timeout=READ_WAIT))
            end = self.cursor.ends[self.cursor.partition]
            if not unread and self._reader.position(self._partition()) >= end:
                wanted.clear()  # compacted away since the scan: no dead letters any more
        records: list[Record] = []
        size, count_max = 0, self._count_max()
        while unread and wanted and len(records) < count_max:
            record = unread.popleft()
            while wanted and wanted[-1] < record.offset():
                wanted.pop()
            if wanted and wanted[-1] == record.offset():
                wanted.pop()
                records.append(record)
                size += len(record.value() or b"")
                if size >= settings.transaction_bytes_max:
                    break
        if records:
            done, count = records[-1].offset() + 1, self.cursor.count + len(records)
            return Batch(records=records, cursor=replace(self.cursor, done=done, count=count))
        if not wanted:
            self._next_slice()
        return None

    def _count_max(self) -> int:
        # Every record is written as two: its copy and its tombstone.
        count_max = self._settings.transaction_records_max // 2
        if self.command.count_max:
            count_max = min(count_max, self.command.count_max - self.cursor.count)
        return count_max

    def _next_slice(self) -> None:
        cursor = self.cursor
        self._scan, self._wanted = None, None
        self._unread.clear()
        if cursor.slice + 1 < cursor.slices:
            self.cursor = replace(cursor, slice=cursor.slice + 1, done=0)
        else:
            self.cursor = replace(cursor, partition=cursor.partition + 1, slices=1, slice=0, done=0)
