"""`/v1/endpoints/{endpoint_id}/health`: how an endpoint does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from hooklane.control.access import CallerOf
from hooklane.control.answers import rfc3339
from hooklane.control.desk import Desk
from hooklane.domain.attempt import Outcome
from hooklane.domain.health import Health, last_hour

EXAMPLE: dict[str, Any] = {
    "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
    "state": "failing",
    "failing_since": "2026-03-01T08:00:00.000Z",
    "consecutive_failures": 42,
    "last_success_at": "2026-03-01T07:59:58.120Z",
    "last_failure_at": "2026-03-01T09:30:00.000Z",
    "last_outcome": "rejected",
    "last_status": 500,
    "last_hour": {"attempts": 120, "successes": 0, "success_rate": 0.0, "p95_ms": 300},
}


class LastHourAnswer(BaseModel):
    """Figures of the last hour, by five minutes."""

    attempts: int
    successes: int
    success_rate: float | None = Field(description="0 to 1; null where nothing was attempted.")
    p95_ms: int | None = Field(description="95 % of the attempts took at most about so long.")


class HealthAnswer(BaseModel):
    """What its attempts say of an endpoint; probes do not count."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    endpoint_id: str
    state: str = Field(description="healthy, or failing after so many failures in a row.")
    failing_since: str | None = Field(description="Since when there is nothing but failure.")
    consecutive_failures: int
    last_success_at: str | None
    last_failure_at: str | None
    last_outcome: str | None = Field(description="What the last failed attempt met.")
    last_status: int | None = Field(description="What it was answered, where it was.")
    last_hour: LastHourAnswer


class HealthRoutes:
    """`/v1/endpoints/{endpoint_id}/health`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk

    def router(self) -> APIRouter:
        """Give the route."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])
        router.get("/{endpoint_id}/health", summary="How an endpoint does")(self.show)
        return router

    def show(self, endpoint_id: str, caller: CallerOf) -> HealthAnswer:
        """Show since when it fails, how often, its success rate and p95 of the last hour."""
        store = self._desk.store
        endpoint = store.endpoint(endpoint_id).endpoint
        caller.require(endpoint.tenant, f"endpoint {endpoint_id!r}", endpoint_id=endpoint_id)
        found = store.health(endpoint_id)
        return self._answer(found or Health(endpoint_id=endpoint_id, tenant=endpoint.tenant))

    def _answer(self, health: Health) -> HealthAnswer:
        hour = last_hour(health, now=self._desk.clock.now())
        outcome = health.last_outcome
        return HealthAnswer(
            endpoint_id=health.endpoint_id,
            state=health.state.value,
            failing_since=health.failing_since and rfc3339(health.failing_since),
            consecutive_failures=health.consecutive_failures,
            last_success_at=health.last_success_at and rfc3339(health.last_success_at),
            last_failure_at=health.last_failure_at and rfc3339(health.last_failure_at),
            last_outcome=None if outcome is Outcome.NONE else outcome.value,
            last_status=health.last_status,
            last_hour=LastHourAnswer(
                attempts=hour.attempts,
                successes=hour.successes,
                success_rate=hour.success_rate,
                p95_ms=hour.p95_ms,
            ),
        )
