"""The outbox relay: writes what SQL owes to the topics, once, in order, by one holder at a time.

Reads the outbox and, for proof, the topics it writes to: a row counts as published only when its
record was read back, so that the position told to waiting callers is the record's own. Promises:
with one fixed transactional id a new holder fences the old, then looks on the topics for what the
old one had committed but not marked, and only then publishes; lanes exist before the record that
names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.metrics import OUTBOX_UNPUBLISHED
from hooklane.adapters.ports import Admin, Clock, Reader, Record, TransactionalProducer
from hooklane.adapters.store import Outbox, OutboxRow
from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable
from hooklane.domain.topics import Partition, Topics

RELAY = "relay"
OUTBOX_ID = "outbox-id"
_SHORT_WAIT = timedelta(milliseconds=50)
_BATCH = 1_000
# More rows than anybody owes: what was committed need not be among the first.
_SETTLED_MAX = 100_000


def transactional_id(topics: Topics) -> str:
    """Give the one id that every relay of a deployment uses."""
    return f"{topics.prefix}.control.relay"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """How much the relay does at once, and how long it waits."""

    batch_rows: int = 500
    takeover_after: timedelta = timedelta(seconds=15)
    read_back_timeout: timedelta = timedelta(seconds=10)
    replication: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What the relay needs of the world; a new producer fences those before it."""

    admin: Admin
    open_producer: Callable[[], TransactionalProducer]
    open_reader: Callable[[], Reader]
    clock: Clock
    log: Log = no_log


@dataclass(slots=True, kw_only=True)
class _Hold:
    """What a holder has open, and what it has read of the topics."""

    number: int
    producer: TransactionalProducer
    reader: Reader
    partitions: list[Partition]
    # Outbox ids read and not yet marked, and the position past each.
    seen: dict[int, int] = field(default_factory=dict)
    # Compaction may have removed an older revision's record; a newer one of its key stands for it.
    newest: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def take(self, record: Record, *, compacted: str) -> None:
        """Note a record's outbox id."""
        outbox_id = outbox_id_of(record.headers())
        if outbox_id is None:
            return
        position = record.offset() + 1
        self.seen[outbox_id] = position
        key = record.key()
        if record.topic() == compacted and key is not None:
            self.newest[key] = (outbox_id, position)

    def position_of(self, row: OutboxRow, *, compacted: str) -> int | None:
        """Give the position past a row's record, None if it is not there."""
        found = self.seen.get(row.outbox_id)
        if found is None and row.topic == compacted:
            outbox_id, position = self.newest.get(row.key, (0, 0))
            return position if outbox_id > row.outbox_id else None
        return found


class Relay:
    """Publishes unpublished outbox rows; every call is made by one thread."""

    def __init__(
        self,
        store: Outbox,
        cluster: Cluster,
        *,
        topics: Topics,
        settings: RelaySettings | None = None,
    ) -> None:
        """Begin without holding."""
        self._store, self._cluster, self._topics = store, cluster, topics
        self._clock, self._log = cluster.clock, cluster.log
        self._settings = settings or RelaySettings()
        self._held: _Hold | None = None
        self._lanes: set[str] = set()
        self._stood_down = False

    @property
    def holds(self) -> bool:
        """Tell whether this process is the one that publishes."""
        return self._held is not None

    def publish(self) -> Mapping[str, tuple[int, int]]:
        """Publish the next unpublished rows.

        Returns:
            What was announced: endpoint id → (revision, table position past its record).

        Raises:
            Unavailable: the topics can't be written or read back now; call again.
        """
        rows = self._store.unpublished(self._settings.batch_rows)
        OUTBOX_UNPUBLISHED.set(len(rows))
        if self._held is None:
            if self._stood_down and not self._neglected(rows):
                return {}
            try:
                self._held = self._take_hold()
            except Fenced as error:
                return self._stand_down(error)
            self._stood_down = False
            self._settle()
            # What was read before may have been published meanwhile, by the earlier holder.
            rows = self._store.unpublished(self._settings.batch_rows)
        if not rows:
            return {}
        try:
            return self._publish(self._held, rows)
        except TransactionAborted:
            raise
        except Fenced as error:
            return self._stand_down(error)
        except Exception:
            # Whether it was committed is not known: the next hold looks before it publishes.
            self._let_go()
            raise

    def close(self) -> None:
        """Let go, so that another may take over at once."""
        if self._held is not None:
            self._store.let_go(self._held.number)
        self._let_go()

    def _stand_down(self, error: Fenced) -> Mapping[str, tuple[int, int]]:
        self._log("relay.fenced", level="warning", error=error.detail)
        self._stood_down = True
        self._let_go()
        return {}

    def _neglected(self, rows: Sequence[OutboxRow]) -> bool:
        if not rows:
            return False
        now = self._clock.now()
        late = any(now - row.created_at > self._settings.takeover_after for row in rows)
        return late or self._store.is_free()

    def _take_hold(self) -> _Hold:
        producer = self._cluster.open_producer()
        # The first transaction, an empty one, is what fences an earlier holder.
        producer.begin()
        producer.abort()
        reader = self._cluster.open_reader()
        topics = self._topics
        several = dict.fromkeys((topics.commands, topics.operational), topics.counts.commands)
        counts = {topics.endpoints: 1, **several}
        held = _Hold(
            number=self._store.take_hold(),
            producer=producer,
            reader=reader,
            partitions=[Partition(name, n) for name, count in counts.items() for n in range(count)],
        )
        known = self._store.offsets(RELAY)
        starts = {}
        for partition in held.partitions:
            log_start, _ = reader.ends(partition)
            starts[partition] = max(log_start, known.get(partition, log_start))
        reader.start(starts)
        self._log("relay.held", holder=held.number)
        return held

    def _settle(self) -> None:
        """Mark what an earlier holder had committed."""
        held = self._held
        assert held is not None, "only a holder settles"
        try:
            # The very ends: a dead deliverer's open transaction, its Disable first, would hide
            # what the earlier holder committed behind it.
            ends = self._cluster.admin.log_ends(held.partitions)
            self._read_until(lambda: all(held.reader.position(p) >= end for p, end in ends.items()))
            positions = self._found(held, self._store.unpublished(_SETTLED_MAX))
            if positions:
                self._mark(held, positions)
                self._log("relay.settled", rows=len(positions))
        except Exception:
            self._let_go()
            raise

    def _publish(self, held: _Hold, rows: Sequence[OutboxRow]) -> Mapping[str, tuple[int, int]]:
        self._ensure_lanes(rows)
        held.producer.begin()
        for row in rows:
            held.producer.produce(
                row.topic,
                row.value,
                key=row.key,
                headers=[(OUTBOX_ID, b"%d" % row.outbox_id), *row.headers],
            )
        held.producer.commit()
        self._read_until(lambda: all(row.outbox_id in held.seen for row in rows))
        positions = self._found(held, rows)
        self._mark(held, positions)
        return {
            row.endpoint_id: (row.revision, positions[row.outbox_id])
            for row in rows
            if row.topic == self._topics.endpoints
        }

    def _ensure_lanes(self, rows: Iterable[OutboxRow]) -> None:
        named = {row.lane for row in rows if row.lane is not None} - self._lanes
        # The pool is there from the start.
        lanes = {lane for lane in named if self._topics.is_lane(lane)}
        if lanes:
            specs = [self._topics.lane_spec(lane) for lane in sorted(lanes)]
            self._cluster.admin.ensure(specs, replication=self._settings.replication)
            self._lanes |= lanes

    def _found(self, held: _Hold, rows: Sequence[OutboxRow]) -> dict[int, int]:
        compacted = self._topics.endpoints
        found = {row.outbox_id: held.position_of(row, compacted=compacted) for row in rows}
        return {outbox_id: at for outbox_id, at in found.items() if at is not None}

    def _mark(self, held: _Hold, positions: Mapping[int, int]) -> None:
        tails = {partition: held.reader.position(partition) for partition in held.partitions}
        self._store.mark_published(positions, tails, holder=held.number, at=self._clock.now())
        held.seen.clear()
        held.newest.clear()

    def _read_until(self, done: Callable[[], bool]) -> None:
        held = self._held
        assert held is not None, "only a holder reads back"
        deadline = self._clock.monotonic() + self._settings.read_back_timeout.total_seconds()
        while not done():
            for record in held.reader.read(_BATCH, timeout=_SHORT_WAIT):
                held.take(record, compacted=self._topics.endpoints)
            if self._clock.monotonic() >= deadline and not done():
                raise Unavailable("published records could not be read back in time")

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        for part in (held.producer, held.reader):
            try:
                part.close()
            except Exception as error:  # a fenced or broken one has nothing left to lose
                self._log("relay.close_failed", level="warning", error=str(error))


def outbox_id_of(headers: Iterable[tuple[str, bytes | None]] | None) -> int | None:
    """Give the outbox id a record carries, None if it carries none."""
    for name, value in headers or ():
        if name == OUTBOX_ID and value is not None and value.isdigit():
            return int(value)
    return None
