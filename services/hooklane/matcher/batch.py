"""What one transaction will hold: decided before it is opened, bounded by count and bytes.

An event that no transaction holds is in several batches, in each with a part: only the last one
brings its partition past it, those before tell how far it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hooklane.adapters.ports import Record
from hooklane.domain.errors import BrokenContract
from hooklane.domain.event import Event
from hooklane.domain.matching import Match
from hooklane.domain.parts import Begun, Room
from hooklane.domain.topics import Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one transaction may hold."""

    records_max: int
    bytes_max: int
    # How many events; fewer while one of them is under suspicion.
    events_max: int

    @property
    def room(self) -> Room:
        """What it may hold of one event."""
        return Room(records_max=self.records_max, bytes_max=self.bytes_max)


@dataclass(slots=True)
class Batch:
    """Events with who gets them, records to set aside, and how far that brings each partition."""

    limits: Limits
    events: list[tuple[Event, Match]] = field(default_factory=list)
    rejected: list[tuple[Record, BrokenContract]] = field(default_factory=list)
    done: dict[Partition, int] = field(default_factory=dict)
    # The event that is done in part, by partition: where that one goes on within it.
    begun: dict[Partition, Begun] = field(default_factory=dict)
    # Behind the last record that it has something of, by partition.
    reached: dict[Partition, int] = field(default_factory=dict)
    appended_ms: list[int] = field(default_factory=list)
    records_count: int = 0
    bytes_count: int = 0

    def has_room(self, event: Event, match: Match) -> bool:
        """Tell whether the event fits; the first always does."""
        if not self.reached:
            return True
        limits, copies = self.limits, len(match.matched) + 1
        return (
            self.records_count + copies <= limits.records_max
            and self.bytes_count + copies * len(event.payload) <= limits.bytes_max
        )

    @property
    def is_full(self) -> bool:
        """Tell whether no event more can be added."""
        return (
            bool(self.begun)
            or len(self.appended_ms) >= self.limits.events_max
            or self.records_count >= self.limits.records_max
            or self.bytes_count >= self.limits.bytes_max
        )

    def add(
        self,
        record: Record,
        partition: Partition,
        *,
        event: Event,
        match: Match,
        begun: Begun | None = None,
    ) -> None:
        """Add an event, or a part of one: after one that is not its last nothing follows."""
        copies = len(match.matched) + 1
        self.events.append((event, match))
        self.records_count += copies
        self.bytes_count += copies * len(event.payload)
        if begun is None:
            self._count(record, partition)
            return
        self.begun[partition] = begun
        self.done[partition], self.reached[partition] = record.offset(), record.offset() + 1

    def reject(self, record: Record, partition: Partition, *, error: BrokenContract) -> None:
        """Add a record that is no event."""
        self.rejected.append((record, error))
        self.records_count += 1
        self.bytes_count += len(record.value() or b"")
        self._count(record, partition)

    @property
    def first(self) -> tuple[Partition, int]:
        """The record that is to blame where it holds only one."""
        partition, end = next(iter(self.reached.items()))
        return partition, end - 1

    def _count(self, record: Record, partition: Partition) -> None:
        self.done[partition] = self.reached[partition] = record.offset() + 1
        self.appended_ms.append(record.timestamp()[1])
