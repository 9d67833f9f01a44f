"""What the API answers of the log: attempts, dead letters, events and deliveries."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hooklane.adapters.log_store import Row
from hooklane.control.answers import rfc3339, shown_time
from hooklane.control.deliveries import Found
from hooklane.control.log_examples import ATTEMPT, CURSOR, DEAD, DELIVERY, EVENT, SENT
from hooklane.domain.retry import format_delay

# A time beyond the calendar is shown as its number.
Time = str | int


def _example(value: Mapping[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [dict(value)]})


class Listed(BaseModel):
    """One page of a list; ask for the next with `cursor`."""

    next_cursor: str | None = Field(None, description="Null at the list's end.")


class SourceAnswer(BaseModel):
    """Where an event lies in its producer's topic."""

    topic: str
    partition: int
    offset: int


class EventAnswer(BaseModel):
    """An event, as its receipt tells of it."""

    model_config = _example(EVENT)

    id: str = Field(description="Also the receivers' webhook-id.")
    tenant: str
    type: str
    version: int
    event_time: Time
    received_at: Time = Field(description="When it was matched.")
    source: SourceAnswer
    matched_count: int = Field(description="How many endpoints get it; of a large fan-out's part.")


class EventPage(Listed):
    """Events, newest first."""

    model_config = _example({"items": [EVENT], **CURSOR})

    items: list[EventAnswer]


class RefusedAnswer(BaseModel):
    """An endpoint whose pattern fits and which does not get it."""

    endpoint_id: str
    reason: str


class EventDetail(EventAnswer):
    """An event with its payload, its receipt, and what became of its deliveries."""

    model_config = _example(
        EVENT
        | {
            "key": "order-17",
            "table_offset": 42,
            "matched": ["ep_abcdefghijklmnopqrstuvwxyz"],
            "refused": [],
            "deliveries": {"waiting": 1},
            "payload": '{"id":"evt_abcdefghijklmnopqrstuvwxyz"}',
            "payload_base64": None,
        }
    )

    key: str | None = Field(description="The producer's record key, as far as it is text.")
    table_offset: int = Field(description="How far the endpoint table was when it was matched.")
    matched: list[str] = Field(description="The endpoints that get it.")
    refused: list[RefusedAnswer]
    deliveries: dict[str, int] = Field(description="How many are in which state.")
    payload: str | None = Field(description="Null where nothing matched or it was let go.")
    payload_base64: str | None = Field(None, description="Instead, of a payload that is no text.")


class DeliveryAnswer(BaseModel):
    """A delivery, and where it is now by what is recorded."""

    model_config = _example(DELIVERY)

    id: str
    event_id: str
    endpoint_id: str
    tenant: str
    type: str
    version: int
    trigger: str = Field(description="event, resend, replay or probe.")
    command_id: str = Field(description="The command that asked for it; empty for an event.")
    state: str = Field(description="in_lane, held, waiting, delivered, dead or cancelled.")
    tier: str | None = Field(description="The retry tier it waits in.")
    due_at: Time | None = Field(description="Not attempted again before.")
    reason: str = Field(description="Why dead or cancelled.")
    attempts: int = Field(description="The newest attempt's number, 0 before the first.")
    last_attempt_at: Time | None
    received_at: Time | None = Field(description="When it was matched; null if long ago.")


class DeliveryPage(Listed):
    """Deliveries, newest first; a page may be short, its end is where next_cursor is null."""

    model_config = _example({"items": [DELIVERY], **CURSOR})

    items: list[DeliveryAnswer]


class TimingsAnswer(BaseModel):
    """Milliseconds from an attempt's start; null for what did not happen."""

    dns_ms: int | None
    connect_ms: int | None
    tls_ms: int | None
    first_byte_ms: int | None
    total_ms: int | None


class AttemptAnswer(BaseModel):
    """One HTTP request of a delivery, or (number 0) what befell it without one."""

    model_config = _example(ATTEMPT)

    attempt_id: str
    delivery_id: str
    event_id: str
    endpoint_id: str
    tenant: str
    type: str
    version: int
    trigger: str
    number: int
    started_at: Time
    timings: TimingsAnswer
    outcome: str
    status: int | None
    error: str
    response_headers: list[list[str]]
    response_body: str = Field(description="At most the first 16 KiB, while it is kept.")
    verdict: str
    tier: str | None
    due_at: Time | None
    reason: str


class AttemptPage(Listed):
    """Attempts, newest first."""

    model_config = _example({"items": [ATTEMPT], **CURSOR})

    items: list[AttemptAnswer]


class AttemptDetail(AttemptAnswer):
    """An attempt, and what was sent with it but for secrets."""

    model_config = _example(ATTEMPT | {"request_headers": SENT, "custom_header_names": ["X-Team"]})

    request_headers: dict[str, str] = Field(description="Ours, without the signature.")
    custom_header_names: list[str] = Field(description="The endpoint's own now, without values.")


class DeadLetterAnswer(BaseModel):
    """A delivery that is dead and was not redriven."""

    model_config = _example(DEAD)

    delivery_id: str
    endpoint_id: str
    event_id: str
    tenant: str
    type: str
    version: int
    trigger: str
    command_id: str
    event_time: Time
    content_type: str
    reason: str
    attempts_made: int
    last_outcome: str
    first_attempt_at: Time | None
    waiting_since: Time
    died_at: Time
    partition: int
    offset: int


class DeadLetterPage(Listed):
    """Dead letters, newest first."""

    model_config = _example({"items": [DEAD], **CURSOR})

    items: list[DeadLetterAnswer]


class DeadLetterDetail(DeadLetterAnswer):
    """A dead letter with the bytes that were signed."""

    model_config = _example(DEAD | {"payload": '{"n":1}', "payload_base64": None})

    payload: str | None
    payload_base64: str | None = Field(None, description="Instead, of a payload that is no text.")


def event_answer(receipt: Row) -> Row:
    """Show an event by its receipt."""
    return {
        "id": receipt["event_id"],
        "tenant": receipt["tenant"],
        "type": receipt["type"],
        "version": receipt["version"],
        "event_time": shown_time(receipt["event_time"]),
        "received_at": shown_time(receipt["received_at"]),
        "source": {
            "topic": receipt["source_topic"],
            "partition": receipt["source_partition"],
            "offset": receipt["source_offset"],
        },
        "matched_count": receipt["matched_count"],
    }


def event_detail(receipts: Sequence[Row], deliveries: Mapping[str, int]) -> Row:
    """Show an event by all its receipts, the first of them its own."""
    own = [row for row in receipts if row["trigger"] == "event"] or list(receipts[:1])
    first, key = own[0], own[0]["record_key"]
    matched = [endpoint_id for row in own for endpoint_id in row["matched"]]
    payloads = [row["payload"] for row in receipts if row["payload"] is not None]
    return {
        **event_answer(first),
        "matched_count": len(matched),
        "key": None if key is None else bytes(key).decode(errors="replace"),
        "table_offset": first["table_offset"],
        "matched": matched,
        "refused": [refused for row in own for refused in row["refused"]],
        "deliveries": dict(deliveries),
        **payload_answer(bytes(payloads[0]) if payloads else None),
    }


def delivery_answer(found: Found) -> Row:
    """Show a delivery."""
    receipt, now, last = found.receipt, found.standing, found.last_attempt
    return {
        "id": found.obligation.delivery_id,
        "event_id": receipt["event_id"],
        "endpoint_id": found.obligation.endpoint_id,
        "tenant": receipt["tenant"],
        "type": receipt["type"],
        "version": receipt["version"],
        "trigger": receipt["trigger"],
        "command_id": receipt["command_id"],
        "state": now.state.value,
        "tier": None if now.tier is None else format_delay(now.tier),
        "due_at": None if now.due_at is None else rfc3339(now.due_at),
        "reason": now.reason,
        "attempts": 0 if last is None else last["number"],
        "last_attempt_at": None if last is None else shown_time(last["started_at"]),
        "received_at": shown_time(receipt["received_at"]) if receipt["received_at"] else None,
    }


def sent_headers(attempt: Row) -> dict[str, str]:
    """Give our own headers of an attempt, but for its signature; none of one without a request."""
    if not attempt["number"]:
        return {}
    return {
        "webhook-id": attempt["event_id"],
        "webhook-timestamp": str(attempt["started_at"] // 1000),
        "X-Webhook-Version": str(attempt["version"]),
    }


def payload_answer(payload: bytes | None) -> dict[str, str | None]:
    """Show a payload as text, else in base64, so that nothing is lost in showing it."""
    if payload is None:
        return {"payload": None}
    try:
        return {"payload": payload.decode()}
    except UnicodeDecodeError:
        return {"payload": None, "payload_base64": base64.b64encode(payload).decode()}
