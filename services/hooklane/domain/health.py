"""An endpoint's health, told from its attempts: pure, bounded, the same for the same attempts.

A run of failures begins with a failure and ends with a success. Attempts come in nearly the order
of their starts: one that is older than what is known already moves no run. The last hour is kept as
twelve counters of five minutes with a histogram each, so a row never grows.
"""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from hooklane.domain import operational
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.operational import OperationalEvent, Value, is_operational

SLOT = timedelta(minutes=5)
SLOTS = 12
_SLOT_MS = SLOT // timedelta(milliseconds=1)
# Latencies in milliseconds; what took longer than the last counts as that.
BOUNDS_MS = (
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000,
    3_000, 5_000, 7_000, 10_000, 15_000, 30_000,
)  # fmt: skip
WINDOW = timedelta(minutes=1)
# Of these an endpoint is to blame; our own errors and what had no request say nothing of it.
_FAILURES = frozenset((Outcome.REJECTED, Outcome.UNREACHABLE, Outcome.TIMED_OUT, Outcome.BLOCKED))
_EMPTY = (0,) * (2 + len(BOUNDS_MS))


class HealthState(enum.Enum):
    """Whether an endpoint's last attempts, so many in a row, all failed."""

    HEALTHY = "healthy"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When an endpoint is failing, when it is hopeless, and how much is told of its dead."""

    failing_after: int = 10
    disable_after: timedelta = timedelta(days=5)
    disable_attempts_min: int = 10
    dead_per_minute_max: int = 10


class Met(NamedTuple):
    """What one attempt says: when it began, what it met, and whether its delivery is dead.

    A tuple, with the time in unix milliseconds: one is made for every attempt there is.
    """

    attempt_id: str
    delivery_id: str
    event_id: str
    event_type: str
    at_ms: int
    outcome: Outcome
    status: int | None = None
    latency_ms: int | None = None
    number: int = 1
    is_dead: bool = False
    reason: str = ""


# By slot number (since 1970): successes, failures, then how many took at most each of BOUNDS_MS.
Slots = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is known of an endpoint.

    `told_since` is since when it fails by the last `endpoint.failing` that no `endpoint.recovered`
    followed. `dead_window_at` is when the present minute of `delivery.dead` began.
    """

    endpoint_id: str
    tenant: str
    state: HealthState = HealthState.HEALTHY
    failing_since: datetime | None = None
    consecutive_failures: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_outcome: Outcome = Outcome.NONE
    last_status: int | None = None
    told_since: datetime | None = None
    slots: Slots = field(default_factory=dict)
    dead_window_at: datetime | None = None
    dead_told: int = 0
    dead_untold: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LastHour:
    """Figures of the last hour; the rate and p95 are None where nothing was attempted."""

    attempts: int
    successes: int
    success_rate: float | None
    p95_ms: int | None


def observed(
    health: Health, attempts: Iterable[Met], *, rules: Rules, now: datetime
) -> tuple[Health, list[OperationalEvent]]:
    """Take attempts in; give what is known then, and what there is to tell.

    Called without attempts it tells what a minute's end leaves to tell.
    """
    ordered = sorted(attempts, key=lambda met: met.at_ms)
    health, told = _closed_window(health, now)
    health = replace(health, slots=_counted(health.slots, ordered, now=now))
    calm = _is_calm(health)
    # Of successes that end no run, the common ones, the newest stands for all.
    newest: Met | None = None
    for met in ordered:
        if calm and met.outcome is Outcome.SUCCEEDED:
            newest = met
            continue
        health, newest = _with_success(health, newest), None
        health, events = _after(health, met, rules, now=now)
        told += events
        calm = _is_calm(health)
    return _with_success(health, newest), told


def is_hopeless(health: Health, rules: Rules) -> bool:
    """Tell whether there was nothing but failure for so long that the endpoint is disabled."""
    since, last = health.failing_since, health.last_failure_at
    if since is None or last is None or rules.disable_after <= timedelta(0):
        return False
    is_enough = health.consecutive_failures >= rules.disable_attempts_min
    return is_enough and last - since >= rules.disable_after


def begun_anew(health: Health) -> Health:
    """Forget a run of failures, as after a change by hand; what was told stays told."""
    return replace(health, state=HealthState.HEALTHY, failing_since=None, consecutive_failures=0)


def last_hour(health: Health, *, now: datetime) -> LastHour:
    """Sum the last hour up; p95 is the bound below which 95 % of the answers came."""
    sums = [
        sum(column) for column in zip(_EMPTY, *_recent(health.slots, now).values(), strict=True)
    ]
    successes, failures, *counts = sums
    attempts = successes + failures
    return LastHour(
        attempts=attempts,
        successes=successes,
        success_rate=round(successes / attempts, 4) if attempts else None,
        p95_ms=_p95(counts),
    )


def _p95(counts: Sequence[int]) -> int | None:
    total, running = sum(counts), 0
    for bound, count in zip(BOUNDS_MS, counts, strict=True):
        running += count
        if count and running * 100 >= total * 95:
            return bound
    return None


def _slot(at_ms: int) -> int:
    return at_ms // _SLOT_MS


def _recent(slots: Slots, now: datetime) -> Slots:
    newest = _slot(to_ms(now))
    return {slot: counts for slot, counts in slots.items() if newest - SLOTS < slot <= newest}


def _counted(slots: Slots, attempts: Iterable[Met], *, now: datetime) -> Slots:
    found = {slot: list(counts) for slot, counts in slots.items()}
    newest = _slot(to_ms(now))
    last = len(BOUNDS_MS) - 1
    for met in attempts:
        succeeded = met.outcome is Outcome.SUCCEEDED
        if succeeded or met.outcome in _FAILURES:
            # A clock ahead of ours would put it where nobody looks.
            slot = min(_slot(met.at_ms), newest)
            counts = found.get(slot)
            if counts is None:
                counts = found[slot] = list(_EMPTY)
            counts[0 if succeeded else 1] += 1
            if met.latency_ms is not None:
                counts[2 + min(bisect_left(BOUNDS_MS, met.latency_ms), last)] += 1
    return _recent({slot: tuple(counts) for slot, counts in found.items()}, now)


def _after(
    health: Health, met: Met, rules: Rules, *, now: datetime
) -> tuple[Health, list[OperationalEvent]]:
    told: OperationalEvent | None = None
    died: OperationalEvent | None = None
    if met.outcome is Outcome.SUCCEEDED:
        health, told = _after_success(health, met)
    elif met.outcome in _FAILURES:
        health, told = _after_failure(health, met, rules)
    if met.is_dead and not is_operational(met.event_type):
        health, died = _after_death(health, met, rules, now=now)
    return health, [event for event in (told, died) if event is not None]


def _is_calm(health: Health) -> bool:
    return health.failing_since is None and health.told_since is None


def _with_success(health: Health, met: Met | None) -> Health:
    if met is None:
        return health
    at, last = from_ms(met.at_ms), health.last_success_at
    return health if last is not None and at <= last else replace(health, last_success_at=at)


def _after_success(health: Health, met: Met) -> tuple[Health, OperationalEvent | None]:
    known, at = _with_success(health, met), from_ms(met.at_ms)
    since, told = health.failing_since, health.told_since
    if since is not None and at < since:
        return known, None
    after = replace(begun_anew(known), told_since=None)
    if told is None:
        return after, None
    values: dict[str, Value] = {
        "failing_since": to_ms(told),
        "recovered_at": met.at_ms,
        "consecutive_failures": health.consecutive_failures,
    }
    return after, _event(operational.RECOVERED, health, met, values)


def _after_failure(
    health: Health, met: Met, rules: Rules
) -> tuple[Health, OperationalEvent | None]:
    at = from_ms(met.at_ms)
    if health.last_success_at is not None and at < health.last_success_at:
        return health, None
    since = at if health.failing_since is None else min(at, health.failing_since)
    last = at if health.last_failure_at is None else max(at, health.last_failure_at)
    count = health.consecutive_failures + 1
    fails = count >= rules.failing_after
    tells = fails and health.told_since is None and not is_operational(met.event_type)
    after = replace(
        health,
        state=HealthState.FAILING if fails else health.state,
        failing_since=since,
        consecutive_failures=count,
        last_failure_at=last,
        last_outcome=met.outcome,
        last_status=met.status,
        told_since=since if tells else health.told_since,
    )
    if not tells:
        return after, None
    values: dict[str, Value] = {
        "failing_since": to_ms(since),
        "consecutive_failures": count,
        "last_outcome": met.outcome.value,
        "last_status": met.status,
    }
    return after, _event(operational.FAILING, health, met, values)


def _after_death(
    health: Health, met: Met, rules: Rules, *, now: datetime
) -> tuple[Health, OperationalEvent | None]:
    window = now if health.dead_window_at is None else health.dead_window_at
    if health.dead_told >= rules.dead_per_minute_max:
        return replace(health, dead_untold=health.dead_untold + 1), None
    values: dict[str, Value] = {
        "delivery_id": met.delivery_id,
        "event_id": met.event_id,
        "event_type": met.event_type,
        "reason": met.reason,
        "attempt_number": met.number,
        "last_outcome": met.outcome.value,
        "last_status": met.status,
        "more": 0,
    }
    after = replace(health, dead_window_at=window, dead_told=health.dead_told + 1)
    return after, _event(operational.DEAD, health, met, values)


def _closed_window(health: Health, now: datetime) -> tuple[Health, list[OperationalEvent]]:
    window, untold = health.dead_window_at, health.dead_untold
    if window is None or now - window < WINDOW:
        return health, []
    after = replace(health, dead_window_at=None, dead_told=0, dead_untold=0)
    if not untold:
        return after, []
    unknown: dict[str, Value] = dict.fromkeys(
        ("delivery_id", "event_id", "event_type", "reason", "attempt_number", "last_outcome",
         "last_status")
    )  # fmt: skip
    more = OperationalEvent(
        event_type=operational.DEAD,
        id_in_source=f"{operational.DEAD}:{health.endpoint_id}:{to_ms(window)}",
        tenant=health.tenant,
        endpoint_id=health.endpoint_id,
        at=now,
        values={"endpoint_id": health.endpoint_id, **unknown, "more": untold},
    )
    return after, [more]


def _event(
    event_type: str, health: Health, met: Met, values: Mapping[str, Value]
) -> OperationalEvent:
    return OperationalEvent(
        event_type=event_type,
        id_in_source=f"{event_type}:{health.endpoint_id}:{met.attempt_id}",
        tenant=health.tenant,
        endpoint_id=health.endpoint_id,
        at=from_ms(met.at_ms),
        values={"endpoint_id": health.endpoint_id, **values},
    )
