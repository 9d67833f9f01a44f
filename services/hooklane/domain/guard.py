"""The exhaustion guard: a whole world's outage must not bury everything in the dead letters.

There is one per deployment. While next to no endpoint that is tried succeeds, the trouble is more
likely ours than theirs; a delivery whose schedule is exhausted then takes the schedule's last tier
again, three times at most. Control judges and says until when that holds; whoever judges deliveries
only compares times, so a guard that nobody renews ends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hooklane.domain.retry import Schedule
from hooklane.domain.verdict import Dead, Judgement, Reason

VALID_FOR = timedelta(minutes=3)
# Renewed in time for whoever reads late.
RENEWED_WITH_LEFT = timedelta(minutes=2)
SPARED_MAX = 3
_EXHAUSTED = Dead(reason=Reason.EXHAUSTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When nearly nothing succeeds: a success share of 0 percent says never."""

    window: timedelta = timedelta(minutes=5)
    endpoints_min: int = 3
    percent: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How many endpoints were attempted of late, and how many of them succeeded at least once."""

    attempted: int
    succeeded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The guard while it holds."""

    since: datetime
    until: datetime
    reach: Reach


def is_outage(reach: Reach, rules: Rules) -> bool:
    """Tell whether enough endpoints were tried, and next to none of them succeeded."""
    is_enough = reach.attempted >= rules.endpoints_min
    return is_enough and reach.succeeded * 100 < reach.attempted * rules.percent


def renewed(guard: Guard | None, reach: Reach, *, rules: Rules, now: datetime) -> Guard | None:
    """Give the guard as it is now: raised, renewed, left to run out, or none.

    It is another than the one given exactly where its new `until` has to be told.
    """
    if guard is not None and guard.until <= now:
        guard = None
    if not is_outage(reach, rules):
        return guard
    if guard is None:
        return Guard(since=now, until=now + VALID_FOR, reach=reach)
    if guard.until - now > RENEWED_WITH_LEFT:
        return guard
    return replace(guard, until=now + VALID_FOR, reach=reach)


def spares(judgement: Judgement, *, schedule: Schedule, spared: int) -> bool:
    """Tell whether a guard that holds turns this judgement into one more wait.

    Only exhaustion is spared: what is gone, refused by address or our own error stays dead.

    Args:
        judgement: what follows without a guard.
        schedule: the endpoint's delays; without one there is no last tier to take again.
        spared: how often this delivery was spared since its schedule began.
    """
    return judgement.verdict == _EXHAUSTED and bool(schedule) and spared < SPARED_MAX
