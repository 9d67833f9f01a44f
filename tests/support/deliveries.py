"""Endpoints and deliveries as they lie on topics, for tests that need some."""

from datetime import UTC, datetime, timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.records import endpoint_value
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState, Placement
from hooklane.domain.ids import delivery_id
from hooklane.domain.retry import DEFAULT_SCHEDULE
from hooklane.domain.subscription import Subscription

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def an_endpoint(
    endpoint_id="ep_a",
    *,
    lane="t.lane.a",
    state=EndpointState.ACTIVE,
    revision=1,
    schedule=DEFAULT_SCHEDULE,
    patterns=("*",),
):
    return Endpoint(
        endpoint_id=endpoint_id,
        tenant="acme",
        revision=revision,
        state=state,
        url="https://example.com/",
        subscription=Subscription(patterns=patterns),
        secrets=(),
        sealed_headers=None,
        timeout=timedelta(seconds=15),
        retry_schedule=schedule,
        placement=None if lane is None else Placement(topic=lane, partition=0),
    )


def endpoint_bytes(endpoint):
    return codec("endpoint").encode(endpoint_value(endpoint))


def delivery_value(number=0, *, endpoint_id="ep_a", table_offset=0, key=b"k", payload=b"{}"):
    event_id = f"evt_{number}"
    return {
        "delivery_id": delivery_id(event_id=event_id, endpoint_id=endpoint_id, trigger="event"),
        "endpoint_id": endpoint_id,
        "command_id": "",
        "event_id": event_id,
        "tenant": "acme",
        "type": "order.created",
        "version": 1,
        "key": key,
        "event_time": 0,
        "source": {"topic": "events.order", "partition": 0, "offset": number},
        "trigger": "event",
        "table_offset": table_offset,
        "content_type": "application/json",
        "payload": payload,
    }


def delivery_bytes(value):
    return codec("delivery").encode(value)


def command_value(kind, *, endpoint_id="ep_a", at=START, **fields):
    return {
        "command_id": "cmd_1",
        "kind": kind,
        "endpoint_id": endpoint_id,
        "tenant": "acme",
        "issued_at": to_ms(at),
        **fields,
    }
