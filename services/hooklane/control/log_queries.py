"""What callers ask of the log: its lists' parameters, unknown ones refused."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hooklane.adapters.log_store import (
    AttemptFilter,
    DeadLetterFilter,
    PageRequest,
    ReceiptFilter,
)
from hooklane.control.access import Caller
from hooklane.control.answers import read_cursor
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery_state import DeliveryState
from hooklane.domain.errors import Invalid
from hooklane.domain.verdict import Reason

LIMIT_MAX = 500
# Both databases search by trigrams: shorter text would be read for, row by row.
TEXT_MIN, TEXT_MAX = 3, 200
NAME_MAX = 255


class VerdictName(enum.Enum):
    """What followed from an attempt, as its record writes it."""

    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"
    CANCELLED = "cancelled"


def aware(at: datetime) -> datetime:
    """Take a time without an offset for UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def plain(text: str) -> str:
    """Refuse what no database column holds.

    Raises:
        ValueError: the text has a NUL.
    """
    if "\0" in text:
        raise ValueError("has a NUL")
    return text


Name = Annotated[str, Field(max_length=NAME_MAX), AfterValidator(plain)]
Instant = Annotated[datetime, AfterValidator(aware)]
TenantName = Annotated[Name | None, Field(description="Whose; a tenant's key sees its own only.")]
EventId = Annotated[Name | None, Field(description="Of this event.")]
EndpointId = Annotated[Name | None, Field(description="Of this endpoint.")]
TypeName = Annotated[Name | None, Field(description="Of this event type.")]
Since = Annotated[Instant | None, Field(description="Not before this time, RFC 3339.")]
Until = Annotated[Instant | None, Field(description="Before this time, RFC 3339.")]
SearchText = Annotated[
    str,
    Field(min_length=TEXT_MIN, max_length=TEXT_MAX, description="Text in the event's payload."),
    AfterValidator(plain),
]


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=LIMIT_MAX, description="Rows a page.")
    cursor: str | None = Field(None, max_length=500, description="next_cursor of the page before.")

    def page(self) -> PageRequest:
        """Give the page asked for.

        Raises:
            Invalid: the cursor is not one of ours.
        """
        return PageRequest(limit=self.limit, after=read_cursor(self.cursor))


class EventQuery(PageQuery):
    """Which events."""

    tenant: TenantName = None
    type: TypeName = None
    endpoint_id: EndpointId = Field(None, description="Those that this endpoint gets.")
    since: Since = None
    until: Until = None
    q: SearchText | None = None

    def chosen(self, caller: Caller) -> ReceiptFilter:
        """Give the filter, within what the caller may see."""
        return ReceiptFilter(
            tenant=caller.scope(self.tenant, endpoint_id=self.endpoint_id),
            type=self.type,
            endpoint_id=self.endpoint_id,
            since=self.since,
            until=self.until,
            text=self.q,
            events_only=True,
        )


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    tenant: TenantName = None
    endpoint_id: EndpointId = None
    event_id: EventId = None
    type: TypeName = None
    state: DeliveryState | None = Field(None, description="In this state now.")
    since: Since = None
    until: Until = None

    def chosen(self, caller: Caller) -> ReceiptFilter:
        """Give the filter of the receipts they follow from, within what the caller may see."""
        return ReceiptFilter(
            tenant=caller.scope(self.tenant, endpoint_id=self.endpoint_id),
            event_id=self.event_id,
            type=self.type,
            endpoint_id=self.endpoint_id,
            since=self.since,
            until=self.until,
        )


class AttemptQuery(PageQuery):
    """Which attempts."""

    tenant: TenantName = None
    event_id: EventId = None
    endpoint_id: EndpointId = None
    delivery_id: Name | None = Field(None, description="Of this delivery.")
    type: TypeName = None
    outcome: Outcome | None = Field(None, description="That met this.")
    verdict: VerdictName | None = Field(None, description="From which this followed.")
    status: int | None = Field(None, ge=100, le=599, description="Answered with this status.")
    since: Since = None
    until: Until = None
    q: SearchText | None = None

    def chosen(self, caller: Caller) -> AttemptFilter:
        """Give the filter, within what the caller may see."""
        return AttemptFilter(
            tenant=caller.scope(self.tenant, endpoint_id=self.endpoint_id),
            event_id=self.event_id,
            endpoint_id=self.endpoint_id,
            delivery_id=self.delivery_id,
            type=self.type,
            outcome=None if self.outcome is None else self.outcome.value,
            verdict=None if self.verdict is None else self.verdict.value,
            status=self.status,
            since=self.since,
            until=self.until,
            text=self.q,
        )


class DeadLetterQuery(PageQuery):
    """Which dead letters."""

    tenant: TenantName = None
    endpoint_id: EndpointId = None
    type: TypeName = None
    reason: Reason | None = Field(None, description="That died of this.")
    since: Since = None
    until: Until = None

    def chosen(self, caller: Caller) -> DeadLetterFilter:
        """Give the filter, within what the caller may see."""
        return DeadLetterFilter(
            tenant=caller.scope(self.tenant, endpoint_id=self.endpoint_id),
            endpoint_id=self.endpoint_id,
            type=self.type,
            reason=None if self.reason is None else self.reason.value,
            since=self.since,
            until=self.until,
        )


def known_reason(text: str | None) -> str | None:
    """Give the reason, if it is one.

    Raises:
        Invalid: nothing dies of this.
    """
    known = [reason.value for reason in Reason]
    if text is not None and text not in known:
        raise Invalid(f"reason: {text[:40]!r} is none of {', '.join(known)}")
    return text
