"""Attempt and dead-letter records as the deliverer writes them."""

from datetime import UTC, datetime

from hooklane.adapters.codec import codec
from hooklane.adapters.records import NO_TIMINGS
from hooklane.adapters.rejected import RawRecord
from hooklane.domain.delivery import Progress

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def attempt_value(number, **fields):
    """Give an Attempt record's value."""
    return {
        "attempt_id": f"att_{number}",
        "delivery_id": f"dlv_{number}",
        "event_id": "evt_1",
        "endpoint_id": "ep_1",
        "tenant": "acme",
        "type": "order.created",
        "version": 2,
        "trigger": "event",
        "number": number,
        "started_at": 1_000 * number,
        "timings": NO_TIMINGS | {"connect_ms": 3, "total_ms": 12},
        "outcome": "rejected",
        "status": 500,
        "error": "",
        "response_headers": [{"name": "content-type", "value": "text/plain"}],
        "response_body": b"oops",
        "verdict": "retry",
        "tier_s": 5,
        "due_at": 6_000,
        "reason": "",
        **fields,
    }


def attempt(number, *, topic="test.attempts", offset=0, **fields):
    """Give an Attempt record as consumed."""
    value = codec("attempt").encode(attempt_value(number, **fields))
    key = f"dlv_{number}".encode()
    return RawRecord(at_topic=topic, at_partition=0, at_offset=offset, raw_key=key, raw_value=value)


def delivery_value(number, **fields):
    """Give a Delivery record's value."""
    return {
        "delivery_id": f"dlv_{number}",
        "endpoint_id": "ep_1",
        "command_id": "",
        "event_id": "evt_1",
        "tenant": "acme",
        "type": "order.created",
        "version": 2,
        "key": None,
        "event_time": 0,
        "source": {"topic": "events.order", "partition": 0, "offset": number},
        "trigger": "event",
        "table_offset": 1,
        "content_type": "application/json",
        "payload": b'{"n":%d}' % number,
        **fields,
    }


def dead_headers(reason="exhausted"):
    """Give the headers of a dead letter."""
    tried = Progress(waiting_since=AT).attempted(at=AT, outcome="rejected")
    return tried.died(reason).headers()


def dead_letter(number, *, topic="test.dead-letters", tombstone=False, **fields):
    """Give a dead-letter record as consumed, or its tombstone."""
    value = None if tombstone else codec("delivery").encode(delivery_value(number, **fields))
    return RawRecord(
        at_topic=topic,
        at_partition=0,
        at_offset=number,
        raw_key=f"dlv_{number}".encode(),
        raw_value=value,
        raw_headers=[] if tombstone else dead_headers(),
        appended_ms=number,
    )


def receipt_value(number, **fields):
    """Give a Match record's value."""
    return {
        "event_id": f"evt_{number}",
        "tenant": "acme",
        "type": "order.created",
        "version": 2,
        "key": b"k",
        "event_time": 0,
        "source": {"topic": "events.order", "partition": 0, "offset": number},
        "table_offset": 1,
        "trigger": "event",
        "command_id": "",
        "matched": ["ep_1"],
        "refused": [],
        "part": 0,
        "payload": b'{"n":%d}' % number,
        **fields,
    }


def receipt(number, *, topic="test.matches", at_ms=1, **fields):
    """Give a Match record as consumed."""
    value = receipt_value(number, **fields)
    return RawRecord(
        at_topic=topic,
        at_partition=0,
        at_offset=number,
        raw_key=value["event_id"].encode(),
        raw_value=codec("match").encode(value),
        appended_ms=at_ms,
    )
