"""Reads tiers ahead of what is due, for the endpoints that are released; holds nothing else.

A reader of its own, so that the member's place in the queue, and what it holds there, stay as they
are. Records of others are read and dropped at once: memory is bounded whatever lies between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hooklane.adapters.codec import HEADER_BYTES, codec
from hooklane.adapters.ports import Admin, Reader, Record
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.topics import Partition
from hooklane.retrier.releases import Release
from hooklane.retrier.tiers import TierPartition
from hooklane.retrier.waiting import Waiting, held

READS_MAX = 8
BYTES_MAX = 16 * 1024 * 1024
_HEADER = codec("delivery").header


@dataclass(slots=True, kw_only=True)
class Found:
    """Released deliveries in their order, and how far each release has looked by that.

    Those of `over` met a record that was appended later: they end there.
    """

    waiting: list[Waiting] = field(default_factory=list)
    looked: list[tuple[Partition, Release, int]] = field(default_factory=list)
    over: dict[tuple[Partition, str], int] = field(default_factory=dict)
    size: int = 0


class Ahead:
    """Follows the releases that are under way, all partitions at once."""

    def __init__(self, reader: Reader, admin: Admin, *, read_records_max: int) -> None:
        """Begin with nothing to read."""
        self._reader, self._admin = reader, admin
        self._read_records_max = read_records_max
        # Where the reader is, of what is wanted; and how many partitions it reads.
        self._at: dict[Partition, int] = {}
        self._read_count = 0
        # Something came in the last round: there may be more.
        self.is_busy = False

    @property
    def is_idle(self) -> bool:
        """Tell whether no release is under way."""
        return not self._at

    def read(
        self, assigned: Mapping[Partition, TierPartition], *, now: datetime, count_max: int
    ) -> Found:
        """Read on a little for every release that is under way.

        Raises:
            Unavailable: the brokers can't be reached.
        """
        found, active = Found(), self._active(assigned, now)
        self._go_to({p: min(r.up_to for r in own) for p, own in active.items()})
        self.is_busy = False
        try:
            for _ in range(READS_MAX if active else 0):
                records = self._reader.read(self._read_records_max, timeout=timedelta(0))
                self.is_busy = bool(records)
                for record in records:
                    partition = Partition(record.topic(), record.partition())
                    if partition in active:
                        self._look(record, assigned[partition], active[partition], found)
                if not records or len(found.waiting) >= count_max or found.size >= BYTES_MAX:
                    break
            self._at = {partition: self._reader.position(partition) for partition in active}
        except Unavailable:
            # What was read is not looked at: begin again where the releases are.
            self._at = {}
            raise
        for partition, own in active.items():
            for release in own:
                end = found.over.get((partition, release.endpoint_id), self._at[partition])
                found.looked.append((partition, release, max(end, release.up_to)))
        return found

    def _active(
        self, assigned: Mapping[Partition, TierPartition], now: datetime
    ) -> dict[Partition, list[Release]]:
        active = {
            partition: own
            for partition, tier in assigned.items()
            if tier.releases and (own := list(tier.releases.under_way(now)))
        }
        self._note_ends(active)
        for partition, own in list(active.items()):
            active[partition] = [release for release in own if not release.is_done]
        return {partition: own for partition, own in active.items() if own}

    def _note_ends(self, active: Mapping[Partition, Iterable[Release]]) -> None:
        """Learn where the logs end, past open transactions: what is covered lies before that."""
        unknown = [p for p, own in active.items() if any(r.end is None for r in own)]
        ends = self._admin.log_ends(unknown) if unknown else {}
        for partition in unknown:
            for release in active[partition]:
                if release.end is None and partition in ends:
                    release.end = ends[partition]
                if release.end is not None and release.up_to >= release.end:
                    release.is_done = True

    def _go_to(self, starts: dict[Partition, int]) -> None:
        is_there = all(self._at.get(partition) == start for partition, start in starts.items())
        # A new start throws away what was fetched ahead: not for every partition that is done.
        if not is_there or self._read_count > 2 * len(starts):
            self._at = {}
            self._reader.start(starts)
            self._read_count = len(starts)
        self._at = starts

    def _look(
        self, record: Record, tier: TierPartition, own: Iterable[Release], found: Found
    ) -> None:
        offset, appended_ms = record.offset(), record.timestamp()[1]
        partition = Partition(record.topic(), record.partition())
        for release in own:
            if appended_ms > release.cutoff_ms and offset >= release.up_to:
                found.over.setdefault((partition, release.endpoint_id), offset)
        endpoint_id = endpoint_id_of(record.value())
        for release in _of(own, endpoint_id):
            if offset < release.up_to or (partition, endpoint_id) in found.over:
                continue
            item = held(record, tier=tier.tier)
            # What can't be read is set aside in its turn.
            if isinstance(item, Waiting):
                found.waiting.append(replace(item, released=True))
                found.size += len(item.value)


def advance(
    found: Found,
    settled: Iterable[Waiting],
    *,
    stays: Mapping[tuple[Partition, str], tuple[int, datetime]],
) -> None:
    """Move releases past what they looked at; what follows is theirs to be written.

    Args:
        found: what `Ahead.read` gave.
        settled: those of it that are finished with this.
        stays: the first of a release that can't go yet, and until when.
    """
    copied: dict[tuple[Partition, str], list[int]] = defaultdict(list)
    for waiting in settled:
        copied[waiting.place.partition, waiting.endpoint_id].append(waiting.place.offset)
    for partition, release, looked_to in found.looked:
        line, up_to = (partition, release.endpoint_id), looked_to
        if line in stays:
            up_to, release.rests_until = stays[line]
        release.advance(up_to, copied=copied[line])
        if line in found.over and line not in stays:
            release.is_done = True


def _of(own: Iterable[Release], endpoint_id: str | None) -> Iterator[Release]:
    return (release for release in own if release.endpoint_id == endpoint_id)


def endpoint_id_of(value: bytes | None) -> str | None:
    """Give whose a Delivery record is without reading all of it; None where it is no such record.

    Its header is followed by two short texts: the delivery's id and the endpoint's, each after
    the double of its length (Avro).
    """
    if value is None:
        return None
    if value.startswith(_HEADER) and len(value) > HEADER_BYTES:
        at = HEADER_BYTES + 1 + (value[HEADER_BYTES] >> 1)
        if value[HEADER_BYTES] < 0x80 and at < len(value) and value[at] < 0x80:
            text = value[at + 1 : at + 1 + (value[at] >> 1)]
            return text.decode(errors="replace")
    try:
        return str(codec("delivery").decode(value)["endpoint_id"])
    except BrokenContract:
        return None
