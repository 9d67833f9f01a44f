"""What callers send and get about resends and replays."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hooklane.adapters.replay_store import KeptReplay, SourceRange
from hooklane.control.answers import rfc3339
from hooklane.control.log_answers import Listed
from hooklane.control.log_queries import Instant, Name, PageQuery

RATE_MAX = 100_000
# What leaves other endpoints their latency also where two cores run everything (how-fast.md).
RATE = 100
OFFSET_MAX = 2**63 - 1
_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=False)
_EP = "ep_abcdefghijklmnopqrstuvwxyz"
_CMD = "cmd_abcdefghijklmnopqrstuvwxyz"
_REPLAY: dict[str, Any] = {
    "id": _CMD,
    "endpoint_id": _EP,
    "tenant": "acme",
    "dry_run": False,
    "state": "running",
    "reason": "",
    "total": 100_000,
    "done": 40_000,
    "read": 39_990,
    "matched": 12_000,
    "undecodable": 0,
    "rate_per_s": 500,
    "since": "2026-03-01T08:00:00.000Z",
    "until": None,
    "ranges": [{"topic": "events.order", "partition": 0, "first": 0, "end": 100_000}],
    "created_at": "2026-03-02T08:00:00.000Z",
    "started_at": "2026-03-02T08:00:00.200Z",
    "cancel_asked_at": None,
    "finished_at": None,
}


def _topic(text: str) -> str:
    if not text or not all(one.isascii() and (one.isalnum() or one in "._-") for one in text):
        raise ValueError("is no topic's name: letters, digits, '.', '_' and '-'")
    return text


Topic = Annotated[str, Field(max_length=249), AfterValidator(_topic)]
Offset = Annotated[int, Field(ge=0, le=OFFSET_MAX)]


class ResendDraft(BaseModel):
    """One past event to one endpoint."""

    model_config = _STRICT | {
        "json_schema_extra": {
            "examples": [{"event_id": "evt_abcdefghijklmnopqrstuvwxyz", "endpoint_id": _EP}]
        }
    }

    event_id: Name = Field(description="Which event.")
    endpoint_id: Name = Field(description="To whom; it need not have got it before.")


class ResendAnswer(BaseModel):
    """A resend that is under way; its delivery is known beforehand."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"command_id": _CMD, "delivery_id": "dlv_abcdefghijklmnopqrstuvwxyz"}]
        }
    )

    command_id: str
    delivery_id: str = Field(description="As /v1/deliveries shows it once it is written.")


class ReplayDraft(BaseModel):
    """Which part of the event log goes to which endpoint: a span of time, or of offsets."""

    model_config = _STRICT | {
        "json_schema_extra": {
            "examples": [
                {"endpoint_id": _EP, "since": "2026-03-01T08:00:00Z", "rate_per_s": 500},
                {
                    "endpoint_id": _EP,
                    "topic": "events.order",
                    "partition": 0,
                    "from_offset": 1000,
                    "to_offset": 2000,
                    "dry_run": True,
                },
            ]
        }
    }

    endpoint_id: Name = Field(description="To whom; events go that its subscription wants now.")
    since: Instant | None = Field(None, description="Events appended not before this time.")
    until: Instant | None = Field(None, description="Events appended before this time.")
    topic: Topic | None = Field(None, description="Only of this source topic.")
    partition: int | None = Field(None, ge=0, le=2**31 - 1, description="Only of this partition.")
    from_offset: Offset | None = Field(None, description="From this offset on.")
    to_offset: Offset | None = Field(None, description="Below this offset.")
    rate_per_s: int = Field(
        RATE,
        ge=0,
        le=RATE_MAX,
        description="At most so many deliveries a second; 0: as fast as it goes.",
    )
    partial: bool = Field(
        default=False, description="Take what the log still holds, where it no longer has it all."
    )
    dry_run: bool = Field(default=False, description="Count it and do nothing.")


class RangeAnswer(BaseModel):
    """A part of a source partition."""

    topic: str
    partition: int
    first: int = Field(description="The first offset.")
    end: int = Field(description="The offset behind the last.")


class ReplayAnswer(BaseModel):
    """A replay, and how far it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REPLAY]})

    id: str | None = Field(description="Null for a dry run; else also its command's id.")
    endpoint_id: str
    tenant: str
    dry_run: bool = False
    state: str = Field(description="waiting, running, finished, cancelled or ended.")
    reason: str = Field(description="Why it ended early: the endpoint's state, outcome_unknown.")
    total: int = Field(description="Offsets in its ranges: at least as many as events.")
    done: int = Field(description="Of these, how many are passed.")
    read: int = Field(description="Events read.")
    matched: int = Field(description="Events that became deliveries.")
    undecodable: int = Field(description="Records that could not be read as events.")
    rate_per_s: int
    since: str | None
    until: str | None
    ranges: list[RangeAnswer]
    created_at: str
    started_at: str | None
    cancel_asked_at: str | None
    finished_at: str | None


class ReplayPage(Listed):
    """A page of replays, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_REPLAY], "next_cursor": None}]}
    )

    items: list[ReplayAnswer]


class ReplayQuery(PageQuery):
    """Which replays to list."""

    tenant: Name | None = Field(None, description="Whose; a tenant's key sees its own only.")
    endpoint_id: Name | None = Field(None, description="Of this endpoint.")


def replay_answer(replay: KeptReplay, *, dry_run: bool = False) -> ReplayAnswer:
    """Show a replay."""
    progress = replay.progress
    times = {
        "since": replay.since,
        "until": replay.until,
        "created_at": replay.created_at,
        "started_at": progress.started_at,
        "cancel_asked_at": replay.cancel_asked_at,
        "finished_at": progress.finished_at,
    }
    shown = {name: None if at is None else rfc3339(at) for name, at in times.items()}
    return ReplayAnswer.model_validate(
        {
            **shown,
            "id": None if dry_run else replay.replay_id,
            "endpoint_id": replay.endpoint_id,
            "tenant": replay.tenant,
            "dry_run": dry_run,
            "state": progress.state,
            "reason": progress.reason,
            "total": replay.total,
            "done": progress.done,
            "read": progress.read,
            "matched": progress.matched,
            "undecodable": progress.undecodable,
            "rate_per_s": replay.rate_per_s,
            "ranges": [_range(one) for one in replay.ranges],
        }
    )


def _range(one: SourceRange) -> dict[str, object]:
    return one._asdict()
