"""What callers send: the API's input, unknown fields refused."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

DELIVERY_IDS_MAX = 500
POSITIONS_MAX = 500
_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=False)


class TenantDraft(BaseModel):
    """A new tenant."""

    model_config = _STRICT | {"json_schema_extra": {"examples": [{"name": "acme"}]}}

    name: str = Field(description="Lower-case letters, digits, _, . and -; at most 63.")


class EndpointDraft(BaseModel):
    """A new endpoint."""

    model_config = _STRICT | {
        "json_schema_extra": {
            "examples": [
                {
                    "tenant": "acme",
                    "url": "https://hooks.example.com/orders",
                    "subscription": ["order.*", "payment.failed"],
                    "headers": {"X-Team": "billing"},
                    "timeout_ms": 10000,
                    "retry_schedule": ["5s", "5m", "30m", "2h"],
                }
            ]
        }
    }

    tenant: str = Field(description="Whose events it gets.")
    url: str = Field(description="Where to POST: http or https, no user, no fragment.")
    subscription: list[str] = Field(
        description="Event types (order.created), prefixes (order.*) or *."
    )
    secret: str | None = Field(
        None, description="whsec_ and base64 of 24 to 64 bytes; generated if absent."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with every attempt.")
    timeout_ms: int = Field(
        15_000, ge=1_000, le=30_000, description="From an attempt's start to its status line."
    )
    retry_schedule: list[str] | None = Field(
        None, description="Delays between attempts, each one of the deployment's tiers."
    )
    order: str = Field("none", description="Only `none` is supported.")


class EndpointChange(BaseModel):
    """The fields of an endpoint to change; what is absent or null stays as it is."""

    model_config = _STRICT | {
        "json_schema_extra": {"examples": [{"subscription": ["*"], "timeout_ms": 5000}]}
    }

    url: str | None = Field(None, description="Where to POST.")
    subscription: list[str] | None = Field(None, description="Event-type patterns.")
    secret: str | None = Field(
        None, description="Signs from now on; the one before goes on signing for the overlap."
    )
    headers: dict[str, str] | None = Field(None, description="Replaces all custom headers.")
    timeout_ms: int | None = Field(None, ge=1_000, le=30_000, description="Per attempt.")
    retry_schedule: list[str] | None = Field(None, description="Delays between attempts.")
    order: str | None = Field(None, description="Only `none` is supported.")


class RedriveDraft(BaseModel):
    """Which dead letters to put back in their lane."""

    model_config = _STRICT | {
        "json_schema_extra": {
            "examples": [
                {
                    "endpoint_id": "ep_abcdefghijklmnopqrstuvwxyz",
                    "reason": "exhausted",
                    "limit": 100,
                }
            ]
        }
    }

    endpoint_id: str = Field(description="Whose.")
    reason: str | None = Field(None, description="Only those that died of this.")
    since: datetime | None = Field(None, description="Only those that died since.")
    limit: int | None = Field(None, ge=1, description="At most so many.")
    delivery_ids: list[str] = Field(
        default_factory=list, max_length=DELIVERY_IDS_MAX, description="Only these."
    )
    dry_run: bool = Field(default=False, description="Count them and do nothing.")


class RejectedPosition(BaseModel):
    """Where a rejected event lies in the rejected-events topic."""

    model_config = _STRICT

    partition: int = Field(ge=0, description="Its partition.")
    offset: int = Field(ge=0, description="Its offset.")


class ResubmitDraft(BaseModel):
    """Which rejected events to match again."""

    model_config = _STRICT | {
        "json_schema_extra": {"examples": [{"positions": [{"partition": 0, "offset": 17}]}]}
    }

    positions: list[RejectedPosition] = Field(
        min_length=1, max_length=POSITIONS_MAX, description="As GET /v1/rejected-events lists them."
    )
