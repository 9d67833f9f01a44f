"""Routes of counts over time: how attempts went, in buckets of a minute, an hour or a day."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from hooklane.adapters.log_store import StatsQuery
from hooklane.control.access import CallerOf
from hooklane.control.answers import rfc3339, shown_time
from hooklane.control.desk import Desk
from hooklane.control.log_queries import EndpointId, Instant, TenantName, TypeName
from hooklane.control.stats import BucketCounts, Counts, series
from hooklane.domain.errors import Invalid

BUCKETS_MAX = 1_500
_BUCKET: dict[str, Any] = {
    "at": "2026-03-01T08:00:00.000Z",
    "attempts": 3,
    "outcomes": {"succeeded": 2, "rejected": 1},
    "verdicts": {"delivered": 2, "retry": 1},
    "success_rate": 0.6667,
    "p50_ms": 41,
    "p95_ms": 230,
}
_SPAN: dict[str, Any] = {
    "since": "2026-03-01T08:00:00.000Z",
    "until": "2026-03-01T09:00:00.000Z",
    "bucket": "hour",
}
_TOTAL: dict[str, Any] = {
    name: _BUCKET[name] for name in ("attempts", "outcomes", "verdicts", "success_rate")
}


class Bucket(enum.Enum):
    """How wide a bucket is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


WIDTH: Mapping[Bucket, timedelta] = {
    Bucket.MINUTE: timedelta(minutes=1),
    Bucket.HOUR: timedelta(hours=1),
    Bucket.DAY: timedelta(days=1),
}


class SpanQuery(BaseModel):
    """Which attempts, and how they are gathered."""

    model_config = ConfigDict(extra="forbid")

    bucket: Bucket = Field(Bucket.HOUR, description="minute, hour or day (UTC).")
    since: Instant | None = Field(None, description="RFC 3339; a day before until.")
    until: Instant | None = Field(None, description="RFC 3339; now.")
    type: TypeName = None

    def query(
        self, now: datetime, *, tenant: str | None, endpoint_id: str | None = None
    ) -> StatsQuery:
        """Give the query.

        Raises:
            Invalid: the span is empty, or has too many buckets.
        """
        until = now if self.until is None else self.until
        width = WIDTH[self.bucket]
        try:
            since = until - timedelta(days=1) if self.since is None else self.since
        except OverflowError:
            raise Invalid("until: is before the calendar's second day") from None
        if since >= until:
            raise Invalid("since: is not before until")
        if (until - since) / width > BUCKETS_MAX:
            most = f"{BUCKETS_MAX} buckets of a {self.bucket.value}"
            raise Invalid(f"since: the span is more than {most}; take a wider bucket")
        return StatsQuery(
            since=since,
            until=until,
            width=width,
            tenant=tenant,
            endpoint_id=endpoint_id,
            type=self.type,
        )


class AllStatsQuery(SpanQuery):
    """Which attempts of all endpoints."""

    tenant: TenantName = None
    endpoint_id: EndpointId = None


class CountsAnswer(BaseModel):
    """How attempts went."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOTAL]})

    attempts: int = Field(description="HTTP requests: what befell a delivery without one is none.")
    outcomes: dict[str, int]
    verdicts: dict[str, int]
    success_rate: float | None = Field(description="Succeeded of all; null where there were none.")


class BucketAnswer(CountsAnswer):
    """How attempts went that started in this bucket; buckets without any are left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BUCKET]})

    at: str = Field(description="The bucket's start.")
    p50_ms: int | None = Field(description="Half of them took no longer.")
    p95_ms: int | None = Field(description="95 of 100 took no longer.")


class StatsAnswer(BaseModel):
    """Counts over time, the oldest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_SPAN, "total": _TOTAL, "items": [_BUCKET]}]}
    )

    since: str
    until: str
    bucket: str
    total: CountsAnswer
    items: list[BucketAnswer]


class StatsRoutes:
    """`/v1/stats` and `/v1/endpoints/{endpoint_id}/stats`."""

    def __init__(self, desk: Desk) -> None:
        """Keep the desk."""
        self._desk = desk

    def router(self) -> APIRouter:
        """Give the routes."""
        router = APIRouter(prefix="/v1", tags=["stats"])
        router.get("/stats", summary="Count attempts over time")(self.stats)
        router.get("/endpoints/{endpoint_id}/stats", summary="Count an endpoint's attempts")(
            self.of_endpoint
        )
        return router

    def stats(self, caller: CallerOf, query: Annotated[AllStatsQuery, Query()]) -> StatsAnswer:
        """Count attempts over time, by outcome and verdict, with their times."""
        tenant = caller.scope(query.tenant, endpoint_id=query.endpoint_id)
        asked = query.query(self._desk.clock.now(), tenant=tenant, endpoint_id=query.endpoint_id)
        return self._answer(asked, query.bucket)

    def of_endpoint(
        self, caller: CallerOf, endpoint_id: str, query: Annotated[SpanQuery, Query()]
    ) -> StatsAnswer:
        """Count one endpoint's attempts over time."""
        endpoint = self._desk.store.endpoint(endpoint_id).endpoint
        caller.require(endpoint.tenant, f"endpoint {endpoint_id!r}", endpoint_id=endpoint_id)
        now = self._desk.clock.now()
        return self._answer(query.query(now, tenant=None, endpoint_id=endpoint_id), query.bucket)

    def _answer(self, asked: StatsQuery, bucket: Bucket) -> StatsAnswer:
        store = self._desk.store
        found = series(store.attempt_counts(asked), store.attempt_times(asked))
        return StatsAnswer(
            since=rfc3339(asked.since),
            until=rfc3339(asked.until),
            bucket=bucket.value,
            total=CountsAnswer.model_validate(_counts(found.total)),
            items=[BucketAnswer.model_validate(_bucket(one)) for one in found.buckets],
        )


def _counts(counts: Counts) -> dict[str, object]:
    return {
        "attempts": counts.attempts,
        "outcomes": dict(counts.outcomes),
        "verdicts": dict(counts.verdicts),
        "success_rate": counts.success_rate,
    }


def _bucket(bucket: BucketCounts) -> dict[str, object]:
    times = {"p50_ms": bucket.p50_ms, "p95_ms": bucket.p95_ms}
    return {"at": str(shown_time(bucket.at)), **_counts(bucket.counts), **times}
