"""What the API answers: models for its description, and how they are made from what is kept."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hooklane.adapters.store import Cursor, KeptEndpoint, Row, Tenant
from hooklane.control.batches import shown_batch
from hooklane.control.board import LaneFlow
from hooklane.control.requests import BatchDraft
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.errors import BrokenContract, Invalid
from hooklane.domain.retry import format_delay


class TenantAnswer(BaseModel):
    """A tenant."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "acme", "created_at": "2026-03-01T08:00:00.000Z"}]}
    )

    name: str
    created_at: str
    uid: str | None = None


class FlowAnswer(BaseModel):
    """How an endpoint's deliveries flow while they flow less than they may."""

    state: str = Field(
        description="broken (its breaker is open), half_open (one trial), held (Retry-After), "
        "throttled (its rate), limited (fewer open POSTs than it may have)."
    )
    in_flight_limit: int = Field(description="How many POSTs it may have open now.")
    until: str | None = Field(None, description="When it is tried again, where that is known.")


class EndpointAnswer(BaseModel):
    """An endpoint's newest revision."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "ep_abcdefghijklmnopqrstuvwxyz",
                    "tenant": "acme",
                    "revision": 1,
                    "state": "active",
                    "state_reason": "",
                    "effective": True,
                    "url": "https://hooks.example.com/orders",
                    "subscription": ["order.*"],
                    "header_names": ["X-Team"],
                    "timeout_ms": 15000,
                    "retry_schedule": ["5s", "5m", "30m"],
                    "order": "none",
                    "lane": "dedicated",
                    "pinned": False,
                    "batch": {"count_max": 100, "wait_ms": 500},
                    "rate_per_s": 50,
                    "in_flight_max": 16,
                    "flow": {
                        "state": "broken",
                        "in_flight_limit": 1,
                        "until": "2026-03-01T08:00:04.000Z",
                    },
                    "created_at": "2026-03-01T08:00:00.000Z",
                    "updated_at": "2026-03-01T08:00:00.000Z",
                    "uid": "orders-1",
                    "description": "Orders to the warehouse",
                    "metadata": {"team": "billing"},
                    "older_secrets_until": [],
                    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                }
            ]
        }
    )

    id: str
    tenant: str
    revision: int = Field(description="Also the ETag, to be sent back as If-Match.")
    state: str = Field(description="active, paused, disabled or deleted.")
    state_reason: str = Field(description="Why it is in this state, where there is a reason.")
    effective: bool = Field(description="Whether every event appended from now on sees it.")
    url: str
    subscription: list[str]
    header_names: list[str] = Field(description="Their values are not shown.")
    timeout_ms: int
    retry_schedule: list[str]
    order: str
    lane: str = Field(description="dedicated, pool, or empty where it has none any more.")
    pinned: bool = Field(default=False, description="Whether its lane was chosen by hand.")
    batch: BatchDraft | None = Field(None, description="Null: each payload has its own POST.")
    rate_per_s: int | None = Field(None, description="Null: as many POSTs a second as go.")
    in_flight_max: int | None = Field(None, description="Null: the deployment's limit.")
    flow: FlowAnswer | None = Field(
        None, description="Null: nothing narrows it. At most a few seconds old."
    )
    created_at: str
    updated_at: str
    deleted_at: str | None = None
    uid: str | None = None
    description: str = ""
    metadata: dict[str, str] = Field(default_factory=dict)
    older_secrets_until: list[str] = Field(
        default_factory=list, description="When secrets that sign beside the newest end."
    )
    secret: str | None = Field(None, description="Only in the answer that created it.")


class Page(BaseModel):
    """One page of a list; ask for the next with `cursor`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [{"name": "acme", "created_at": "2026-03-01T08:00:00.000Z"}],
                    "next_cursor": "MTc3MjM1MjAwMDAwMDphY21l",
                }
            ]
        }
    )

    items: list[dict[str, Any]]
    next_cursor: str | None = Field(None, description="Absent at the list's end.")


class CommandAnswer(BaseModel):
    """What was asked of the data plane."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"command_id": "cmd_abcdefghijklmnopqrstuvwxyz", "count": 12, "dry_run": False}
            ]
        }
    )

    command_id: str | None = Field(description="Null for a dry run.")
    count: int = Field(description="How many it concerns, by what is recorded now.")
    dry_run: bool = False


def tenant_answer(tenant: Tenant) -> TenantAnswer:
    """Show a tenant."""
    return TenantAnswer(name=tenant.name, created_at=rfc3339(tenant.created_at), uid=tenant.uid)


def endpoint_answer(
    kept: KeptEndpoint,
    *,
    effective: bool,
    header_names: list[str],
    secret: str | None = None,
    flow: LaneFlow | None = None,
) -> EndpointAnswer:
    """Show an endpoint."""
    endpoint = kept.endpoint
    return EndpointAnswer(
        id=endpoint.endpoint_id,
        tenant=endpoint.tenant,
        revision=endpoint.revision,
        state=endpoint.state.value,
        state_reason=endpoint.state_reason,
        effective=effective,
        url=endpoint.url,
        subscription=list(endpoint.subscription.patterns),
        header_names=header_names,
        timeout_ms=int(endpoint.timeout.total_seconds() * 1000),
        retry_schedule=[format_delay(delay) for delay in endpoint.retry_schedule],
        order=endpoint.order.value,
        lane=_lane(kept),
        pinned=kept.note.pinned,
        batch=shown_batch(endpoint.batch),
        rate_per_s=endpoint.rate_per_s,
        in_flight_max=endpoint.in_flight_max,
        flow=None if flow is None else flow_answer(flow),
        created_at=rfc3339(kept.created_at),
        updated_at=rfc3339(kept.updated_at),
        deleted_at=None if kept.deleted_at is None else rfc3339(kept.deleted_at),
        uid=kept.note.uid,
        description=kept.note.description,
        metadata=dict(kept.note.metadata),
        older_secrets_until=[
            rfc3339(old.valid_until) for old in endpoint.secrets if old.valid_until is not None
        ],
        secret=secret,
    )


def _lane(kept: KeptEndpoint) -> str:
    if kept.endpoint.placement is None:
        return ""
    return "pool" if kept.lane_topic is None else "dedicated"


def flow_answer(flow: LaneFlow) -> FlowAnswer:
    """Show what narrows an endpoint's flow."""
    until = None if flow.until is None else rfc3339(flow.until)
    return FlowAnswer(state=flow.state, in_flight_limit=flow.in_flight_limit, until=until)


_ATTEMPT_TIMES = ("started_at", "due_at")
_DEAD_TIMES = ("event_time", "first_attempt_at", "waiting_since", "died_at")
_TIMINGS = ("dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms")


def attempt_answer(row: Row) -> Row:
    """Show an attempt; a body that is no text is shown as far as it is."""
    shown = _timed(row, _ATTEMPT_TIMES)
    shown["timings"] = {name: shown.pop(name) for name in _TIMINGS}
    shown["response_headers"] = json.loads(row["response_headers"])
    shown["response_body"] = bytes(row["response_body"]).decode(errors="replace")
    tier_s = shown.pop("tier_s")
    shown["tier"] = None if tier_s is None else f"{tier_s}s"
    return shown


def dead_letter_answer(row: Row) -> Row:
    """Show a dead letter, with its payload where the row has it."""
    shown = _timed(row, _DEAD_TIMES)
    shown.pop("redriven_at", None)
    shown["offset"] = shown.pop("record_offset")
    if "payload" in shown:
        payload = bytes(row["payload"])
        try:
            shown["payload"] = payload.decode()
        except UnicodeDecodeError:
            shown["payload"] = None
            shown["payload_base64"] = base64.b64encode(payload).decode()
    return shown


def rfc3339(at: datetime) -> str:
    """Write an instant in milliseconds, as `2026-03-01T08:00:00.000Z`."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_cursor(cursor: Cursor) -> str:
    """Write a cursor; its form is nobody's business but ours."""
    at, last = cursor
    return base64.urlsafe_b64encode(f"{at}:{last}".encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> Cursor | None:
    """Read a cursor.

    Raises:
        Invalid: it is not one we wrote.
    """
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        at, _, last = base64.urlsafe_b64decode(padded).decode().partition(":")
        return to_ms(from_ms(int(at))), last
    except (ValueError, BrokenContract):
        raise Invalid("cursor: is not one that a list gave") from None


def cursor_of(at: datetime, last: str) -> Cursor:
    """Give the cursor after a row."""
    return to_ms(at), last


def _timed(row: Row, names: tuple[str, ...]) -> Row:
    shown = dict(row)
    for name in names:
        if shown.get(name) is not None:
            shown[name] = shown_time(shown[name])
    return shown


def shown_time(milliseconds: int) -> str | int:
    """Write unix milliseconds as RFC 3339; those beyond the calendar stay a number."""
    try:
        return rfc3339(from_ms(milliseconds))
    except BrokenContract:
        return milliseconds
