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
from hooklane.domain.cursor import Cursor, Ending, Outcome
from hooklane.domain.delivery import first_headers
from hooklane.domain.endpoint import Endpoint
from hooklane.domain.errors import Unavailable
from hooklane.domain.matching import Match
from hooklane.domain.parts import Room
from hooklane.domain.topics import Partition, Topics
from hooklane.domain.verdict import verdict_by_state
from hooklane.replayer.command import REDRIVE, REPLAY, RESUBMIT, Command
from hooklane.replayer.lines import Line, Lines
from hooklane.replayer.redrive import Redrive
from hooklane.replayer.replay import Replay
from hooklane.replayer.resubmit import Resubmit
from hooklane.replayer.settings import ReplayerSettings
from hooklane.replayer.surroundings import Surroundings
from hooklane.replayer.turns import Place, cancelled, first_cursor, in_turn
from hooklane.replayer.undertaking import Undertaking, Undertakings
from hooklane.replayer.writing import write_redriven

POLL_MAX = timedelta(milliseconds=100)
COMMANDS_MAX = 100
# How long a command waits where a schema or its log can't be had.
HOLD_S = 1.0
# Offsets age from their commit time, also where nothing moves.
COMMIT_ALL_EVERY_S = 20 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """A command under way; it ends with the assignment of its line."""

    partition: Partition
    line: Line
    undertaking: Undertaking

    @property
    def offset(self) -> int:
        """Where in its line the command lies."""
        return self.undertaking.command.offset

    @property
    def place(self) -> Place:
        """The command by its line and offset."""
        return self.partition, self.offset


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
        self._around, self._topics = around, topics
        self._cluster = cluster
        self._fan_out = FanOut(topics)
        self._room = Room(
            records_max=settings.transaction_records_max, bytes_max=settings.transaction_bytes_max
        )
        self._undertakings = Undertakings(around, topics=topics, settings=settings)
        self._lines = Lines(around.member, log=around.log)
        # The one whose turn it is, all that were begun here, and the one that has the reader.
        self._work: Work | None = None
        self._works: dict[Place, Work] = {}
        self._reading: Work | None = None
        self._last: Place | None = None
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
        is_busy = self._work is not None or bool(self._in_turn())
        wait = timedelta(0) if is_busy else POLL_MAX
        lines.take(around.member.consume(COMMANDS_MAX, timeout=wait))
        # After consume: of a lost membership, under which no commit is read, only consume tells.
        if self._must_rewind:
            self._work = self._reading = None
            self._works.clear()
            lines.rewind()
            self._must_rewind = False
        lines.adopt()
        self._cancel()
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

    def _in_turn(self) -> list[Place]:
        moment = self._around.clock.monotonic()
        return in_turn(self._lines.assigned, moment=moment, last=self._last)

    def _cancel(self) -> None:
        """End what somebody wants ended, between two of its rounds."""
        for partition, line in self._lines.assigned.items():
            for cancel, target in list(cancelled(line)):
                if target is not None:
                    self._finish((partition, target), Ending.CANCELLED)
                line.finish(cancel)

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
        if self._work is work and work.undertaking.is_finished:
            self._finish(work.place, Ending.FINISHED)

    def _next(self) -> Work | None:
        """Take up whose turn it is; pass the commands whose endpoint takes nothing."""
        lines = self._lines.assigned
        self._works = {p: w for p, w in self._works.items() if lines.get(p[0]) is w.line}
        for place in self._in_turn():
            work = self._works.get(place)
            if work is None:
                command = lines[place[0]].waiting[place[1]]
                # It was written after the endpoint's change, so the table's end has that.
                self._around.table.read_to_end()
                if command.kind != RESUBMIT and self._endpoint(command) is None:
                    self._end(place, command)
                    continue
                work = self._undertake(place, command)
                self._works[place] = work
            self._last = place
            self._give_reader(work)
            return work
        return None

    def _give_reader(self, work: Work) -> None:
        before, self._reading = self._reading, work
        if before is not None and before is not work and isinstance(before.undertaking, Replay):
            before.undertaking.leave()
        if isinstance(work.undertaking, Replay):
            work.undertaking.enter()

    def _endpoint(self, command: Command) -> Endpoint | None:
        """Give the endpoint, None where it takes nothing by its state."""
        endpoint = self._around.table.get(command.endpoint_id)
        if endpoint is None or endpoint.placement is None:
            return None
        return None if verdict_by_state(endpoint.state) is not None else endpoint

    def _end(self, place: Place, command: Command) -> None:
        """Be done with a command whose endpoint takes nothing (any more)."""
        endpoint = self._around.table.get(command.endpoint_id)
        state = endpoint.state.value if endpoint else "unknown"
        self._log_command("command.refused", command, level="warning", state=state)
        self._finish(place, Ending.ENDED, reason=state)

    def _undertake(self, place: Place, command: Command) -> Work:
        partition, line = place[0], self._lines.assigned[place[0]]
        cursor = line.cursors.get(command.offset)
        if cursor is None:
            cursor = line.cursors[command.offset] = self._undertakings.begin(command)
            if command.kind in (REDRIVE, REPLAY):
                committed = line.commit_with()
                self._around.member.commit({partition: committed})
                line.settle(committed)
            self._log_command("command.begun", command)
        undertaking = self._undertakings.of(command, cursor)
        return Work(partition=partition, line=line, undertaking=undertaking)

    def _round(self, work: Work) -> None:
        try:
            match work.undertaking:
                case Redrive() as redrive:
                    self._redrive(work, redrive)
                case Resubmit() as resubmit:
                    self._resubmit(work, resubmit)
                case Replay() as replay:
                    self._replay(work, replay)
                case _:  # pragma: no cover  the type checker holds the list complete
                    assert_never(work.undertaking)
        finally:
            if work.offset in work.line.waiting:
                work.line.cursors[work.offset] = work.undertaking.cursor

    def _redrive(self, work: Work, redrive: Redrive) -> None:
        batch = redrive.round()
        if batch is None:
            return
        endpoint = self._endpoint(redrive.command)
        if endpoint is None or endpoint.placement is None:
            self._end(work.place, redrive.command)
            return
        around = self._around
        with self._transaction(work, batch.cursor) as producer:
            count = write_redriven(
                producer, batch, lane=endpoint.placement, now=around.clock.now(), log=around.log
            )
        redrive.committed(batch)
        REDRIVEN.inc(count)

    def _resubmit(self, work: Work, resubmit: Resubmit) -> None:
        around = self._around
        try:
            again = resubmit.round()
        except Unavailable as error:
            self._hold(work, error)
            return
        if again is None:
            return
        found = around.table.index.match(again.event.tenant, again.event.event_type)
        parts = tuple(self._room.parts(again.event, found, begun=again.begun))
        # All in one transaction, however large: its parts are there so that receipts stay small.
        with self._transaction(work, again.cursor) as producer:
            headers = first_headers(at=around.clock.now())
            for part in parts:
                self._fan_out.write(
                    producer,
                    again.event,
                    match=part,
                    table_offset=around.table.offset,
                    headers=headers,
                )
        resubmit.committed(again)
        EVENTS_MATCHED.inc()
        DELIVERIES_CREATED.inc(sum(len(part.matched) for part in parts))

    def _replay(self, work: Work, replay: Replay) -> None:
        around = self._around
        endpoint = self._endpoint(replay.command)
        if endpoint is None:
            self._end(work.place, replay.command)
            return
        try:
            replayed = replay.round(endpoint)
        except Unavailable as error:
            self._hold(work, error)
            return
        if replay.wait_s:
            work.line.held_until_s[work.offset] = around.clock.monotonic() + replay.wait_s
            self._work = None
        if replayed is None:
            return
        if replayed.events:
            found = Match(matched=(endpoint,), refused=())
            headers = first_headers(at=around.clock.now())
            with self._transaction(work, replayed.cursor) as producer:
                for event in replayed.events:
                    replay.fan_out.write(
                        producer,
                        event,
                        match=found,
                        table_offset=around.table.offset,
                        headers=headers,
                    )
            DELIVERIES_CREATED.inc(len(replayed.events))
        else:
            work.line.is_changed = True  # nothing to write but how far it is
        replay.committed(replayed)

    def _hold(self, work: Work, error: Unavailable) -> None:
        # Only this command waits for its schema; the others go on.
        self._around.log("command.waiting", level="warning", error=str(error))
        work.line.held_until_s[work.offset] = self._around.clock.monotonic() + HOLD_S
        self._work = None

    @contextmanager
    def _transaction(self, work: Work, cursor: Cursor) -> Iterator[TransactionalProducer]:
        """Commit what is written within, and the cursor after it."""
        around, committed = self._around, work.line.commit_with(cursor)
        try:
            around.producer.begin()
            yield around.producer
            around.producer.send_offsets({work.partition: committed}, around.member)
            around.producer.commit()
        except Unavailable:
            self._must_rewind = True
            TRANSACTIONS_ABORTED.inc()
            raise
        work.line.settle(committed)

    def _finish(self, place: Place, ending: Ending, *, reason: str = "") -> None:
        line, offset = self._lines.assigned[place[0]], place[1]
        command = line.waiting[offset]
        work = self._works.pop(place, None)
        if work is not None and work.line is line:
            cursor = work.undertaking.cursor
        else:
            cursor = line.cursors.get(offset) or first_cursor(command)
        outcome = Outcome(
            cursor=cursor,
            ending=ending,
            reason=reason,
            finished_ms=self._around.clock.now_ms(),
        )
        line.finish(offset, outcome if command.kind == REPLAY else None)
        if work is not None and self._work is work:
            self._work = None
        self._log_command(
            f"command.{ending.value}",
            command,
            count=cursor.count,
            seen=cursor.seen,
            undecodable=cursor.refused,
        )

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
