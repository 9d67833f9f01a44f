"""What control asks of SQL for endpoints' health and the operational events that it owes.

Attempts are taken in with the offsets they stand at, in one transaction; an operational event is
written with the change it tells of, waits until the registry gave its schema an id, and then moves
to the outbox, in one transaction too: so each is told exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from hooklane.domain.delivery import Headers
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.guard import Reach
from hooklane.domain.health import Health
from hooklane.domain.operational import OperationalEvent

if TYPE_CHECKING:  # that module tells this one's names on
    from hooklane.adapters.store import OffsetMove


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An endpoint that is not deleted, and what is known of its health."""

    revision: int
    state: EndpointState
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is known of an endpoint now, and what there is to tell."""

    health: Health
    events: Sequence[OperationalEvent] = ()


# Judges the endpoints that are there, by id.
Observe = Callable[[Mapping[str, Watched]], Sequence[Observation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedEvent:
    """An operational event that waits for its record; `number` grows in the order of writing."""

    number: int
    event: OperationalEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenEvent:
    """The record of an owed event, ready for the outbox."""

    owed: OwedEvent
    value: bytes
    headers: Headers = field(default_factory=list)


class HealthStore(Protocol):
    """What health and operational events ask of SQL."""

    def observe(
        self,
        endpoint_ids: Collection[str],
        judge: Observe,
        *,
        at: datetime,
        moves: Sequence[OffsetMove] = (),
        reader: str = "",
    ) -> None:
        """Judge these endpoints, keep what is known of them then, and owe what there is to tell.

        Raises:
            LostRace: an offset was not where it was expected; nothing was written.
        """

    def health(self, endpoint_id: str) -> Health | None:
        """Give what is known of an endpoint, None before its first attempt."""

    def silenced(self, *, before: datetime, limit: int) -> list[str]:
        """Give endpoints whose minute of untold dead deliveries began at or before then."""

    def reach(self, *, since: datetime) -> Reach:
        """Count the endpoints attempted since then, and those of them that succeeded."""

    def failing_count(self) -> int:
        """Count endpoints that are failing."""

    def owed_events(self, limit: int, *, event_types: Collection[str]) -> list[OwedEvent]:
        """Give the oldest operational events of these types that wait for their record."""

    def owed_events_count(self) -> int:
        """Count operational events that wait for their record."""

    def write_events(self, written: Sequence[WrittenEvent], *, topic: str, at: datetime) -> int:
        """Move events to the outbox; those that another process moved are passed. Give how many."""

    def forget_owed_events(self, *, before: datetime) -> int:
        """Drop events older than their topic would keep them; give how many."""
