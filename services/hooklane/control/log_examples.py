"""Examples of what was recorded, as the API's description shows them."""

from __future__ import annotations

from typing import Any

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
STATUS_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {
                "example": {
                    "release": "0.1.0",
                    "at": "2026-03-01T08:00:00.000Z",
                    "lanes": [
                        {
                            "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
                            "tenant": "acme",
                            "state": "active",
                            "lane": "hooklane.lane.abcdefghijklmnopqrstuvwxyz",
                            "exists": True,
                            "lag": 0,
                        }
                    ],
                    "former_lanes": [
                        {
                            "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
                            "tenant": "acme",
                            "lane": "hooklane.pool",
                            "partition": 3,
                            "lag": 2,
                        }
                    ],
                    "flows": [
                        {
                            "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
                            "state": "throttled",
                            "in_flight_limit": 32,
                            "until": None,
                        }
                    ],
                    "pool": [{"partition": 0, "endpoints": 12, "lag": 0}],
                    "tiers": [{"tier": "5s", "waiting": 1, "until": "2026-03-01T08:00:05.500Z"}],
                    "dead_letters": {"exhausted": 3},
                    "exhaustion_guard": {
                        "since": "2026-03-01T07:40:00.000Z",
                        "until": "2026-03-01T08:02:30.000Z",
                        "attempted": 40,
                        "succeeded": 2,
                    },
                    "outbox_unpublished": 0,
                    "clocks": [{"instance": "hooklane.matcher.0", "ahead_ms": 1}],
                }
            }
        }
    }
}
