"""The deliverer's worker: follow the table, read lanes, hand over, tick, tidy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.http.port import Sender
from hooklane.adapters.log import Log
from hooklane.adapters.ports import (
    Admin,
    Clock,
    Member,
    Producer,
    Reader,
    Record,
    TransactionalProducer,
)
from hooklane.deliverer.assignment import Assignment, topics_of
from hooklane.deliverer.clock_check import ClockCheck
from hooklane.deliverer.crossing import Crossing
from hooklane.deliverer.flow import Flow
from hooklane.deliverer.lane import Lane
from hooklane.deliverer.lanes import Lanes
from hooklane.deliverer.narrowed import Narrowed
from hooklane.deliverer.outbox import Asks, Forgot, Rules, Told
from hooklane.deliverer.pool import PoolLane, PoolLimits
from hooklane.deliverer.probes import ProbeTail
from hooklane.deliverer.probing import Probed
from hooklane.deliverer.sending import Sending
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.settling import Settled
from hooklane.deliverer.tick import Ticker
from hooklane.deliverer.upkeep import Upkeep
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition

CONSUME_TIMEOUT = timedelta(milliseconds=20)
FULL_PAUSE_S = 0.005
ASK_TIMEOUT = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What a deliverer meets the world through."""

    member: Member
    producer: TransactionalProducer
    positions: Producer
    admin: Admin
    table_reader: Reader
    positions_reader: Reader
    commands_reader: Reader
    crossing: Crossing
    clock: Clock
    log: Log


class Deliverer:
    """Steps on the poll thread; the sending half lives behind the crossing."""

    def __init__(
        self, ports: Ports, *, settings: DelivererSettings, rules: Rules, instance: str,
        replication: int,
    ) -> None:  # fmt: skip
        """Put the parts together; nothing is connected yet."""
        self._ports, self._settings, self._rules = ports, settings, rules
        self._replication = replication
        topics, clock = rules.topics, ports.clock
        self._lanes = Lanes()
        self._table = EndpointTable(
            ports.table_reader,
            topics.endpoints,
            clock=clock,
            on_change=self._lanes.changed,
            log=ports.log,
        )
        self._ticker = Ticker(
            ports.producer, ports.member, clock=clock, topics=topics, log=ports.log
        )
        self._assignment = Assignment(
            ports.member,
            ports.crossing,
            clock=clock,
            revoke_wait_s=settings.revoke_wait_ms / 1_000,
            log=ports.log,
        )
        self._assignment.lane_of = self._lane_of
        self._flow = Flow(ports.member, ports.crossing, clock=clock, settings=settings)
        self._instance = instance
        self._report = self._new_report()
        check = ClockCheck(
            ports.positions_reader,
            topics.positions,
            instance=instance,
            write=self._write_position,
            clock=clock,
        )
        self._upkeep = Upkeep(
            ports.member,
            ports.admin,
            clock=clock,
            clock_check=check,
            lane_keep=settings.lane_keep,
            log=ports.log,
        )
        self._probes = ProbeTail(ports.commands_reader, topics, clock=clock, log=ports.log)
        self._sending: Sending | None = None
        self._asking: dict[Lane, int] = {}
        self._settled_to = 0
        self._narrowed = Narrowed(clock)
        self._subscribed: frozenset[str] | None = None
        self._subscribed_at = float("-inf")

    # The worker's four.

    def start(self) -> None:
        """Check the brokers, create topics, read the endpoint table, begin the loop's side."""
        ports = self._ports
        for warning in ports.admin.check_broker():
            ports.log("broker.warned", level="warning", text=warning)
        ports.admin.ensure(
            self._rules.topics.specs(self._rules.tiers), replication=self._replication
        )
        self._table.start()
        self._probes.start()
        if self._sending is None:
            self._bind(ports.crossing.start())
        self._tell_changes()

    def step(self) -> None:
        """Do one round."""
        ports, sending = self._ports, self._sending
        assert sending is not None
        ports.crossing.check()
        if sending.fault is not None:
            raise sending.fault
        self._follow_table()
        self._subscribe()
        readings = self._assignment.readings
        room = self._flow.regulate(readings.values(), sending)
        records: list[Record] = []
        if room:
            records = ports.member.consume(self._settings.read_records_max, timeout=CONSUME_TIMEOUT)
        else:
            ports.clock.sleep(FULL_PAUSE_S)
        self._feed(records, sending)
        self._probe(sending)
        seen = sending.table_offset
        self._drain()
        if self._ticker.has_work and self._ticker.since_last() >= self._settings.tick_s:
            self._tick()
        if not self._ticker.has_moves:
            self._settled_to = seen
        # After consume: of a lost membership, under which no commit is read, only consume tells.
        self._assignment.take_in()
        self._upkeep.do(readings, sending, flow=self._flow)
        self._tell_position()

    def stop(self) -> None:
        """Drain within 30 s: wait for open POSTs, cut the rest, commit, leave the group."""
        ports = self._ports
        if self._sending is not None:
            readings = list(self._assignment.readings.values())
            self._assignment.finish(readings, wait_s=self._settings.stop_wait_ms / 1_000)
        closing = (
            ports.member,
            ports.producer,
            ports.positions,
            ports.table_reader,
            ports.positions_reader,
            ports.commands_reader,
            ports.admin,
        )
        for port in closing:
            try:
                port.close()
            except Unavailable as error:
                # What was committed is committed; the next owner does the rest.
                ports.log("process.unclosed", level="warning", error=str(error))
        ports.crossing.stop()

    def not_ready(self) -> str | None:
        """Say why deliveries can't be made now."""
        if self._subscribed is None or self._sending is None:
            return "the endpoint table is not read"
        if self._assignment.unreadable:
            partition, error = next(iter(self._assignment.unreadable.items()))
            return f"{partition.topic}: {error}"
        if self._sending.load.overdue:
            return "outcomes could not be committed for too long"
        return self._upkeep.clock_check.not_ready()

    # Parts of a step.

    def _bind(self, sender: Sender) -> None:
        self._sending = Sending(
            sender, clock=self._ports.clock, settings=self._settings, rules=self._rules
        )
        self._assignment.bind(self._sending, self._ticker, drain=self._drain, tick=self._tick)

    def _follow_table(self) -> None:
        moved = self._table.poll()
        if moved:
            self._tell_changes()
        if self._asking:
            self._answer_asking()

    def _tell_changes(self) -> None:
        assert self._sending is not None
        changes = self._lanes.take_changes()
        self._ports.crossing.call(self._sending.endpoints_changed, changes, self._table.offset)

    def _answer_asking(self) -> None:
        """Read on for records that were matched with a newer table than ours."""
        assert self._sending is not None
        ends_early = False
        for lane, offset in list(self._asking.items()):
            if lane.closed:
                del self._asking[lane]
                continue
            if ends_early and self._table.offset < offset:
                continue  # one wait a round is enough: all lanes stand still meanwhile
            try:
                self._table.read_to(offset, timeout=ASK_TIMEOUT)
            except Unavailable as error:
                ends_early = True
                self._upkeep.alarm("table.behind", lane=lane.partition.topic, error=str(error))
                # Of what was read of it nevertheless nobody else will tell.
                self._tell_changes()
                continue
            del self._asking[lane]
            self._tell_changes()
            self._ports.crossing.call(self._sending.table_read, lane)

    def _subscribe(self) -> None:
        """Ask for the lanes there are now, at most twice a second."""
        wanted = self._lanes.topics()
        now = self._ports.clock.monotonic()
        if wanted == self._subscribed or now - self._subscribed_at < 0.5:
            return
        self._subscribed_at = now
        self._ports.member.subscribe(wanted, self._assignment)
        self._subscribed = wanted

    def _feed(self, records: list[Record], sending: Sending) -> None:
        """Count records in and hand the open ones over, in one call."""
        readings, fed = self._assignment.readings, []
        limits: dict[Partition, int] = {}
        span_max = self._settings.span_max
        for record in records:
            partition = Partition(record.topic(), record.partition())
            reading = readings.get(partition)
            if reading is None:
                continue
            offset = record.offset()
            reading.read_to = offset + 1
            limit = limits.get(partition)
            if limit is None:
                limit = limits[partition] = reading.tracker.prefix + span_max
            if offset >= limit and reading.tracker.open_count == 0:
                # Nothing lies between but what an aborted transaction left.
                reading.tracker.advance(offset)
                limit = limits[partition] = offset + span_max
            if offset >= limit:
                # Its finished offsets would no longer fit the commit: read it again later.
                reading.read_again_from(offset)
            elif reading.tracker.receive(offset):
                reading.fed += 1
                fed.append((reading.lane, record))
        if records:
            self._upkeep.clock_check.saw(records[-1])
        self._ports.crossing.call(sending.turn, fed)

    def _lane_of(self, partition: Partition) -> Lane:
        if partition.topic != self._rules.topics.pool:
            return Lane(partition, self._lanes.endpoint_of(partition.topic))
        settings = self._settings
        limits = PoolLimits(
            in_flight_max=settings.pool_in_flight_max,
            share=settings.pool_in_flight_per_endpoint_max,
            waiting_max=settings.pool_waiting_per_endpoint_max,
            buffered_max=settings.lane_buffered_records_max,
            bytes_max=settings.lane_buffered_bytes_max,
        )
        return PoolLane(partition, limits=limits)

    def _probe(self, sending: Sending) -> None:
        """Send the probes that are asked for, of lanes that are ours; follow the guard."""
        guarded_until_ms = self._probes.guarded_until_ms
        commands = self._probes.poll()
        if self._probes.guarded_until_ms != guarded_until_ms:
            self._ports.crossing.call(sending.guard, self._probes.guarded_until_ms)
        for command in commands:
            for reading in self._assignment.readings.values():
                if self._lanes.is_of(reading.partition, command["endpoint_id"]):
                    self._ports.crossing.call(sending.probing.send, reading.lane, command)

    def _drain(self) -> None:
        """Take in what the loop's side has to tell."""
        assert self._sending is not None
        readings, outbox = self._assignment.readings, self._sending.outbox
        self._ticker.taken_at = self._ports.clock.monotonic()
        while outbox:
            match outbox.popleft():
                case Settled() as settled:
                    self._ticker.take(settled, readings)
                case Forgot(lane, offset):
                    reading = readings.get(lane.partition)
                    if reading is not None and reading.lane is lane:
                        reading.forgetting = False
                        reading.read_again_from(offset)
                case Asks(lane, table_offset):
                    self._asking[lane] = table_offset
                case Probed(settled):
                    self._ticker.note(settled)
                case Told(what, fields):
                    self._ports.log(what, level="warning", **fields)

    def _tick(self) -> None:
        assert self._sending is not None
        since = self._ticker.taken_at
        count, size = self._ticker.commit(self._assignment.readings)
        self._ports.crossing.call(self._sending.committed, count, size, since=since)
        if self._ticker.buried:
            self._ports.crossing.call(self._sending.buried, self._ticker.buried)

    def _new_report(self) -> PositionReport:
        return PositionReport(
            self._ports.positions,
            self._rules.topics.positions,
            instance=self._instance,
            clock=self._ports.clock,
        )

    def _write_position(self) -> None:
        """Write our position once more, as it was last told: the clock check reads it back."""
        self._report = self._new_report()
        self._tell_position()
        self._ports.positions.flush(timedelta(seconds=1))

    def _tell_position(self) -> None:
        """Tell how far the table was read, once the lanes are those it asks for.

        And once all is committed that was copied to lanes by an older one: they may then go.
        """
        readings = self._assignment.readings
        if self._subscribed == self._lanes.topics() and topics_of(readings) <= self._subscribed:
            lanes = self._narrowed.look(reading.lane for reading in readings.values())
            self._report.tell(self._settled_to, assigned_lanes=len(readings), lanes=lanes)
