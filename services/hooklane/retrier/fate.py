"""What becomes of a delivery that woke in its tier, by its endpoint's state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooklane.domain.endpoint import Endpoint, Placement
from hooklane.domain.retry import SLACK, next_tier
from hooklane.domain.verdict import Cancelled, Dead, Reason, verdict_by_state
from hooklane.retrier.waiting import Waiting

# An endpoint that takes deliveries but has no lane yet is looked at again after so long.
LANE_WAIT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """It goes to its endpoint's lane."""

    placement: Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """It waits on in another tier."""

    tier: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """It stays held until then."""

    until: datetime


Fate = Copy | Hop | Stay | Dead | Cancelled


def fate(
    waiting: Waiting,
    *,
    endpoint: Endpoint | None,
    now: datetime,
    tiers: Sequence[timedelta],
    age_max: timedelta,
) -> Fate:
    """Decide about a delivery that woke.

    Args:
        waiting: the delivery.
        endpoint: its endpoint's newest revision; None where the table, read at least to the
            delivery's `table_offset`, has none.
        now: our clock.
        tiers: all delays of the deployment.
        age_max: how long a delivery may stay unfinished.
    """
    remaining = timedelta(0) if waiting.released else waiting.due_at - now
    if remaining > SLACK and now >= waiting.tier_over_at:
        return Hop(tier=next_tier(remaining, hops=waiting.progress.hops, tiers=tiers))
    if remaining > timedelta(0):
        return Stay(until=waiting.due_at)
    verdict = verdict_by_state(endpoint.state if endpoint else None)
    if isinstance(verdict, (Dead, Cancelled)):
        return verdict
    if now - waiting.progress.waiting_since >= age_max:
        return Dead(reason=Reason.EXPIRED)
    assert endpoint is not None, "an endpoint without a state is Cancelled"
    if endpoint.placement is None:
        return Stay(until=now + LANE_WAIT)
    return Copy(placement=endpoint.placement)
