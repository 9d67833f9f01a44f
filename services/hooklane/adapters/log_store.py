"""What the control plane asks of the log in SQL: receipts, attempts, dead letters, counts.

Lists are newest first and go on after a (time, id) cursor, so that a page stays right while rows
arrive. Any call may raise Unavailable: the database is away, or took longer than reads may take.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

# A listing goes on after this (time, id).
Cursor = tuple[int, str]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """At most `limit` rows after the cursor (`inclusive`: from its own row on).

    They come oldest or newest first by the listing.
    """

    limit: int
    after: Cursor | None = None
    inclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFilter:
    """Which attempts to list; every field that is set must fit, `text` the event's payload."""

    tenant: str | None = None
    event_id: str | None = None
    endpoint_id: str | None = None
    delivery_id: str | None = None
    type: str | None = None
    outcome: str | None = None
    verdict: str | None = None
    status: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Which dead letters to list or count; those already redriven are left out."""

    tenant: str | None = None
    endpoint_id: str | None = None
    type: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    delivery_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFilter:
    """Which receipts to list; `endpoint_id` is one that gets the event, `text` is in its payload.

    `events_only` leaves out resends, replays and, unless `parts`, later parts: one an event.
    """

    tenant: str | None = None
    event_id: str | None = None
    type: str | None = None
    endpoint_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    events_only: bool = False
    parts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsQuery:
    """Which attempts to count, in buckets of `width` from the epoch on."""

    since: datetime
    until: datetime
    width: timedelta
    tenant: str | None = None
    endpoint_id: str | None = None
    type: str | None = None


class LogStore(Protocol):
    """What was recorded, as the control plane reads it."""

    def receipts(self, chosen: ReceiptFilter, page: PageRequest) -> list[Row]:
        """List receipts, newest first, without their payloads."""

    def receipts_of(self, event_id: str, *, limit: int) -> list[Row]:
        """Give an event's receipts with their payloads, the oldest first."""

    def attempts(self, chosen: AttemptFilter, page: PageRequest) -> list[Row]:
        """List attempts, newest first."""

    def attempt(self, attempt_id: str) -> Row:
        """Give an attempt.

        Raises:
            NotFound: there is none.
        """

    def last_attempts(self, delivery_ids: Collection[str], *, since: datetime) -> list[Row]:
        """Give the newest attempt of each delivery, of those that started since."""

    def count_waiting(self, endpoint_id: str, *, now: datetime) -> int:
        """Count an endpoint's deliveries whose newest attempt says retry, and are not due."""

    def dead_letters(self, chosen: DeadLetterFilter, page: PageRequest) -> list[Row]:
        """List dead letters, newest first."""

    def dead_letter(self, delivery_id: str) -> Row:
        """Give a dead letter with its payload.

        Raises:
            NotFound: there is none, or it was redriven.
        """

    def dead_letter_marks(self, delivery_ids: Collection[str]) -> list[Row]:
        """Give when these died and were redriven, of those that ever died."""

    def count_dead_letters(self, chosen: DeadLetterFilter) -> int:
        """Count dead letters."""

    def dead_letters_by_reason(self) -> dict[str, int]:
        """Count dead letters, by reason."""

    def endpoint_states(self, endpoint_ids: Collection[str]) -> dict[str, str]:
        """Give the state of each of these endpoints that exists."""

    def attempt_counts(self, query: StatsQuery) -> list[Row]:
        """Count attempts by bucket (unix ms of its start), outcome and verdict."""

    def attempt_times(self, query: StatsQuery) -> list[Row]:
        """Give p50 and p95 of the attempts' whole time in ms, by bucket."""
