"""Receipts and attempts of an event as the recorder leaves them, for what explains them."""

import json

import sqlalchemy as sa

from hooklane.adapters.sql import tables
from hooklane.adapters.sql.engine import writing
from hooklane.domain.delivery import to_ms
from hooklane.domain.ids import delivery_id
from hooklane.recorder.rows import attempt_row
from support.recording import attempt_value

EVENT = "evt_1"


def receipt(bench, *, matched=(), refused=(), **fields):
    """Write a receipt's row; `refused` are (endpoint id, reason)."""
    now = to_ms(bench.clock.now())
    row = {
        "event_id": EVENT,
        "tenant": "acme",
        "type": "order.created",
        "version": 2,
        "record_key": None,
        "event_time": now,
        "source_topic": "events.order",
        "source_partition": 0,
        "source_offset": 7,
        "table_offset": table_offset(bench),
        "trigger": "event",
        "command_id": "",
        "part": 0,
        "matched": json.dumps(list(matched)),
        "refused": json.dumps(
            [{"endpoint_id": endpoint, "reason": reason} for endpoint, reason in refused]
        ),
        "matched_count": len(matched),
        "payload": b"{}" if matched else None,
        "payload_text": "{}" if matched else None,
        "received_at": now,
        **fields,
    }
    made = (row["event_id"], row["trigger"], row["command_id"], str(row["part"]))
    with writing(bench.store._engine) as connection:
        connection.execute(sa.insert(tables.receipts).values(receipt_id=":".join(made), **row))


def table_offset(bench):
    """Give how far a matcher that read everything would be."""
    return bench.followers[0].follow()


def attempt(bench, endpoint_id, number, *, trigger="event", command_id="", **fields):
    """Write an attempt's row of a delivery of the event."""
    own = delivery_id(
        event_id=EVENT, endpoint_id=endpoint_id, trigger=trigger, command_id=command_id
    )
    value = attempt_value(
        number,
        delivery_id=own,
        endpoint_id=endpoint_id,
        trigger=trigger,
        **{"started_at": to_ms(bench.clock.now()), **fields},
    )
    with writing(bench.store._engine) as connection:
        connection.execute(sa.insert(tables.attempts).values(**attempt_row(value)))
    return own
