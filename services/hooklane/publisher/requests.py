"""What callers send and get: one event or several, unknown fields refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from hooklane.adapters.events import KEY_BYTES_MAX
from hooklane.adapters.problems import NotJson, TooLarge
from hooklane.domain.errors import BrokenContract, Invalid
from hooklane.domain.metadata import TEXT_LENGTH_MAX, time_of
from hooklane.domain.sources import TENANT_PATTERN
from hooklane.publisher.event_record import About

VERSION_MAX = 2**31 - 1
IDEMPOTENCY_KEY_LENGTH_MAX = 255
EXAMPLE: dict[str, Any] = {
    "type": "order.created",
    "tenant": "acme",
    "data": {"order_id": "o-1001", "total": "49.90"},
    "id": "o-1001",
    "key": "customer-7",
    "time": "2026-01-31T12:00:00Z",
}


def _is_time(text: str) -> str:
    try:
        time_of(text)
    except BrokenContract as error:
        raise ValueError(error.detail.replace("ce_time ", "")) from None
    return text


Text = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX)]


class EventDraft(BaseModel):
    """One event to publish."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [EXAMPLE]}
    )

    event_type: str = Field(
        alias="type", max_length=255, description="Its type, such as order.created."
    )
    values: dict[str, Any] = Field(
        alias="data", description="Its values, as the type's schema has them."
    )
    tenant: str | None = Field(
        None, pattern=TENANT_PATTERN, description="On whose behalf; a tenant's key is its own."
    )
    id: Text | None = Field(
        None, description="Its id at its source: the same id again is the same event."
    )
    source: Text | None = Field(None, description="Who says so (CloudEvents `source`).")
    time: Annotated[str, AfterValidator(_is_time)] | None = Field(
        None, description="When it happened, RFC 3339; else when it is written."
    )
    key: str | None = Field(
        None, min_length=1, max_length=KEY_BYTES_MAX, description="Events of one key stay in order."
    )
    subject: Text | None = Field(
        None, description="What it is about (CloudEvents `subject`); no delivery carries it."
    )
    version: int | None = Field(
        None, ge=1, le=VERSION_MAX, description="The schema's version, else the latest."
    )

    def about(self, *, tenant: str, event_id: str | None) -> About:
        """Say what is said of it beside its values."""
        at: datetime | None = None if self.time is None else time_of(self.time)
        return About(
            tenant=tenant,
            key=self.key,
            version=self.version,
            id=event_id,
            source=self.source,
            time=at,
            subject=self.subject,
        )


class BatchDraft(BaseModel):
    """Several events to publish: all of them, or none."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"events": [EXAMPLE]}]}
    )

    events: list[EventDraft] = Field(min_length=1, description="In the order to write them.")


class IngestedEvent(BaseModel):
    """An event that the brokers have."""

    id: str = Field(description="Receivers' webhook-id.")
    type: str = Field(description="Its type.")
    version: int = Field(description="The version it was written with.")
    tenant: str = Field(description="On whose behalf.")
    source: str = Field(description="Its CloudEvents `source`.")
    id_in_source: str = Field(description="Its id there; drawn if none was sent.")


class Ingested(BaseModel):
    """What was published, in the order it was sent."""

    events: list[IngestedEvent]


def drafts_of(body: bytes, *, events_max: int) -> tuple[list[EventDraft], bool]:
    """Read a body; tell whether it is a batch.

    Raises:
        NotJson: it is not JSON.
        TooLarge: it has more than `events_max` events.
        Invalid: a field is wrong; it is named, in a batch with its index.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotJson(f"the body is not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise Invalid('body: should be an event, or {"events": […]}')
    is_batch = "events" in parsed
    if is_batch and isinstance(parsed["events"], list) and len(parsed["events"]) > events_max:
        raise TooLarge(f"events: {len(parsed['events'])} are more than {events_max}")
    try:
        if is_batch:
            return BatchDraft.model_validate(parsed).events, True
        return [EventDraft.model_validate(parsed)], False
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"{field}: {first['msg']}", field=field) from None


def id_of(draft: EventDraft, *, index: int | None, idempotency_key: str | None) -> str | None:
    """Give an event's id at its source: its own, else what the Idempotency-Key makes it.

    Args:
        draft: the event.
        index: its place in a batch, None for a single event.
        idempotency_key: the header.
    """
    if draft.id is not None or idempotency_key is None:
        return draft.id
    return idempotency_key if index is None else f"{idempotency_key}/{index}"


def idempotency_key_of(header: str | None) -> str | None:
    """Check an Idempotency-Key header.

    Raises:
        Invalid: it is empty, too long, or not of visible ASCII characters.
    """
    if header is None:
        return None
    visible = header.isascii() and header.isprintable()
    if not (visible and 0 < len(header) <= IDEMPOTENCY_KEY_LENGTH_MAX):
        raise Invalid(
            f"Idempotency-Key: should be 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} visible characters",
            field="Idempotency-Key",
        )
    return header
