"""Between internal records (dicts, as the codec gives them) and domain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from hooklane.adapters.codec import Value
from hooklane.domain.delivery import Delivery, Trigger, from_ms, to_ms
from hooklane.domain.endpoint import (
    Batch,
    Endpoint,
    EndpointState,
    Order,
    Placement,
    SealedHeaders,
    SealedSecret,
)
from hooklane.domain.errors import BrokenContract
from hooklane.domain.event import Event, SourcePosition
from hooklane.domain.subscription import Subscription

_SHARED_MAX = 4_096


def endpoint_of(value: Value) -> Endpoint:
    """Build an Endpoint from its record.

    Raises:
        BrokenContract: a field holds what this release does not know, or no time or span.
    """
    headers, placement = value["headers"], value["placement"]
    with _contract("endpoint"):
        return Endpoint(
            endpoint_id=value["endpoint_id"],
            tenant=value["tenant"],
            revision=value["revision"],
            state=EndpointState(value["state"]),
            state_reason=value["state_reason"],
            url=value["url"],
            subscription=_subscription_of(tuple(value["subscription"])),
            secrets=tuple(_secret_of(secret) for secret in value["secrets"]),
            sealed_headers=None if headers is None else SealedHeaders(**headers),
            timeout=_milliseconds(value["timeout_ms"]),
            retry_schedule=_schedule_of(tuple(value["retry_schedule_s"])),
            order=Order(value["order"]),
            in_flight_max=value["limits"]["in_flight_max"],
            rate_per_s=value["limits"]["rate_per_s"],
            batch=batch_of(value["batch"]),
            placement=None if placement is None else Placement(**placement),
            former=tuple(Placement(**lane) for lane in value["former"]),
        )


# Of 100,000 endpoints most say the same here: these values are made once and shared.
@lru_cache(maxsize=_SHARED_MAX)
def _subscription_of(patterns: tuple[str, ...]) -> Subscription:
    return Subscription(patterns=patterns)


@lru_cache(maxsize=_SHARED_MAX)
def _schedule_of(seconds: tuple[int, ...]) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=each) for each in seconds)


@lru_cache(maxsize=_SHARED_MAX)
def _milliseconds(count: int) -> timedelta:
    return timedelta(milliseconds=count)


def endpoint_value(endpoint: Endpoint) -> Value:
    """Give the record of an Endpoint."""
    headers, placement = endpoint.sealed_headers, endpoint.placement
    return {
        "endpoint_id": endpoint.endpoint_id,
        "tenant": endpoint.tenant,
        "revision": endpoint.revision,
        "state": endpoint.state.value,
        "state_reason": endpoint.state_reason,
        "url": endpoint.url,
        "subscription": list(endpoint.subscription.patterns),
        "secrets": [_secret_value(secret) for secret in endpoint.secrets],
        "headers": None
        if headers is None
        else {"key_id": headers.key_id, "sealed": headers.sealed},
        "timeout_ms": endpoint.timeout // timedelta(milliseconds=1),
        "retry_schedule_s": [int(d.total_seconds()) for d in endpoint.retry_schedule],
        "order": endpoint.order.value,
        "limits": {"in_flight_max": endpoint.in_flight_max, "rate_per_s": endpoint.rate_per_s},
        "batch": batch_value(endpoint.batch),
        "placement": None if placement is None else asdict(placement),
        "former": [asdict(lane) for lane in endpoint.former],
    }


def batch_of(value: Mapping[str, Any] | None) -> Batch | None:
    """Build a Batch from its record, which is the same in the topic and in SQL."""
    if value is None:
        return None
    return Batch(count_max=value["count_max"], wait=timedelta(milliseconds=value["wait_ms"]))


def batch_value(batch: Batch | None) -> Value | None:
    """Give the record of a Batch."""
    if batch is None:
        return None
    return {"count_max": batch.count_max, "wait_ms": batch.wait_ms}


def _secret_of(value: dict[str, Any]) -> SealedSecret:
    until = value["valid_until"]
    return SealedSecret(
        key_id=value["key_id"],
        sealed=value["sealed"],
        valid_until=None if until is None else from_ms(until),
    )


def _secret_value(secret: SealedSecret) -> Value:
    until = secret.valid_until
    return {
        "key_id": secret.key_id,
        "sealed": secret.sealed,
        "valid_until": None if until is None else to_ms(until),
    }


@contextmanager
def _contract(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise BrokenContract(f"{name} record: {error}") from None


def delivery_of(value: Value) -> Delivery:
    """Build a Delivery from its record.

    Raises:
        BrokenContract: a field holds what this release does not know, or no time.
    """
    with _contract("delivery"):
        return Delivery(
            delivery_id=value["delivery_id"],
            endpoint_id=value["endpoint_id"],
            command_id=value["command_id"],
            event=Event(
                event_id=value["event_id"],
                tenant=value["tenant"],
                event_type=value["type"],
                version=value["version"],
                key=value["key"],
                event_time=from_ms(value["event_time"]),
                source=SourcePosition(**value["source"]),
                payload=value["payload"],
                content_type=value["content_type"],
            ),
            trigger=Trigger(value["trigger"]),
            table_offset=value["table_offset"],
        )


NO_TIMINGS: Value = {
    "dns_ms": None,
    "connect_ms": None,
    "tls_ms": None,
    "first_byte_ms": None,
    "total_ms": None,
}


def attempt_without_request(
    delivery: Value, *, attempt_id: str, at: datetime, verdict: str, reason: str
) -> Value:
    """Give the Attempt record of something that befell a delivery without an HTTP request.

    Args:
        delivery: the Delivery record's value.
        attempt_id: drawn by the caller, or hashed where a re-run must give the same.
        at: when.
        verdict: `dead` or `cancelled`.
        reason: a `verdict.Reason` value.
    """
    shared = ("delivery_id", "event_id", "endpoint_id", "tenant", "type", "version", "trigger")
    return {
        **{name: delivery[name] for name in shared},
        "attempt_id": attempt_id,
        "number": 0,
        "started_at": to_ms(at),
        "timings": NO_TIMINGS,
        "outcome": "none",
        "status": None,
        "error": "",
        "response_headers": [],
        "response_body": b"",
        "verdict": verdict,
        "tier_s": None,
        "due_at": None,
        "reason": reason,
    }
