"""A record of a tier as the retrier holds it: what it is, and when something follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hooklane.adapters.codec import Value, codec
from hooklane.adapters.ports import Record
from hooklane.domain.delivery import Headers, Progress, from_ms, progress_of
from hooklane.domain.errors import BrokenContract
from hooklane.domain.retry import SLACK
from hooklane.domain.topics import Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record lies."""

    partition: Partition
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A delivery that waits; `delivery` is its value without the payload.

    `tier_over_at` is its append plus its tier's delay: from then on the tier queue hands it out.
    Once it is released it is due at once.
    """

    place: Place
    value: bytes
    headers: Headers
    progress: Progress
    delivery: Value
    tier_over_at: datetime
    appended_ms: int = 0
    released: bool = False

    @property
    def due_at(self) -> datetime:
        """Not to be attempted before."""
        return self.progress.not_before or self.tier_over_at

    @property
    def wakes_at(self) -> datetime:
        """When it is copied, or hops because it is due long after its tier is over."""
        return self.tier_over_at if self.due_at > self.tier_over_at + SLACK else self.due_at

    @property
    def endpoint_id(self) -> str:
        """Whose it is."""
        return str(self.delivery["endpoint_id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that is no delivery, and why."""

    place: Place
    record: Record
    error: BrokenContract
    # Such records take their turn like an endpoint's.
    endpoint_id: str = ""

    @property
    def value(self) -> bytes:
        """Its bytes."""
        return self.record.value() or b""


Held = Waiting | Unreadable


def tier_over_at(record: Record, tier: timedelta) -> datetime:
    """Tell when the record's tier hands it out: never decreasing within a partition."""
    return from_ms(record.timestamp()[1]) + tier


def held(record: Record, *, tier: timedelta) -> Held:
    """Read a tier's record; whatever it is, it is held and its turn comes."""
    place = Place(
        partition=Partition(record.topic(), record.partition()),
        offset=record.offset(),
    )
    value = record.value() or b""
    try:
        progress = progress_of(record.headers())
        delivery = codec("delivery").decode(value)
    except BrokenContract as error:
        return Unreadable(place=place, record=record, error=error)
    del delivery["payload"]
    return Waiting(
        place=place,
        value=value,
        headers=[(name, text) for name, text in record.headers() or () if text is not None],
        progress=progress,
        delivery=delivery,
        tier_over_at=tier_over_at(record, tier),
        appended_ms=record.timestamp()[1],
    )
