"""A breaker: leaves alone an endpoint at which next to everything fails, and tries it in between.

`TRANSITIONS` is the whole state machine: what is not in it changes nothing.

    closed ──failed too often──▶ open ──waited──▶ half_open ──trial succeeded──▶ closed
                                  ▲                   │
                                  └───trial failed────┘

Closed, attempts that ended and those of them that failed are counted in a window, in two halves of
which the older is dropped; what ended before the first failure in it is not counted. Open, nothing
starts for a wait that doubles from one opening to the next until it has closed. Half open, one
delivery is the trial; what was begun before counts for nothing.

Pure. It lives as long as its lane is assigned: a new owner relearns it within a window.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hooklane.domain.attempt import Outcome


class BreakerState(enum.Enum):
    """Whether deliveries start."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerCause(enum.Enum):
    """What moves a breaker."""

    FAILED_TOO_OFTEN = "failed_too_often"
    WAITED = "waited"
    TRIAL_SUCCEEDED = "trial_succeeded"
    TRIAL_FAILED = "trial_failed"


TRANSITIONS: Mapping[tuple[BreakerState, BreakerCause], BreakerState] = {
    (BreakerState.CLOSED, BreakerCause.FAILED_TOO_OFTEN): BreakerState.OPEN,
    (BreakerState.OPEN, BreakerCause.WAITED): BreakerState.HALF_OPEN,
    (BreakerState.HALF_OPEN, BreakerCause.TRIAL_SUCCEEDED): BreakerState.CLOSED,
    (BreakerState.HALF_OPEN, BreakerCause.TRIAL_FAILED): BreakerState.OPEN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When a breaker opens, and for how long."""

    attempts_min: int = 100
    failure_share: float = 0.95
    window_ms: int = 30_000
    wait_ms: int = 1_000
    wait_ms_max: int = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Attempts that ended in half a window, and those of them that failed."""

    attempts: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A breaker's state since then; `until_ms`: when an open one is tried."""

    state: BreakerState = BreakerState.CLOSED
    since_ms: int = 0
    until_ms: int = 0
    # Openings since it was last closed.
    openings: int = 0
    # When the newer half of the window began; None: nothing has failed.
    half_since_ms: int | None = None
    newer: Counted = Counted()
    older: Counted = Counted()


def failure(outcome: Outcome, status: int | None) -> bool | None:
    """Tell whether an answer is the receiver's failure; None where it says nothing of it."""
    if outcome in (Outcome.TIMED_OUT, Outcome.UNREACHABLE):
        return True
    if outcome in (Outcome.SUCCEEDED, Outcome.REJECTED):
        return status is not None and (status >= 500 or status == 429)
    return None


def failed(breaker: Breaker, *, attempts: int, now_ms: int, rules: BreakerRules) -> Breaker:
    """Count a failure while closed; open where there are too many.

    Args:
        breaker: as it is.
        attempts: how many ended since the last failure that was counted, this one included.
        now_ms: when it ended.
        rules: when it opens.
    """
    if breaker.state is not BreakerState.CLOSED:
        return breaker
    counted = _rolled(breaker, now_ms, rules)
    begins = counted.half_since_ms is None
    if begins:
        counted = replace(counted, half_since_ms=now_ms)
    newer = Counted(
        attempts=counted.newer.attempts + (1 if begins else attempts),
        failures=counted.newer.failures + 1,
    )
    counted = replace(counted, newer=newer)
    total, failures = (
        counted.older.attempts + newer.attempts,
        counted.older.failures + newer.failures,
    )
    if total < rules.attempts_min or failures < total * rules.failure_share:
        return counted
    return moved(counted, BreakerCause.FAILED_TOO_OFTEN, now_ms=now_ms, rules=rules)


def tried(
    breaker: Breaker, *, has_failed: bool, began_ms: int, now_ms: int, rules: BreakerRules
) -> Breaker:
    """Take the trial's answer while half open; what began before is not the trial."""
    if breaker.state is not BreakerState.HALF_OPEN or began_ms < breaker.since_ms:
        return breaker
    cause = BreakerCause.TRIAL_FAILED if has_failed else BreakerCause.TRIAL_SUCCEEDED
    return moved(breaker, cause, now_ms=now_ms, rules=rules)


def waited(breaker: Breaker, *, now_ms: int, rules: BreakerRules) -> Breaker:
    """Let an open one be tried once its wait is over."""
    if breaker.state is not BreakerState.OPEN or now_ms < breaker.until_ms:
        return breaker
    return moved(breaker, BreakerCause.WAITED, now_ms=now_ms, rules=rules)


def moved(breaker: Breaker, cause: BreakerCause, *, now_ms: int, rules: BreakerRules) -> Breaker:
    """Follow the table."""
    state = TRANSITIONS.get((breaker.state, cause))
    if state is None:
        return breaker
    if state is BreakerState.CLOSED:
        return Breaker(since_ms=now_ms)
    if state is BreakerState.HALF_OPEN:
        return replace(breaker, state=state, since_ms=now_ms)
    openings = breaker.openings + 1
    wait = min(rules.wait_ms_max, rules.wait_ms * 2 ** min(openings - 1, 30))
    return Breaker(state=state, since_ms=now_ms, until_ms=now_ms + wait, openings=openings)


def _rolled(breaker: Breaker, now_ms: int, rules: BreakerRules) -> Breaker:
    """Drop what is older than the window."""
    since, half = breaker.half_since_ms, rules.window_ms // 2
    if since is None or now_ms - since < half:
        return breaker
    if now_ms - since >= 2 * half:
        return replace(breaker, half_since_ms=None, newer=Counted(), older=Counted())
    return replace(breaker, half_since_ms=since + half, older=breaker.newer, newer=Counted())
