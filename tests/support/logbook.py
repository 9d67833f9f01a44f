"""Rows of the log, written straight into its tables: receipts, attempts, dead letters."""

import json

from hooklane.adapters.sql.adding import adder
from hooklane.adapters.sql.engine import writing
from hooklane.adapters.sql.tables import attempts, dead_letters, receipts
from hooklane.domain.ids import delivery_id
from hooklane.recorder.rows import attempt_row
from support.recording import attempt_value

MINUTE, HOUR = 60_000, 3_600_000


def receipt(event_id, matched=("ep_1",), *, at=1_000, **fields):
    """Give a receipt's row; `at` is when it was recorded, in unix ms."""
    trigger, command_id = fields.get("trigger", "event"), fields.get("command_id", "")
    part = fields.get("part", 0)
    payload = fields.pop("payload", b'{"n":1}')
    return {
        "receipt_id": f"{event_id}:{trigger}:{command_id}:{part}",
        "event_id": event_id,
        "tenant": "acme",
        "type": "order.created",
        "version": 2,
        "record_key": b"order-17",
        "event_time": at - 4,
        "source_topic": "events.order",
        "source_partition": 0,
        "source_offset": 17,
        "table_offset": 42,
        "trigger": "event",
        "command_id": "",
        "part": 0,
        "matched": json.dumps(list(matched)),
        "refused": json.dumps([{"endpoint_id": "ep_9", "reason": "endpoint_disabled"}]),
        "matched_count": len(matched),
        "payload": payload,
        "payload_text": None if payload is None else payload.decode(errors="replace"),
        "received_at": at,
        **fields,
    }


def attempt(event_id, endpoint_id="ep_1", *, at, number=1, **fields):
    """Give the row of an attempt of the event's own delivery."""
    delivery = fields.pop("delivery_id", None) or of(event_id, endpoint_id)
    return attempt_row(
        attempt_value(
            number,
            attempt_id=f"att_{delivery}_{at}_{number}",
            delivery_id=delivery,
            event_id=event_id,
            endpoint_id=endpoint_id,
            started_at=at,
            **fields,
        )
    )


def delivered(event_id, endpoint_id="ep_1", *, at, **fields):
    """Give the row of an attempt that succeeded."""
    met = {"outcome": "succeeded", "status": 200, "verdict": "delivered", "tier_s": None}
    return attempt(event_id, endpoint_id, at=at, due_at=None, **met, **fields)


def dead(event_id, endpoint_id="ep_1", *, at, **fields):
    """Give the row of a dead letter of the event's own delivery."""
    return {
        "delivery_id": of(event_id, endpoint_id),
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "tenant": "acme",
        "type": "order.created",
        "version": 2,
        "trigger": "event",
        "command_id": "",
        "event_time": at,
        "content_type": "application/json",
        "payload": b'{"n":1}',
        "reason": "exhausted",
        "attempts_made": 3,
        "last_outcome": "rejected",
        "first_attempt_at": at,
        "waiting_since": at,
        "died_at": at,
        "redriven_at": None,
        "partition": 0,
        "record_offset": 4,
        **fields,
    }


def of(event_id, endpoint_id="ep_1", *, trigger="event", command_id=""):
    """Give the id of a delivery."""
    return delivery_id(
        event_id=event_id, endpoint_id=endpoint_id, trigger=trigger, command_id=command_id
    )


def write(engine, *rows):
    """Write rows, each to the table that has its columns."""
    with writing(engine) as connection:
        for row in rows:
            if "attempt_id" in row:
                table = attempts
            elif "receipt_id" in row:
                table = receipts
            else:
                table = dead_letters
            adder(engine, table)(connection, [row])
