"""Poll the commands, do each in rounds, write what it brings back with its cursor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.metrics import REDRIVEN, TABLE_OFFSET, TRANSACTIONS_ABORTED
from hooklane.domain.delivery import progress_of
from hooklane.domain.endpoint import Placement
from hooklane.domain.errors import BrokenContract, Misconfigured, Unavailable
from hooklane.domain.retry import Schedule
from hooklane.domain.topics import Partition, Topics
from hooklane.domain.verdict import verdict_by_state
from hooklane.replayer.command import REDRIVE, Command, command_of
from hooklane.replayer.cursor import PARTITIONS_MAX, Cursor
from hooklane.replayer.lines import Line, Lines
from hooklane.replayer.redrive import Batch, Redrive
from hooklane.replayer.settings import ReplayerSettings
from hooklane.replayer.surroundings import Surroundings

POLL_MAX = timedelta(milliseconds=100)
COMMANDS_MAX = 100
# Offsets age from their commit time, also where nothing moves.
COMMIT_ALL_EVERY_S = 20 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A command under way; it ends with the assignment of its line."""

    partition: Partition
    line: Line
    redrive: Redrive


class Replayer:
    """The worker."""

    def __init__(
        self,
        around: Surroundings,
        *,
        topics: Topics,
        tiers: Schedule,
        settings: ReplayerSettings,
        replication: int,
    ) -> None:
        """Begin with nothing assigned."""
        self._around, self._topics, self._settings = around, topics, settings
        self._specs, self._replication = topics.specs(tiers), replication
        self._lines = Lines(around.member, log=around.log)
        self._work: Work | None = None
        self._last: Partition | None = None
        self._started = self._must_rewind = False
        self._all_at = 0.0

    def start(self) -> None:
        """Check the topics, read the endpoint table, then join the group."""
        around = self._around
        for warning in around.admin.check_broker():
            around.log("broker.doubted", level="warning", warning=warning)
        around.admin.ensure(self._specs, replication=self._replication)
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
        if self._must_rewind:
            self._work = None
            lines.rewind()
            self._must_rewind = False
        lines.adopt()
        around.table.poll()
        TABLE_OFFSET.set(around.table.offset)
        around.positions.tell(around.table.offset)
        lines.resume()
        is_idle = not any(line.waiting for line in lines.assigned.values())
        wait = POLL_MAX if is_idle else timedelta(0)
        lines.take(around.member.consume(COMMANDS_MAX, timeout=wait))
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
        if work is None or work.redrive.is_between_slices:
            work = self._next()
        self._work = work
        if work is not None and not work.redrive.is_finished:
            self._round(work)
        if work is not None and work.redrive.is_finished:
            self._finish(work)

    def _next(self) -> Work | None:
        """Take up the next line's first command, lines in turn; pass those not for us."""
        waiting = sorted(p for p, line in self._lines.assigned.items() if line.waiting)
        later = [p for p in waiting if self._last is not None and p > self._last]
        for partition in (*later, *(p for p in waiting if p not in later)):
            line = self._lines.assigned[partition]
            while line.waiting:
                command = self._read(line)
                if command is not None and self._lane_of(command) is not None:
                    self._last = partition
                    redrive = self._redrive(partition, line, command)
                    return Work(partition=partition, line=line, redrive=redrive)
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
        if command.kind != REDRIVE:
            level = "error" if command.kind == "unknown" else "info"
            self._log_command("command.passed", command, level=level)
            return None
        return command

    def _lane_of(self, command: Command) -> Placement | None:
        # The command was written after the endpoint's change, so the table's end has it.
        self._around.table.read_to_end()
        return self._placement(command)

    def _placement(self, command: Command) -> Placement | None:
        endpoint = self._around.table.get(command.endpoint_id)
        refused = verdict_by_state(endpoint.state if endpoint else None)
        if endpoint is None or refused is not None or endpoint.placement is None:
            state = endpoint.state.value if endpoint else "unknown"
            self._log_command("command.refused", command, level="warning", state=state)
            return None
        return endpoint.placement

    def _redrive(self, partition: Partition, line: Line, command: Command) -> Redrive:
        topic = self._topics.dead_letters
        if line.cursor_for(command.offset) is None:
            count = self._around.admin.topics()[topic]
            if count > PARTITIONS_MAX:
                raise Misconfigured(f"{topic} has {count} partitions, more than {PARTITIONS_MAX}")
            ends = self._around.admin.ends([Partition(topic, number) for number in range(count)])
            noted = tuple(ends[Partition(topic, number)][1] for number in range(count))
            line.cursor = Cursor(command_offset=command.offset, ends=noted)
            line.committed = line.cursor.committed()
            self._around.member.commit({partition: line.committed})
            self._log_command("command.begun", command)
        assert line.cursor is not None
        return Redrive(
            command,
            line.cursor,
            reader=self._around.reader,
            topic=topic,
            settings=self._settings,
        )

    def _round(self, work: Work) -> None:
        redrive = work.redrive
        batch = redrive.round()
        if batch is not None:
            placement = self._placement(redrive.command)
            if placement is None:
                self._finish(work)
                return
            try:
                self._write(work, batch, placement)
            except Unavailable:
                self._must_rewind = True
                TRANSACTIONS_ABORTED.inc()
                raise
            redrive.committed(batch)
            REDRIVEN.inc(len(batch.records))
        work.line.cursor = redrive.cursor

    def _write(self, work: Work, batch: Batch, placement: Placement) -> None:
        producer, now = self._around.producer, self._around.clock.now()
        producer.begin()
        for record in batch.records:
            try:
                progress = progress_of(record.headers()).redriven(at=now)
                key = codec("delivery").decode(record.value())["key"]
            except BrokenContract as error:
                self._around.log("dead_letter.unreadable", level="error", error=str(error))
                continue
            producer.produce(
                placement.topic,
                record.value(),
                key=key,
                headers=progress.headers(),
                partition=placement.partition,
            )
            producer.produce(record.topic(), None, key=record.key(), partition=record.partition())
        committed = batch.cursor.committed()
        producer.send_offsets({work.partition: committed}, self._around.member)
        producer.commit()
        work.line.committed = committed

    def _finish(self, work: Work) -> None:
        redrive = work.redrive
        self._log_command("command.finished", redrive.command, redriven=redrive.cursor.count)
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
