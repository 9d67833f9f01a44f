"""One HTTP request of a delivery, what it met, and what it left in the log."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class Outcome(enum.Enum):
    """What an attempt met; a value, never an exception."""

    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    BLOCKED = "blocked"
    FAILED = "failed"
    # An Attempt record without a request: Cancelled, expired, or its endpoint disabled.
    NONE = "none"


# What receivers answer that want to be left alone for a while.
LEAVE_ALONE = frozenset((429, 503))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long the parts of an attempt took, in milliseconds; None where a part did not happen."""

    dns: int | None = None
    connect: int | None = None
    tls: int | None = None
    first_byte: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What a verdict is made from: the outcome, and the little of the answer that decides."""

    outcome: Outcome
    status: int | None = None
    retry_after: str | None = None
    error: str = ""
    at: datetime
