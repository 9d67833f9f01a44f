"""The commands partitions this process has: each a line of commands, done one after another.

The commit of a line stays at the command under way, with its cursor in the metadata, until that is
finished. A line with commands in it is paused: what waits there is bounded by one read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from hooklane.adapters.first_commits import begin_at
from hooklane.adapters.log import Log
from hooklane.adapters.metrics import GAPS
from hooklane.adapters.ports import Member, Record
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition
from hooklane.replayer.cursor import Cursor, cursor_of


class Line:
    """One commands partition: what it committed, and the records that wait in it."""

    def __init__(self, committed: Committed) -> None:
        """Begin at a commit.

        Raises:
            BrokenContract: its cursor can't be read.
        """
        self.committed = committed
        self.cursor: Cursor | None = cursor_of(committed)
        self.position = committed.offset
        self.waiting: deque[Record] = deque()
        self.is_paused = False
        # By the monotonic clock: its command waits for something outside.
        self.held_until_s = 0.0

    def cursor_for(self, offset: int) -> Cursor | None:
        """Give the cursor an earlier owner left for this command."""
        if self.cursor is not None and self.cursor.command_offset == offset:
            return self.cursor
        return None

    def pass_by(self) -> None:
        """Be done with the first command."""
        self.position = self.waiting.popleft().offset() + 1
        self.cursor = None


class Lines:
    """All of them; the member's listener."""

    def __init__(self, member: Member, *, log: Log) -> None:
        """Begin with none."""
        self._member, self._log = member, log
        self._pending: set[Partition] = set()
        self.unreadable: set[Partition] = set()
        self.assigned: dict[Partition, Line] = {}

    def on_assigned(self, partitions: Sequence[Partition]) -> None:
        """Remember them for `adopt`."""
        self._pending.update(partitions)

    def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """Let go: what is done is in a committed transaction, with its cursor."""
        self._forget(partitions)

    def on_lost(self, partitions: Sequence[Partition]) -> None:
        """Let go."""
        self._forget(partitions)

    def on_gap(self, partition: Partition, *, log_start: int) -> None:
        """Record that commands are gone unread."""
        GAPS.inc()
        self._log("gap.found", level="error", partition=partition, log_start=log_start)

    def adopt(self) -> None:
        """Start the newly assigned partitions at their commits.

        Raises:
            Unavailable: a commit could not be read or written; they stay pending.
        """
        if not self._pending:
            return
        pending = sorted(self._pending)
        commits = begin_at(self._member, pending)
        starts = {
            partition: commit.offset
            for partition, commit in commits.items()
            if self._begin(partition, commit)
        }
        self._member.assign(starts)
        self._pending.difference_update(pending)

    def rewind(self) -> None:
        """Go back to the last commits after an abort.

        Raises:
            Unavailable: they could not be read; to be called again.
        """
        committed = self._member.committed(list(self.assigned))
        partitions = list(self.assigned)
        for partition in partitions:
            commit = committed.get(partition, self.assigned[partition].committed)
            if self._begin(partition, commit):
                self._member.seek(partition, commit.offset)
        self._member.resume(partitions)

    def take(self, records: Iterable[Record]) -> None:
        """Put records in their lines, and pause the lines that have some."""
        for record in records:
            line = self.assigned.get(Partition(record.topic(), record.partition()))
            if line is not None:
                line.waiting.append(record)
        full = [p for p, line in self.assigned.items() if line.waiting and not line.is_paused]
        for partition in full:
            self.assigned[partition].is_paused = True
        if full:
            self._member.pause(full)

    def resume(self) -> None:
        """Read on where a line is empty."""
        empty = [p for p, line in self.assigned.items() if line.is_paused and not line.waiting]
        for partition in empty:
            self.assigned[partition].is_paused = False
        if empty:
            self._member.resume(empty)

    def commit(self, *, everything: bool = False) -> None:
        """Commit the lines that moved past commands.

        Raises:
            Unavailable: it was not taken; the same is committed the next time.
        """
        moved = {
            partition: Committed(offset=line.position)
            for partition, line in self.assigned.items()
            if line.position > line.committed.offset
        }
        if everything:
            moved = {p: line.committed for p, line in self.assigned.items()} | moved
        self._member.commit(moved)
        for partition, committed in moved.items():
            self.assigned[partition].committed = committed

    def _begin(self, partition: Partition, commit: Committed) -> bool:
        try:
            self.assigned[partition] = Line(commit)
        except BrokenContract as error:
            # Guessing might redrive twice: it stays unread, and we not ready.
            self._log("commit.unreadable", level="error", partition=partition, error=str(error))
            self.unreadable.add(partition)
            self.assigned.pop(partition, None)
            return False
        return True

    def _forget(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self.assigned.pop(partition, None)
            self._pending.discard(partition)
            self.unreadable.discard(partition)
