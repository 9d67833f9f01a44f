"""`/v1/explain`: why an endpoint got an event, or did not."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from hooklane.adapters.store import Row
from hooklane.control.access import CallerOf
from hooklane.control.answers import attempt_answer, rfc3339
from hooklane.control.explaining import DeliveryFound, Explaining, Told
from hooklane.domain.delivery import from_ms
from hooklane.domain.explanation import KnownRevision
from hooklane.domain.retry import format_delay

EXAMPLE: dict[str, Any] = {
    "verdict": "not_matched",
    "reason": "type_not_subscribed",
    "why": (
        "The endpoint's subscription was user.* (revision 2), which does not cover order.created."
    ),
    "facts": {
        "event": {
            "event_id": "evt_abcdefghijklmnopqrstuvwxyz",
            "tenant": "acme",
            "type": "order.created",
            "version": 2,
            "event_time": "2026-03-01T08:00:00.000Z",
            "received_at": "2026-03-01T08:00:00.004Z",
            "table_offset": 17,
            "source": "events.order/0/4711",
        },
        "endpoint": {
            "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
            "tenant": "acme",
            "state": "active",
            "revision": 3,
            "created_at": "2026-02-01T08:00:00.000Z",
        },
        "revision_in_force": {
            "revision": 2,
            "state": "active",
            "state_reason": "",
            "subscription": ["user.*"],
            "created_at": "2026-02-02T08:00:00.000Z",
            "position": 12,
        },
    },
    "deliveries": [],
}
IDS_MAX = 300
# PostgreSQL takes no NUL in a text.
ID_PATTERN = r"^[^\x00]+$"
EventId = Annotated[
    str,
    Query(
        description="evt_…, or of a rejected event its source position, topic/partition/offset.",
        max_length=IDS_MAX,
        pattern=ID_PATTERN,
        examples=["evt_abcdefghijklmnopqrstuvwxyz"],
    ),
]
EndpointId = Annotated[
    str,
    Query(
        description="ep_…",
        max_length=IDS_MAX,
        pattern=ID_PATTERN,
        examples=["ep_abcdefghijklmnopqrstuvwxyz"],
    ),
]


class DeliveryExplained(BaseModel):
    """A delivery of the event to the endpoint: where it is now, and its attempts."""

    delivery_id: str
    trigger: str = Field(description="event, resend, replay or probe.")
    command_id: str = Field(description="Of the resend, replay or redrive that asked for it.")
    since: str | None = Field(description="When its receipt was written, null where it is gone.")
    state: str = Field(description="in_lane, held, waiting, delivered, dead or cancelled.")
    tier: str | None = Field(description="Where it waits.")
    due_at: str | None = Field(description="Until when it waits.")
    reason: str = Field(description="Of a dead or cancelled one.")
    attempts: list[dict[str, Any]] = Field(description="Oldest first, as /v1/attempts shows them.")


class ExplainAnswer(BaseModel):
    """Why an endpoint got an event, or did not, and what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    verdict: str = Field(description="matched, not_matched, rejected or unknown.")
    reason: str = Field(description="One word of it, such as type_not_subscribed.")
    why: str = Field(description="One sentence.")
    facts: dict[str, Any] = Field(description="What it follows from; null where not recorded.")
    deliveries: list[DeliveryExplained]


class ExplainRoutes:
    """`/v1/explain`."""

    def __init__(self, explaining: Explaining) -> None:
        """Keep who explains."""
        self._explaining = explaining

    def router(self) -> APIRouter:
        """Give the route."""
        router = APIRouter(prefix="/v1", tags=["log"])
        router.get("/explain", summary="Why an endpoint got an event, or did not")(self.explain)
        return router

    def explain(
        self, event_id: EventId, endpoint_id: EndpointId, caller: CallerOf
    ) -> ExplainAnswer:
        """Say from what is recorded whether the endpoint was matched, why, and what followed."""
        return _answer(self._explaining.explain(event_id, endpoint_id, caller=caller))


def _answer(told: Told) -> ExplainAnswer:
    explanation, kept = told.explanation, told.endpoint
    return ExplainAnswer(
        verdict=explanation.finding.value,
        reason=explanation.why.value,
        why=explanation.sentence,
        facts={
            "event": told.receipt and _event(told.receipt),
            "endpoint": {
                "endpoint_id": kept.endpoint.endpoint_id,
                "tenant": kept.endpoint.tenant,
                "state": kept.endpoint.state.value,
                "revision": kept.endpoint.revision,
                "created_at": rfc3339(kept.created_at),
            },
            "revision_in_force": told.in_force and _revision(told.in_force),
        },
        deliveries=[_delivery(found) for found in told.deliveries],
    )


def _event(receipt: Row) -> Row:
    source = (receipt["source_topic"], receipt["source_partition"], receipt["source_offset"])
    return {
        "event_id": receipt["event_id"],
        "tenant": receipt["tenant"],
        "type": receipt["type"],
        "version": receipt["version"],
        "event_time": rfc3339(from_ms(receipt["event_time"])),
        "received_at": rfc3339(from_ms(receipt["received_at"])),
        "table_offset": receipt["table_offset"],
        "source": "/".join(str(part) for part in source),
    }


def _revision(revision: KnownRevision) -> Row:
    return {
        "revision": revision.revision,
        "state": revision.state.value,
        "state_reason": revision.state_reason,
        "subscription": list(revision.subscription.patterns),
        "created_at": rfc3339(revision.created_at),
        "position": revision.position,
    }


def _delivery(found: DeliveryFound) -> DeliveryExplained:
    now = found.standing
    return DeliveryExplained(
        delivery_id=found.delivery_id,
        trigger=found.trigger,
        command_id=found.command_id,
        since=None if found.since is None else rfc3339(found.since),
        state=now.state.value,
        tier=None if now.tier is None else format_delay(now.tier),
        due_at=None if now.due_at is None else rfc3339(now.due_at),
        reason=now.reason,
        attempts=[attempt_answer(row) for row in found.attempts],
    )
