"""What callers send: the API's input, unknown fields refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

DELIVERY_IDS_MAX = 500
POSITIONS_MAX = 500
METADATA_MAX = 50
OVERLAP_S_MAX = 2_592_000
TOKEN_S_MAX = 86_400
BATCH_COUNT_MAX = 500
BATCH_WAIT_MS_MAX = 10_000
RATE_PER_S_MAX = 100_000
IN_FLIGHT_MAX = 1_000
_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=False)

# A number, not what could be read as one: `true` and "50" are refused.
Whole = Annotated[int, Field(strict=True)]
Uid = Annotated[str, Field(min_length=1, max_length=128, pattern="^[!-~]+$")]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern="^[^\\x00-\\x1f\\x7f]+$")]
Description = Annotated[str, Field(max_length=500, pattern="^[^\\x00]*$")]
Metadata = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_.-]+$")],
        Annotated[str, Field(max_length=500)],
    ],
    Field(max_length=METADATA_MAX),
]


class BatchDraft(BaseModel):
    """How payloads come together in one POST, a JSON array of them."""

    model_config = _STRICT | {
        "json_schema_extra": {"examples": [{"count_max": 100, "wait_ms": 500}]}
    }

    count_max: Whole = Field(
        ge=1,
        le=BATCH_COUNT_MAX,
        description="Payloads in one POST, at most; 1, in a change only, ends batches: no array.",
    )
    wait_ms: Whole = Field(
        1_000, ge=1, le=BATCH_WAIT_MS_MAX, description="How long the first waits for others."
    )


class TenantDraft(BaseModel):
    """A new tenant."""

    model_config = _STRICT | {
        "json_schema_extra": {"examples": [{"name": "acme", "uid": "customer-17"}]}
    }

    name: str = Field(description="Lower-case letters, digits, _, . and -; at most 63.")
    uid: Uid | None = Field(
        None, description="Your own name for it: the same create again makes no second one."
    )


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
                    "rate_per_s": 50,
                    "uid": "orders-1",
                    "description": "Orders to the warehouse",
                    "metadata": {"team": "billing"},
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
    order: str = Field(
        "none",
        description="`key`: events with one key of one source partition one after another, each "
        "when the one before it is delivered or dead. It stays as it is created.",
    )
    batch: BatchDraft | None = Field(
        None, description="Several payloads in one POST; absent: each has its own."
    )
    rate_per_s: Whole | None = Field(
        None, ge=1, le=RATE_PER_S_MAX, description="POSTs begun a second; absent: as many as go."
    )
    in_flight_max: Whole | None = Field(
        None, ge=1, le=IN_FLIGHT_MAX, description="Open POSTs; absent: the deployment's limit."
    )
    uid: Uid | None = Field(
        None, description="Your own name for it: the same create again makes no second one."
    )
    description: Description = Field("", description="For people.")
    metadata: Metadata = Field(
        default_factory=dict, description="Your own texts by name; at most 50 of 500 characters."
    )


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
    order: str | None = Field(None, description="What it was created with, or 409.")
    batch: BatchDraft | None = Field(
        None, description="Replaces it whole, wait_ms too; count_max 1 ends it."
    )
    rate_per_s: Whole | None = Field(
        None, ge=0, le=RATE_PER_S_MAX, description="POSTs begun a second; 0: as many as go."
    )
    in_flight_max: Whole | None = Field(
        None, ge=0, le=IN_FLIGHT_MAX, description="Open POSTs; 0: the deployment's limit."
    )
    description: Description | None = Field(None, description="For people; '' empties it.")
    metadata: Metadata | None = Field(None, description="Replaces all of it.")


class RotateDraft(BaseModel):
    """How to replace an endpoint's secret."""

    model_config = _STRICT | {"json_schema_extra": {"examples": [{"overlap_s": 3600}]}}

    secret: str | None = Field(
        None, description="whsec_ and base64 of 24 to 64 bytes; generated if absent."
    )
    overlap_s: int | None = Field(
        None,
        ge=0,
        le=OVERLAP_S_MAX,
        description="How long the ones before go on signing; 0 ends them; by default a day.",
    )


class PlacementDraft(BaseModel):
    """Which lane an endpoint is to have."""

    model_config = _STRICT | {"json_schema_extra": {"examples": [{"lane": "dedicated"}]}}

    lane: Literal["dedicated", "pool", "auto"] = Field(
        description="A lane of its own, a place in the pool, or whichever suits how it does."
    )


class KeyDraft(BaseModel):
    """A new API key."""

    model_config = _STRICT | {
        "json_schema_extra": {
            "examples": [{"name": "acme's backend", "tenant": "acme", "may_write": True}]
        }
    }

    name: Name = Field(description="For people.")
    tenant: str | None = Field(
        None, description="Whose; absent: the whole deployment's, and if it may write an admin's."
    )
    may_write: bool = Field(default=True, description="Whether it changes anything.")


class PortalTokenDraft(BaseModel):
    """A new portal token."""

    model_config = _STRICT | {
        "json_schema_extra": {"examples": [{"tenant": "acme", "expires_in_s": 3600}]}
    }

    tenant: str = Field(description="Whose.")
    endpoint_id: str | None = Field(None, description="For this endpoint alone.")
    may_write: bool = Field(default=False, description="Whether it changes anything.")
    expires_in_s: int = Field(3_600, ge=1, le=TOKEN_S_MAX, description="At most a day.")


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

    partition: int = Field(ge=0, lt=2**31, description="Its partition.")
    offset: int = Field(ge=0, lt=2**63, description="Its offset.")


class ResubmitDraft(BaseModel):
    """Which rejected events to match again."""

    model_config = _STRICT | {
        "json_schema_extra": {"examples": [{"positions": [{"partition": 0, "offset": 17}]}]}
    }

    positions: list[RejectedPosition] = Field(
        min_length=1, max_length=POSITIONS_MAX, description="As GET /v1/rejected-events lists them."
    )
