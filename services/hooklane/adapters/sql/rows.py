"""Between table rows and the values of `adapters.store`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from hooklane.adapters.records import batch_of, batch_value
from hooklane.adapters.store import EndpointNote, KeptEndpoint, KeptKey, OutboxRow, Tenant
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.endpoint import (
    Endpoint,
    EndpointState,
    Order,
    Placement,
    SealedHeaders,
    SealedSecret,
)
from hooklane.domain.subscription import Subscription

Columns = dict[str, Any]


def columns_of(endpoint: Endpoint) -> Columns:
    """Give the columns that hold a revision."""
    placement = endpoint.placement
    return {
        "endpoint_id": endpoint.endpoint_id,
        "tenant": endpoint.tenant,
        "revision": endpoint.revision,
        "state": endpoint.state.value,
        "state_reason": endpoint.state_reason,
        "url": endpoint.url,
        "patterns": list(endpoint.subscription.patterns),
        "secrets": [_from_secret(secret) for secret in endpoint.secrets],
        "headers": _from_headers(endpoint.sealed_headers),
        "timeout_ms": endpoint.timeout // timedelta(milliseconds=1),
        "retry_schedule_s": [int(delay.total_seconds()) for delay in endpoint.retry_schedule],
        "event_order": endpoint.order.value,
        "in_flight_max": endpoint.in_flight_max,
        "rate_per_s": endpoint.rate_per_s,
        "batch": batch_value(endpoint.batch),
        "placement": placement and asdict(placement),
        "former": [asdict(lane) for lane in endpoint.former],
    }


def endpoint_of(row: Mapping[Any, Any]) -> Endpoint:
    """Build the revision a row holds."""
    placement = row["placement"]
    return Endpoint(
        endpoint_id=row["endpoint_id"],
        tenant=row["tenant"],
        revision=row["revision"],
        state=EndpointState(row["state"]),
        state_reason=row["state_reason"],
        url=row["url"],
        subscription=Subscription(patterns=tuple(row["patterns"])),
        secrets=tuple(_to_secret(secret) for secret in row["secrets"]),
        sealed_headers=_to_headers(row["headers"]),
        timeout=timedelta(milliseconds=row["timeout_ms"]),
        retry_schedule=tuple(timedelta(seconds=s) for s in row["retry_schedule_s"]),
        order=Order(row["event_order"]),
        in_flight_max=row["in_flight_max"],
        rate_per_s=row["rate_per_s"],
        batch=batch_of(row["batch"]),
        placement=placement and Placement(**placement),
        former=tuple(Placement(**lane) for lane in row["former"]),
    )


def kept_of(row: Mapping[Any, Any]) -> KeptEndpoint:
    """Build an endpoint with what SQL knows beside its revision."""
    return KeptEndpoint(
        endpoint=endpoint_of(row),
        created_at=from_ms(row["created_at"]),
        updated_at=from_ms(row["updated_at"]),
        deleted_at=time_of(row["deleted_at"]),
        announced_revision=row["announced_revision"],
        announced_offset=row["announced_offset"],
        lane_topic=row["lane_topic"],
        lanes_left=tuple(row["lanes_left"]),
        note=EndpointNote(
            uid=row["uid"],
            description=row["description"],
            metadata=row["metadata"],
            draft=_to_headers(row["draft"]),
            pinned=bool(row["pinned"]),
        ),
    )


def note_columns(note: EndpointNote) -> Columns:
    """Give the columns that hold a note."""
    return {
        "uid": note.uid,
        "description": note.description,
        "metadata": dict(note.metadata),
        "draft": _from_headers(note.draft),
        "pinned": note.pinned,
    }


def key_of(row: Mapping[Any, Any]) -> KeptKey:
    """Build an API key."""
    return KeptKey(
        key_id=row["key_id"],
        name=row["name"],
        tenant=row["tenant"],
        may_write=row["may_write"],
        created_at=from_ms(row["created_at"]),
        last_used_at=time_of(row["last_used_at"]),
        revoked_at=time_of(row["revoked_at"]),
    )


def outbox_row_of(row: Mapping[Any, Any]) -> OutboxRow:
    """Build an outbox row."""
    value = row["record_value"]
    return OutboxRow(
        outbox_id=row["outbox_id"],
        topic=row["topic"],
        key=bytes(row["record_key"]),
        value=None if value is None else bytes(value),
        lane=row["lane"],
        endpoint_id=row["endpoint_id"],
        revision=row["revision"],
        created_at=from_ms(row["created_at"]),
        headers=[(name, text.encode()) for name, text in json.loads(row["record_headers"] or "[]")],
    )


def tenant_of(row: Mapping[Any, Any]) -> Tenant:
    """Build a tenant."""
    return Tenant(name=row["name"], created_at=from_ms(row["created_at"]), uid=row["uid"])


def time_of(milliseconds: int | None) -> datetime | None:
    """Give the instant, where there is one."""
    return None if milliseconds is None else from_ms(milliseconds)


def _from_secret(secret: SealedSecret) -> Columns:
    until = secret.valid_until
    return {
        "key_id": secret.key_id,
        "sealed": _text(secret.sealed),
        "valid_until": None if until is None else to_ms(until),
    }


def _to_secret(value: Mapping[str, Any]) -> SealedSecret:
    return SealedSecret(
        key_id=value["key_id"],
        sealed=_bytes(value["sealed"]),
        valid_until=time_of(value["valid_until"]),
    )


def _from_headers(headers: SealedHeaders | None) -> Columns | None:
    if headers is None:
        return None
    return {"key_id": headers.key_id, "sealed": _text(headers.sealed)}


def _to_headers(value: Mapping[str, Any] | None) -> SealedHeaders | None:
    if value is None:
        return None
    return SealedHeaders(key_id=value["key_id"], sealed=_bytes(value["sealed"]))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
