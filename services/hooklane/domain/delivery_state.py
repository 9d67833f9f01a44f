"""Where a delivery is now, told by what was recorded of it; deliveries themselves are not stored.

A receipt says which endpoints get an event, ids are hashes, and the state follows from the newest
attempt, the dead letter and the endpoint's own state. What lies in a topic but has not been
recorded yet is seen a moment later: the answer is never ahead of the log.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooklane.domain.endpoint import EndpointState
from hooklane.domain.ids import delivery_id


class DeliveryState(enum.Enum):
    """What became of a delivery so far."""

    IN_LANE = "in_lane"
    HELD = "held"
    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """A delivery that a receipt says exists."""

    delivery_id: str
    endpoint_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAttempt:
    """What is kept of a delivery's newest attempt; `verdict` as its record writes it."""

    started_at: datetime
    number: int
    verdict: str
    tier: timedelta | None = None
    due_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterMark:
    """When a delivery died, and when it was put back."""

    died_at: datetime
    reason: str
    redriven_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A delivery's state; `tier` and `due_at` while it waits, `reason` where it ended badly."""

    state: DeliveryState
    tier: timedelta | None = None
    due_at: datetime | None = None
    reason: str = ""


_DELIVERED = Standing(state=DeliveryState.DELIVERED)
_HELD = Standing(state=DeliveryState.HELD)
_IN_LANE = Standing(state=DeliveryState.IN_LANE)


def obligations(
    matched: Sequence[str], *, event_id: str, trigger: str, command_id: str
) -> list[Obligation]:
    """Give the deliveries of a receipt, in its order."""
    return [
        Obligation(
            delivery_id=delivery_id(
                event_id=event_id, endpoint_id=endpoint_id, trigger=trigger, command_id=command_id
            ),
            endpoint_id=endpoint_id,
        )
        for endpoint_id in matched
    ]


def newest(attempts: Iterable[LastAttempt]) -> LastAttempt | None:
    """Give the newest; of one millisecond the one with the higher number."""
    return max(attempts, key=lambda attempt: (attempt.started_at, attempt.number), default=None)


def standing(
    attempt: LastAttempt | None,
    dead_letter: DeadLetterMark | None,
    *,
    endpoint_state: EndpointState | None,
    now: datetime,
) -> Standing:
    """Tell where a delivery is.

    Args:
        attempt: its newest one, None where there is none.
        dead_letter: its newest one, also one that was redriven.
        endpoint_state: of its endpoint, None where that is not known.
        now: what past due means.
    """
    held = endpoint_state is EndpointState.PAUSED
    in_lane = _HELD if held else _IN_LANE
    if attempt is not None and attempt.verdict == "delivered":
        return _DELIVERED if _is_newer(attempt, dead_letter) else in_lane
    if dead_letter is not None and dead_letter.redriven_at is None:
        return Standing(state=DeliveryState.DEAD, reason=dead_letter.reason)
    if attempt is None or not _is_newer(attempt, dead_letter):
        return in_lane
    if attempt.verdict == "dead":
        return Standing(state=DeliveryState.DEAD, reason=attempt.reason)
    if attempt.verdict == "cancelled":
        return Standing(state=DeliveryState.CANCELLED, reason=attempt.reason)
    if attempt.due_at is not None and attempt.due_at > now:
        return Standing(state=DeliveryState.WAITING, tier=attempt.tier, due_at=attempt.due_at)
    return in_lane


def _is_newer(attempt: LastAttempt, dead_letter: DeadLetterMark | None) -> bool:
    # A redrive begins anew: what was attempted before it says nothing of now.
    redriven_at = None if dead_letter is None else dead_letter.redriven_at
    return redriven_at is None or attempt.started_at > redriven_at
