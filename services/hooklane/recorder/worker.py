"""The recorder's worker: consume, make rows, write them with the offsets they move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hooklane.adapters.log import Log
from hooklane.adapters.metrics import GAPS, RECORDED, RECORDER_LAG
from hooklane.adapters.ports import Admin, Clock, Member, Record
from hooklane.adapters.store import Keep, LostRace, OffsetMove, Recorded, RecorderStore, Row
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.topics import Partition, Topics
from hooklane.recorder.rows import Choice, batch_of

READER = "recorder"
SCHEMA_PATIENCE_S = 5.0

_Begin = Callable[[Mapping[Partition, int]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much at once, and how often what."""

    batch_records: int = 2_000
    wait: timedelta = timedelta(milliseconds=250)
    lag: timedelta = timedelta(seconds=5)
    tend: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the recorder reads, writes and asks."""

    member: Member
    admin: Admin
    store: RecorderStore
    topics: Topics
    clock: Clock
    log: Log


class Recorder:
    """A member's owner: its partitions, where SQL has them, and the batch not yet written."""

    def __init__(
        self,
        around: Surroundings,
        *,
        pace: Pace | None = None,
        keep: Keep | None = None,
        choice: Choice | None = None,
    ) -> None:
        """Begin without partitions."""
        self._around, self._pace = around, pace or Pace()
        self._keep, self._choice = keep or Keep(), choice or Choice()
        # What SQL says of each assigned partition; None where it has nothing yet.
        self._at: dict[Partition, int | None] = {}
        self._gaps: list[Row] = []
        self._pending: Recorded | None = None
        # A race was lost, and where we are is not yet read anew.
        self._is_astray = False
        self._lag_due = self._tend_due = 0.0
        self._subscribed = False

    def start(self) -> None:
        """Wait for the schema, then join the group."""
        around = self._around
        self._wait_for_schema()
        if not self._subscribed:
            topics = around.topics
            names = (topics.attempts, topics.matches, topics.dead_letters)
            around.member.subscribe(names, self)
            self._subscribed = True

    def _wait_for_schema(self) -> None:
        # Control, started beside us, needs a moment to make it: no reason to complain yet.
        deadline = self._around.clock.monotonic() + SCHEMA_PATIENCE_S
        while True:
            try:
                self._around.store.ping()
            except Unavailable:
                if self._around.clock.monotonic() >= deadline:
                    raise
                self._around.clock.sleep(0.1)
            else:
                return

    def step(self) -> None:
        """Write what is pending, or what comes next."""
        if self._is_astray:
            self._begin_anew()
        if self._pending is None:
            self._tend()
            records = self._around.member.consume(self._pace.batch_records, timeout=self._pace.wait)
            self._pending = self._batch(records)
        if self._pending is not None:
            # It stays pending while the database is away: the next step tries again.
            self._write(self._pending)
            self._pending = None
        self._tell_lag()

    def stop(self) -> None:
        """Leave; what was not written is read again by whoever comes next."""
        self._around.member.close()
        self._around.admin.close()
        self._around.store.close()

    def not_ready(self) -> str | None:
        """Be ready whenever a step ended well."""
        return None

    def on_assigned(self, partitions: Sequence[Partition]) -> None:
        """Begin each partition where SQL says, else at the log's start."""
        self._begin(partitions, self._around.member.assign)

    def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """Let go; nothing is ever written later than read."""
        for partition in partitions:
            self._at.pop(partition, None)

    def on_lost(self, partitions: Sequence[Partition]) -> None:
        """Let go."""
        self.on_revoked(partitions)

    def on_gap(self, partition: Partition, *, log_start: int) -> None:
        """Note that records are gone unread."""
        self._note_gap(partition, first=self._at.get(partition) or 0, log_start=log_start)

    def _begin(self, partitions: Sequence[Partition], begin: _Begin) -> None:
        around = self._around
        known = around.store.offsets(READER)
        starts = {}
        for partition in partitions:
            log_start, _ = around.member.ends(partition)
            at = known.get(partition)
            if at is not None and at < log_start:
                self._note_gap(partition, first=at, log_start=log_start)
            self._at[partition] = at
            starts[partition] = max(log_start, at or 0)
        begin(starts)

    def _note_gap(self, partition: Partition, *, first: int, log_start: int) -> None:
        around = self._around
        GAPS.inc()
        around.log(
            "gap.found",
            level="error",
            topic=partition.topic,
            partition=partition.partition,
            first_offset=first,
            log_start=log_start,
        )
        self._gaps.append(
            {
                "reader": READER,
                "topic": partition.topic,
                "partition": partition.partition,
                "first_offset": first,
                "log_start": log_start,
                "found_at": to_ms(around.clock.now()),
            }
        )

    def _batch(self, records: Sequence[Record]) -> Recorded | None:
        if not records and not self._gaps:
            return None
        rows = batch_of(
            records,
            self._around.topics,
            choice=replace(self._choice, payloads_since=self._payloads_since()),
            on_broken=self._tell_broken,
        )
        ends = {
            Partition(record.topic(), record.partition()): record.offset() for record in records
        }
        moves = [
            OffsetMove(partition=partition, expected=self._at[partition], offset=last + 1)
            for partition, last in ends.items()
        ]
        gaps, self._gaps = self._gaps, []
        return Recorded(
            attempts=rows.attempts,
            receipts=rows.receipts,
            dead_letters=list(rows.dead_letters.values()),
            redriven=rows.redriven,
            gaps=gaps,
            moves=moves,
        )

    def _payloads_since(self) -> int:
        # What the store emptied already it does not look at again.
        return to_ms(self._around.clock.now() - self._keep.payloads)

    def _write(self, batch: Recorded) -> None:
        try:
            self._around.store.record(READER, batch)
        except LostRace as error:
            self._around.log("batch.lost", level="warning", error=str(error))
            self._pending, self._is_astray = None, True
            self._begin_anew()
            return
        self._at.update({move.partition: move.offset for move in batch.moves})
        RECORDED.labels("attempts").inc(len(batch.attempts))
        RECORDED.labels("receipts").inc(len(batch.receipts))
        RECORDED.labels("dead_letters").inc(len(batch.dead_letters))

    def _begin_anew(self) -> None:
        self._begin(list(self._at), self._seek)
        self._is_astray = False

    def _seek(self, starts: Mapping[Partition, int]) -> None:
        for partition, offset in starts.items():
            self._around.member.seek(partition, offset)

    def _tell_broken(self, record: Record, error: BrokenContract) -> None:
        self._around.log(
            "record.unreadable",
            level="error",
            topic=record.topic(),
            partition=record.partition(),
            offset=record.offset(),
            error=str(error),
        )

    def _pass_markers(self) -> None:
        # Else what a quiet topic's retention takes away, transaction markers, would seem a gap.
        moves = [
            OffsetMove(partition=partition, expected=at, offset=position)
            for partition, at in self._at.items()
            if (position := self._around.member.position(partition)) is not None
            and position > (at or 0)
        ]
        if moves:
            self._write(Recorded(redriven={}, moves=moves))

    def _tend(self) -> None:
        clock = self._around.clock
        if clock.monotonic() < self._tend_due:
            return
        is_more_left = self._around.store.tend(self._keep, at=clock.now())
        # Piece by piece between batches, until all that is old is gone.
        pause = 0.0 if is_more_left else self._pace.tend.total_seconds()
        self._tend_due = clock.monotonic() + pause

    def _tell_lag(self) -> None:
        now = self._around.clock.monotonic()
        if now < self._lag_due or not self._at:
            return
        self._lag_due = now + self._pace.lag.total_seconds()
        self._pass_markers()
        ends = self._around.admin.ends(list(self._at))
        RECORDER_LAG.set(
            sum(high - max(low, self._at[part] or 0) for part, (low, high) in ends.items())
        )
