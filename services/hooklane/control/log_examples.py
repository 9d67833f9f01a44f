"""Examples of what was recorded, as the API's description shows them."""

from __future__ import annotations

EVENT = {
    "id": "evt_abcdefghijklmnopqrstuvwxyz",
    "tenant": "acme",
    "type": "order.created",
    "version": 2,
    "event_time": "2026-03-01T08:00:00.000Z",
    "received_at": "2026-03-01T08:00:00.004Z",
    "source": {"topic": "events.order", "partition": 0, "offset": 17},
    "matched_count": 1,
}
DELIVERY = {
    "id": "dlv_abcdefghijklmnopqrstuvwxyz",
    "event_id": "evt_abcdefghijklmnopqrstuvwxyz",
    "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
    "tenant": "acme",
    "type": "order.created",
    "version": 2,
    "trigger": "event",
    "command_id": "",
    "state": "waiting",
    "tier": "5m",
    "due_at": "2026-03-01T08:05:12.000Z",
    "reason": "",
    "attempts": 2,
    "last_attempt_at": "2026-03-01T08:00:09.000Z",
    "received_at": "2026-03-01T08:00:00.004Z",
}
ATTEMPT = {
    "attempt_id": "att_abcdefghijklmnopqrstuvwxyz",
    "delivery_id": "dlv_abcdefghijklmnopqrstuvwxyz",
    "event_id": "evt_abcdefghijklmnopqrstuvwxyz",
    "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
    "tenant": "acme",
    "type": "order.created",
    "version": 2,
    "trigger": "event",
    "number": 1,
    "started_at": "2026-03-01T08:00:00.010Z",
    "timings": {
        "dns_ms": 1, "connect_ms": 3, "tls_ms": 12, "first_byte_ms": 40, "total_ms": 41,
    },
    "outcome": "rejected",
    "status": 500,
    "error": "",
    "response_headers": [["content-type", "text/plain"]],
    "response_body": "oops",
    "verdict": "retry",
    "tier": "5s",
    "due_at": "2026-03-01T08:00:05.510Z",
    "reason": "",
}  # fmt: skip
SENT = {
    "webhook-id": "evt_abcdefghijklmnopqrstuvwxyz",
    "webhook-timestamp": "1772352000",
    "X-Webhook-Version": "2",
}
DEAD = {
    "delivery_id": "dlv_abcdefghijklmnopqrstuvwxyz",
    "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
    "event_id": "evt_abcdefghijklmnopqrstuvwxyz",
    "tenant": "acme",
    "type": "order.created",
    "version": 2,
    "trigger": "event",
    "command_id": "",
    "event_time": "2026-03-01T08:00:00.000Z",
    "content_type": "application/json",
    "reason": "exhausted",
    "attempts_made": 10,
    "last_outcome": "rejected",
    "first_attempt_at": "2026-03-01T08:00:00.010Z",
    "waiting_since": "2026-03-01T08:00:00.004Z",
    "died_at": "2026-03-04T12:00:00.000Z",
    "partition": 0,
    "offset": 4,
}
CURSOR = {"next_cursor": "MTc3MjM1MjAwMDAwNDpldnRfYWJj"}
