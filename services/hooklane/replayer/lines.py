"""The commands partitions this process has: each a line of commands, several under way at once.

A commit says which commands are finished (the prefix, and those above it as a bitmap), where those
under way are (their cursors), and how the last ones ended. So a long replay holds up nobody who
came after it. What waits in a line is bounded: a full line is paused until some of it is finished.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from hooklane.adapters.first_commits import begin_at
from hooklane.adapters.log import Log
from hooklane.adapters.metrics import GAPS
from hooklane.adapters.ports import Member, Record
from hooklane.domain.cursor import (
    CURSOR_BYTES_MAX,
    OUTCOMES_MAX,
    SPAN_MAX,
    Cursor,
    Outcome,
    metadata_fields,
    told_in,
)
from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import Committed, OffsetTracker, finished_in
from hooklane.domain.topics import Partition
from hooklane.replayer.command import Command, command_of, is_ours

WAITING_MAX = 200


class Line:
    """One commands partition: what it committed, and the commands that wait in it."""

    def __init__(self, committed: Committed) -> None:
        """Begin at a commit.

        Raises:
            BrokenContract: its metadata can't be read.
        """
        told = told_in(committed)
        self.committed = committed
        self.cursors = {cursor.command_offset: cursor for cursor in told.cursors}
        self.outcomes: deque[Outcome] = deque(told.outcomes, maxlen=OUTCOMES_MAX)
        self.waiting: dict[int, Command] = {}
        # By the monotonic clock: commands that wait for something outside, or for their rate.
        self.held_until_s: dict[int, float] = {}
        self.is_paused = self.is_changed = False
        self._tracker = OffsetTracker(committed.offset, finished_in(committed))

    @property
    def is_full(self) -> bool:
        """Tell whether no more may be read now."""
        return len(self.waiting) >= WAITING_MAX or self._tracker.span >= SPAN_MAX

    def take(self, offset: int, command: Command | None) -> None:
        """Take a record in; None is nothing for us to do."""
        if not self._tracker.receive(offset):
            return
        if command is None:
            self._tracker.finish(offset)
        else:
            self.waiting[offset] = command

    def advance(self, position: int) -> None:
        """Move past transaction markers."""
        self._tracker.advance(position)

    def has_room(self, cursor: Cursor) -> bool:
        """Tell whether one more command may be begun: all cursors must fit the metadata."""
        taken = sum(other.bytes_max for other in self.cursors.values())
        return not self.cursors or taken + cursor.bytes_max <= CURSOR_BYTES_MAX

    def finish(self, offset: int, outcome: Outcome | None = None) -> None:
        """Be done with a command, whatever came of it."""
        del self.waiting[offset]
        self.cursors.pop(offset, None)
        self.held_until_s.pop(offset, None)
        self._tracker.finish(offset)
        self.is_changed = True
        if outcome is not None:
            self.outcomes.append(outcome)

    def commit_with(self, *moved: Cursor) -> Committed:
        """Give what to commit once these cursors are where they say."""
        cursors = self.cursors | {cursor.command_offset: cursor for cursor in moved}
        # A cursor whose command has not been read again yet is kept as well.
        return self._tracker.commit(metadata_fields(cursors.values(), tuple(self.outcomes)))

    def settle(self, committed: Committed) -> None:
        """Learn that this is committed."""
        self.committed, self.is_changed = committed, False


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
        """Put commands in their lines, and pause the lines that are full."""
        for record in records:
            line = self.assigned.get(Partition(record.topic(), record.partition()))
            if line is not None:
                line.take(record.offset(), self._read(record))
        for partition, line in self.assigned.items():
            position = self._member.position(partition)
            if position is not None:
                line.advance(position)
        full = [p for p, line in self.assigned.items() if line.is_full and not line.is_paused]
        for partition in full:
            self.assigned[partition].is_paused = True
        if full:
            self._member.pause(full)

    def resume(self) -> None:
        """Read on where there is room again."""
        roomy = [p for p, line in self.assigned.items() if line.is_paused and not line.is_full]
        for partition in roomy:
            self.assigned[partition].is_paused = False
        if roomy:
            self._member.resume(roomy)

    def commit(self, *, everything: bool = False) -> None:
        """Commit the lines in which something was finished or moved.

        Raises:
            Unavailable: it was not taken; the same is committed the next time.
        """
        moved = {}
        for partition, line in self.assigned.items():
            now = line.commit_with()
            if everything or line.is_changed or now.offset > line.committed.offset:
                moved[partition] = now
        self._member.commit(moved)
        for partition, committed in moved.items():
            self.assigned[partition].settle(committed)

    def _read(self, record: Record) -> Command | None:
        try:
            command = command_of(record)
        except BrokenContract as error:
            self._log("command.unreadable", level="error", offset=record.offset(), error=str(error))
            return None
        if is_ours(command):
            return command
        self._log(
            "command.passed",
            level="error" if command.kind == "unknown" else "info",
            command=command.command_id,
            kind=command.kind,
            endpoint=command.endpoint_id,
        )
        return None

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
