"""Poll the commands, do each in rounds, write what it brings back with its cursor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from hooklane.adapters.fan_out import FanOut
from hooklane.adapters.metrics import (
    DELIVERIES_CREATED,
    EVENTS_MATCHED,
    REDRIVEN,
    TABLE_OFFSET,
    TRANSACTIONS_ABORTED,
)
from hooklane.adapters.ports import TransactionalProducer
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import first_headers
from hooklane.domain.endpoint import Placement
from hooklane.domain.errors import BrokenContract, Misconfigured, Unavailable
from hooklane.domain.topics import Partition, Topics
from hooklane.domain.verdict import verdict_by_state
from hooklane.replayer.command import REDRIVE, RESUBMIT, Command, command_of
from hooklane.replayer.cursor import PARTITIONS_MAX, Cursor
from hooklane.replayer.lines import Line, Lines
from hooklane.replayer.redrive import Redrive
from hooklane.replayer.resubmit import Resubmit
from hooklane.replayer.settings import ReplayerSettings
from hooklane.replayer.surroundings import Surroundings
from hooklane.replayer.writing import write_redriven

POLL_MAX = timedelta(milliseconds=100)
COMMANDS_MAX = 100
# How long a resubmit waits where its schema can't be had.
HOLD_S = 1.0
# Offsets age from their commit time, also where nothing moves.
COMMIT_ALL_EVERY_S = 20 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A command under way; it ends with the assignment of its line."""

    partition: Partition
    line: Line
    undertaking: Redrive | Resubmit


class Replayer:
    """The worker."""

    def __init__(
        self,
        around: Surroundings,
        *,
        topics: Topics,
        settings: ReplayerSettings,
        cluster: KafkaSettings,
    ) -> None:
        """Begin with nothing assigned."""
        self._around, self._topics, self._settings = around, topics, settings
        self._cluster = cluster
        self._fan_out = FanOut(topics)
        self._lines = Lines(around.member, log=around.log)
        self._work: Work | None = None
        self._last: Partition | None = None
        self._started = self._must_rewind = False
        self._all_at = 0.0

    def start(self) -> None:
        """Check the topics, read the endpoint table, then join the group."""
        around = self._around
        for warning in around.admin.check_broker():
            around.log("broker.warned", level="warning", text=warning)
        specs = self._topics.specs(self._cluster.retry_tiers)
        around.admin.ensure(specs, replication=self._cluster.replication)
        around.schemas.start()
        around.table.start()
        # Ends at once what a predecessor left open.
        around.producer.begin()
        around.producer.abort()
        around.member.subscribe([self._topics.commands], self._lines)
        self._all_at = around.clock.monotonic()
        self._started = True

    def step(self) -> None:
        """Do one round of a command, or wait for one."""
        around, lines = self._around, self._lines
        around.table.poll()
        TABLE_OFFSET.set(around.table.offset)
        around.positions.tell(around.table.offset)
        lines.resume()
        moment = around.clock.monotonic()
        is_busy = any(
            line.waiting and line.held_until_s <= moment for line in lines.assigned.values()
        )
        wait = timedelta(0) if is_busy else POLL_MAX
        lines.take(around.member.consume(COMMANDS_MAX, timeout=wait))
        # After consume: of a lost membership, under which no commit is read, only consume tells.
        if self._must_rewind:
            self._work = None
            lines.rewind()
            self._must_rewind = False
        lines.adopt()
        self._go_on()
        everything = around.clock.monotonic() - self._all_at >= COMMIT_ALL_EVERY_S
        lines.commit(everything=everything)
        if everything:
            self._all_at = around.clock.monotonic()

    def stop(self) -> None:
        """Leave: a command under way goes on with the next owner, from its cursor."""
        self._around.close()

    def not_ready(self) -> str | None:
        """Say why commands are not done now."""
        if not self._started:
            return "the endpoint table is not read"
        if self._lines.unreadable:
            return f"commits of {len(self._lines.unreadable)} commands partitions can't be read"
        return None

    def _go_on(self) -> None:
        work = self._work
        if work is not None and self._lines.assigned.get(work.partition) is not work.line:
            work = None  # its line went to another member, or began anew; the cursor with it
        if work is None or work.undertaking.is_between_slices:
            work = self._next()
        self._work = work
        if work is None:
            return
        if not work.undertaking.is_finished:
            self._round(work)
        if work.undertaking.is_finished:
            self._finish(work)

    def _next(self) -> Work | None:
        """Take up the next line's first command, lines in turn; pass those not for us."""
        moment = self._around.clock.monotonic()
        waiting = sorted(
            partition
            for partition, line in self._lines.assigned.items()
            if line.waiting and line.held_until_s <= moment
        )
        later = [p for p in waiting if self._last is not None and p > self._last]
        for partition in (*later, *(p for p in waiting if p not in later)):
            line = self._lines.assigned[partition]
            while line.waiting:
                command = self._read(line)
                if command is not None and self._is_due(command):
                    self._last = partition
                    undertaking = self._undertake(partition, line, command)
                    return Work(partition=partition, line=line, undertaking=undertaking)
                line.pass_by()
        return None

    def _read(self, line: Line) -> Command | None:
        record = line.waiting[0]
        try:
            command = command_of(record)
        except BrokenContract as error:
            self._around.log(
                "command.unreadable", level="error", offset=record.offset(), error=str(error)
            )
            return None
        if command.kind not in (REDRIVE, RESUBMIT):
            level = "error" if command.kind == "unknown" else "info"
            self._log_command("command.passed", command, level=level)
            return None
        return command

    def _is_due(self, command: Command) -> bool:
        # The command was written after the endpoint's change, so the table's end has it.
        self._around.table.read_to_end()
        return command.kind == RESUBMIT or self._placement(command) is not None

    def _placement(self, command: Command) -> Placement | None:
        endpoint = self._around.table.get(command.endpoint_id)
        refused = verdict_by_state(endpoint.state if endpoint else None)
        if endpoint is None or refused is not None or endpoint.placement is None:
            state = endpoint.state.value if endpoint else "unknown"
            self._log_command("command.refused", command, level="warning", state=state)
            return None
        return endpoint.placement

    def _undertake(self, partition: Partition, line: Line, command: Command) -> Redrive | Resubmit:
        if line.cursor_for(command.offset) is None:
            ends = self._dead_letter_ends() if command.kind == REDRIVE else ()
            line.cursor = Cursor(command_offset=command.offset, ends=ends)
            self._around.member.commit({partition: line.cursor.committed()})
            line.committed = line.cursor.committed()
            self._log_command("command.begun", command)
        assert line.cursor is not None
        if command.kind == RESUBMIT:
            return Resubmit(command, line.cursor, rejected=self._around.rejected)
        return Redrive(
            command,
            line.cursor,
            reader=self._around.reader,
            topic=self._topics.dead_letters,
            settings=self._settings,
        )

    def _dead_letter_ends(self) -> tuple[int, ...]:
        topic, admin = self._topics.dead_letters, self._around.admin
        count = admin.topics()[topic]
        if count > PARTITIONS_MAX:
            raise Misconfigured(f"{topic} has {count} partitions, more than {PARTITIONS_MAX}")
        partitions = [Partition(topic, number) for number in range(count)]
        # The very ends, for which the scan waits: tombstones of an earlier redrive may be hidden
        # behind a transaction that another's death left open.
        ends = admin.log_ends(partitions)
        return tuple(ends[partition] for partition in partitions)

    def _round(self, work: Work) -> None:
        match work.undertaking:
            case Redrive() as redrive:
                self._redrive(work, redrive)
            case Resubmit() as resubmit:
                self._resubmit(work, resubmit)
            case _:  # pragma: no cover  the type checker holds the list complete
                assert_never(work.undertaking)
        if work is self._work:
            work.line.cursor = work.undertaking.cursor

    def _redrive(self, work: Work, redrive: Redrive) -> None:
        batch = redrive.round()
        if batch is None:
            return
        lane = self._placement(redrive.command)
        if lane is None:
            self._finish(work)
            return
        around = self._around
        with self._transaction(work, batch.cursor) as producer:
            now = around.clock.now()
            count = write_redriven(producer, batch, lane=lane, now=now, log=around.log)
        redrive.committed(batch)
        REDRIVEN.inc(count)

    def _resubmit(self, work: Work, resubmit: Resubmit) -> None:
        around = self._around
        try:
            again = resubmit.round()
        except Unavailable as error:
            # Only this line waits for its schema; the others go on.
            around.log("command.waiting", level="warning", error=str(error))
            work.line.held_until_s = around.clock.monotonic() + HOLD_S
            return
        if again is None:
            return
        found = around.table.index.match(again.event.tenant, again.event.event_type)
        with self._transaction(work, again.cursor) as producer:
            self._fan_out.write(
                producer,
                again.event,
                match=found,
                table_offset=around.table.offset,
                headers=first_headers(at=around.clock.now()),
            )
        resubmit.committed(again)
        EVENTS_MATCHED.inc()
        DELIVERIES_CREATED.inc(len(found.matched))

    @contextmanager
    def _transaction(self, work: Work, cursor: Cursor) -> Iterator[TransactionalProducer]:
        """Commit what is written within, and the cursor after it."""
        around, committed = self._around, cursor.committed()
        try:
            around.producer.begin()
            yield around.producer
            around.producer.send_offsets({work.partition: committed}, around.member)
            around.producer.commit()
        except Unavailable:
            self._must_rewind = True
            TRANSACTIONS_ABORTED.inc()
            raise
        work.line.committed = committed

    def _finish(self, work: Work) -> None:
        undertaking = work.undertaking
        self._log_command("command.finished", undertaking.command, count=undertaking.cursor.count)
        work.line.pass_by()
        self._work = None

    def _log_command(
        self, what: str, command: Command, *, level: str = "info", **fields: object
    ) -> None:
        self._around.log(
            what,
            level=level,
            command=command.command_id,
            kind=command.kind,
            endpoint=command.endpoint_id,
            **fields,
        )
