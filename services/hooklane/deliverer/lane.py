"""A lane as the loop thread holds it: what waits, what is open, and why nothing starts.

Everything here is written by the loop thread alone. The poll thread reads `left`, `ended`, `gate`
and `flights` (counts and references, whole at any moment) to steer what it fetches.

An assignment makes a new Lane, so the object itself is the assignment's epoch: what a late
completion names is either the lane now owned or one that is dropped.
"""

from __future__ import annotations

import enum
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hooklane.adapters.codec import DeliveryDecoder, Value
from hooklane.adapters.ports import Record
from hooklane.deliverer.ordering import progressed
from hooklane.deliverer.valve import NEVER_REVIEWED, Valve
from hooklane.domain.errors import BrokenContract
from hooklane.domain.topics import Partition

if TYPE_CHECKING:
    from hooklane.adapters.http.port import Request
    from hooklane.deliverer.ordering import Ordering
    from hooklane.deliverer.plan import Plan
    from hooklane.domain.endpoint import Batch
    from hooklane.domain.parked import Parked
    from hooklane.domain.token_bucket import TokenBucket


class Gate(enum.Enum):
    """Why nothing of a lane is started."""

    PAUSED = "paused"  # its endpoint is
    HELD = "held"  # a Retry-After, or more not-yet-due deliveries than are waited for
    BROKEN = "broken"  # its breaker is open
    THROTTLED = "throttled"  # until its next token
    STOPPED = "stopped"  # it answered 410: until any later revision
    EMPTYING = "emptying"  # disabled or deleted: settled without requests, a few a tick
    ASKING = "asking"  # an endpoint not yet read: the table is being read on
    CLOSED = "closed"  # being revoked, lost, or the process stops


# 9999-12-31: beyond it the headers' other readers know no date.
_MILLISECONDS_MAX = 253_402_300_799_999

NEVER = sys.maxsize

# How much the newest duration counts in a lane's average.
LATENCY_WEIGHT = 0.05

# Lanes that wait for somebody else: their records count for no shared buffer.
WAITING = frozenset({Gate.PAUSED, Gate.HELD, Gate.STOPPED, Gate.ASKING, Gate.BROKEN})


class Lane:
    """One lane within one assignment."""

    __slots__ = (
        "aside",
        "batch",
        "batch_bytes_max",
        "buckets",
        "closed",
        "ended",
        "endpoint_id",
        "flights",
        "gate",
        "gather_until_ms",
        "granted",
        "hold_until_ms",
        "in_flight_max",
        "is_gathered",
        "latency_ms",
        "left",
        "order",
        "partition",
        "pending",
        "pending_bytes",
        "rate_per_s",
        "ready",
        "restored",
        "review_at",
        "spent_ms",
        "starved",
        "stopped_at_revision",
        "throttled_until_ms",
        "valve",
        "waiting",
        "wakes_at_ms",
    )

    def __init__(self, partition: Partition, endpoint_id: str) -> None:
        """Begin empty and open."""
        self.partition = partition
        self.endpoint_id = endpoint_id
        self.pending: deque[Record] = deque()
        self.pending_bytes = 0
        # How much of it waits for those of the pool's endpoints who are late.
        self.aside = 0
        # Deliveries whose not-before has come, ahead of `pending`.
        self.ready: deque[Record] = deque()
        # How many wait for their not-before.
        self.waiting = 0
        # Its keys, where its endpoint gets their events in order; and by offset how far deliveries
        # had come that an earlier owner left parked.
        self.order: Ordering | None = None
        self.restored: dict[int, Parked] = {}
        self.flights: dict[int, Flight] = {}
        self.in_flight_max = 0
        self.gate: Gate | None = None
        # How its deliveries come together in one POST; until when the first of the next batch
        # waits for others (0: nothing waits), and whether it has waited long enough.
        self.batch: Batch | None = None
        self.batch_bytes_max = 0
        self.gather_until_ms = 0
        self.is_gathered = False
        self.hold_until_ms = 0
        # When its gate is to be looked at anew, as far as time alone opens it.
        self.wakes_at_ms = NEVER
        # Its tokens: where from, until when it waits for one (monotonic), one it has.
        self.buckets: tuple[TokenBucket, ...] = ()
        self.rate_per_s = float("inf")
        self.throttled_until_ms = 0.0
        self.granted = False
        self.stopped_at_revision = -1
        self.closed = False
        self.starved = False
        # Records that left `pending`, begun or forgotten.
        self.left = 0
        # POSTs that ended, and how long they take: a moving average.
        self.ended = 0
        self.latency_ms = 0.0
        self.spent_ms = 0.0
        # How much its endpoint takes, and after how many answers that is to be judged.
        self.valve = Valve()
        self.review_at = NEVER_REVIEWED

    # Whether it is an endpoint's part of a partition of the pool.
    is_pooled = False

    @property
    def root(self) -> Lane:
        """Give the lane that the poll thread knows: this one, or the partition it is part of."""
        return self

    def __repr__(self) -> str:
        return f"Lane({self.partition.topic}, open={len(self.flights)}, {self.gate})"

    @property
    def has_work(self) -> bool:
        """Tell whether something could be started."""
        return bool(self.ready or (self.pending and not self.is_full))

    @property
    def is_full(self) -> bool:
        """Tell whether it is ordered, and so many keys fail that it takes up nothing new."""
        return self.order is not None and self.order.is_full

    @property
    def waits(self) -> bool:
        """Tell whether it waits for somebody else."""
        return self.gate in WAITING or self.is_full

    @property
    def may_start(self) -> bool:
        """Tell whether the lane itself lets one more delivery start."""
        return (
            self.gate is None
            and len(self.flights) < self.in_flight_max
            and self.has_work
            and (self.batch is None or self.is_gathered or self.fills_batch)
        )

    @property
    def fills_batch(self) -> bool:
        """Tell whether what waits makes a whole batch."""
        assert self.batch is not None
        return (
            len(self.pending) + len(self.ready) >= self.batch.count_max
            or self.pending_bytes >= self.batch_bytes_max
        )

    def turns(self, first: Lane) -> Iterator[Lane]:
        """Give those that may go on once a POST of `first` ended, in turn."""
        yield first

    def parts(self) -> Sequence[Lane]:
        """Give all that is closed with it."""
        return (self,)

    def admitted(self, gate: Gate | None) -> Gate | None:
        """Give the gate for which it really waits."""
        return gate

    def put(self, record: Record) -> Lane:
        """Take a record in; give the lane it waits in."""
        if self.restored and (known := self.restored.get(record.offset())) is not None:
            record = progressed(record, known)
        self.pending.append(record)
        self.pending_bytes += len(record.value() or b"")
        return self

    def take(self) -> Record:
        """Give the next record to be begun."""
        if self.ready:
            return self.ready.popleft()
        self.left += 1
        record = self.pending.popleft()
        self.pending_bytes -= len(record.value() or b"")
        return record

    def answered(self, *, offset: int, duration_ms: float) -> None:
        """Count a POST that ended."""
        del self.flights[offset]
        self.ended += 1
        self.spent_ms += duration_ms
        self.latency_ms += (duration_ms - self.latency_ms) * LATENCY_WEIGHT

    def put_back(self, record: Record) -> None:
        """Let a taken record be the next again."""
        self.ready.appendleft(record)

    def forget(self, *, keep: int, keep_bytes: int) -> int | None:
        """Drop what waits beyond the first few; give the first offset dropped."""
        pending, offset = self.pending, None
        while len(pending) > keep or (len(pending) > 1 and self.pending_bytes > keep_bytes):
            record = pending.pop()
            self.pending_bytes -= len(record.value() or b"")
            offset = record.offset()
            self.left += 1
        return offset


@dataclass(slots=True, eq=False)
class Flight:
    """A delivery that was begun: its record, read, and its POST."""

    lane: Lane
    record: Record
    delivery: Value
    headers: dict[str, int]
    plan: Plan
    started_ms: int = 0
    request: Request | None = None

    @property
    def number(self) -> int:
        """Which attempt of the delivery this is."""
        return self.headers["attempts-made"] + 1

    @property
    def parks(self) -> bool:
        """Tell whether it stays in its lane where it fails, and its key with it."""
        return self.lane.order is not None and self.delivery["key"] is not None


# All that `progress_of` will read once a verdict asks for it: by then it is too late to refuse.
_NUMBERS = frozenset(
    ("attempts-made", "schedule-step", "hops", "spared", "waiting-since", "not-before",
     "first-attempt-at")
)  # fmt: skip
_decode = DeliveryDecoder().decode


def read(record: Record) -> tuple[Value, dict[str, int]]:
    """Read a Delivery record and those of its headers that decide about starting.

    Raises:
        BrokenContract: its bytes are no delivery, or a header is missing or out of range.
    """
    delivery = _decode(record.value())
    headers = {"attempts-made": 0}
    try:
        for name, value in record.headers() or ():
            if name in _NUMBERS:
                number = headers[name] = int(value or b"")
                if not 0 <= number <= _MILLISECONDS_MAX:
                    raise BrokenContract(f"delivery header {name}: {number}")
    except ValueError as error:
        raise BrokenContract(f"delivery headers: {error!r}") from None
    if "waiting-since" not in headers:
        raise BrokenContract("delivery headers: no waiting-since")
    # It becomes a header line of the request.
    if not (delivery["event_id"].isascii() and delivery["event_id"].isidentifier()):
        raise BrokenContract(f"event id {delivery['event_id'][:60]!r}")
    return delivery, headers
