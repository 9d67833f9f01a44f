"""What follows from an attempt: the verdict table as one function."""

from __future__ import annotations

import enum
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooklane.domain.attempt import LEAVE_ALONE, AttemptResult, Outcome
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.retry import Schedule, first_tier, jittered, retry_after


class Reason(enum.Enum):
    """Why a delivery is dead or cancelled."""

    GONE = "gone"
    ADDRESS_REFUSED = "address_refused"
    EXHAUSTED = "exhausted"
    INTERNAL = "internal"
    EXPIRED = "expired"
    ENDPOINT_DISABLED = "endpoint_disabled"
    ENDPOINT_DELETED = "endpoint_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Wait in this tier, never to be attempted before `due_at`."""

    tier: timedelta
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """Rest in the dead letters, from which it can be redriven."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The endpoint is no more: recorded, and nothing else."""

    reason: Reason


Verdict = Delivered | RetryAt | Dead | Cancelled
DELIVERED = Delivered()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict and what it means for the lane: `hold_until` stops all of the endpoint's POSTs.

    `spares` says that it waits though its schedule is exhausted, by the guard's leave.
    """

    verdict: Verdict
    hold_until: datetime | None = None
    disables: bool = False
    spares: bool = False


_DELIVERED = Judgement(verdict=DELIVERED)
_GONE = Judgement(verdict=Dead(reason=Reason.GONE), disables=True)
_REFUSED = Judgement(verdict=Dead(reason=Reason.ADDRESS_REFUSED))


def judge(
    result: AttemptResult,
    *,
    schedule: Schedule,
    step: int,
    tiers: Sequence[timedelta],
    chance: random.Random,
) -> Judgement:
    """Follow the verdict table.

    Args:
        result: what the attempt met.
        schedule: the endpoint's delays.
        step: how many of them this delivery has already waited.
        tiers: all delays of the deployment.
        chance: where jitter comes from.
    """
    if result.outcome is Outcome.SUCCEEDED:
        return _DELIVERED
    if result.outcome is Outcome.BLOCKED:
        return _REFUSED
    if result.status == 410:
        return _GONE
    asked = retry_after(result.retry_after, now=result.at) if result.status in LEAVE_ALONE else None
    hold_until = None if asked is None else result.at + asked
    if step >= len(schedule):
        internal = result.outcome is Outcome.FAILED
        reason = Reason.INTERNAL if internal else Reason.EXHAUSTED
        return Judgement(verdict=Dead(reason=reason), hold_until=hold_until)
    delay = schedule[step]
    wait = jittered(delay, chance=chance)
    if asked is not None:
        wait = max(wait, asked)
    tier = first_tier(wait, step_delay=delay, tiers=tiers)
    return Judgement(verdict=RetryAt(tier=tier, due_at=result.at + wait), hold_until=hold_until)


def verdict_by_state(state: EndpointState | None) -> Verdict | None:
    """Say what follows from the endpoint's state alone; None where its deliveries go on.

    Args:
        state: the endpoint's state, None where the endpoint table no longer has it.
    """
    if state is EndpointState.DISABLED:
        return Dead(reason=Reason.ENDPOINT_DISABLED)
    if state is None or state is EndpointState.DELETED:
        return Cancelled(reason=Reason.ENDPOINT_DELETED)
    return None
