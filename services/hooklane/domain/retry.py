"""When a failed delivery is tried again, and in which tier topic it waits.

Each tier is one delay and one topic, never mixed, so a tier is a queue: what was written first is
due first. Jitter only adds and is bounded, and is written as an absolute time when the attempt
fails. A step of the schedule is written to its own tier exactly once; only a Retry-After longer
than its step hops between tiers.
"""

from __future__ import annotations

import email.utils
import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hooklane.domain.errors import Invalid

Schedule = tuple[timedelta, ...]

JITTER_SHARE = 0.2
JITTER_MAX = timedelta(seconds=60)
# How far past its tier's delay a record may be due and still wait in the retrier's heap.
SLACK = timedelta(seconds=60)
RETRY_AFTER_MAX = timedelta(hours=24)
SCHEDULE_STEPS_MAX = 30
HOPS_MAX = 3


def _hours(*hours: int) -> Schedule:
    return tuple(timedelta(hours=n) for n in hours)


# Standard Webhooks' example schedule.
DEFAULT_SCHEDULE: Schedule = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *_hours(2, 5, 10, 14, 20, 24),
)
DEFAULT_TIERS: Schedule = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *_hours(2, 5, 10, 14, 20, 24),
)
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DELAY = re.compile(r"^([1-9][0-9]{0,6})([smhd])\Z")


def parse_delay(text: str) -> timedelta:
    """Read `5s`, `30m`, `2h` or `1d`.

    Raises:
        Invalid: it is none of these.
    """
    found = _DELAY.match(text)
    if found is None:
        raise Invalid(f"delay {text[:40]!r} is not a number and s, m, h or d, such as 30m")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def format_delay(delay: timedelta) -> str:
    """Write a delay in its largest whole unit up to hours (`24h`, not `1d`), as topics name it."""
    seconds = int(delay.total_seconds())
    for unit in ("h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


def schedule(delays: Sequence[timedelta], *, tiers: Sequence[timedelta]) -> Schedule:
    """Build an endpoint's schedule: delays that never shrink, each a tier of the deployment.

    Raises:
        Invalid: too many steps, a delay without a tier, or one shorter than the one before it.
    """
    if len(delays) > SCHEDULE_STEPS_MAX:
        raise Invalid(f"a retry schedule has at most {SCHEDULE_STEPS_MAX} steps")
    for before, delay in zip((timedelta(0), *delays), delays, strict=False):
        if delay not in tiers:
            offered = ", ".join(format_delay(tier) for tier in tiers)
            raise Invalid(f"delay {format_delay(delay)} is not a tier here; there are {offered}")
        if delay < before:
            raise Invalid(f"delay {format_delay(delay)} is shorter than the one before it")
    return tuple(delays)


def jittered(delay: timedelta, *, chance: random.Random) -> timedelta:
    """Add 0 to min(20 % of the delay, 60 s)."""
    return delay + chance.random() * min(delay * JITTER_SHARE, JITTER_MAX)


def first_tier(wait: timedelta, *, step_delay: timedelta, tiers: Sequence[timedelta]) -> timedelta:
    """Choose the tier a failed delivery is written to.

    The step's own tier, unless a Retry-After asks for more than that tier and its slack: then the
    largest that fits.
    """
    if wait <= step_delay + SLACK:
        return step_delay
    return max(tier for tier in tiers if tier <= wait)


def next_tier(remaining: timedelta, *, hops: int, tiers: Sequence[timedelta]) -> timedelta:
    """Choose the tier a record hops to when its tier's delay is over long before it is due.

    The largest that fits; on the third hop the smallest that overshoots, so that no Retry-After
    costs more than three copies.
    """
    fitting = [tier for tier in tiers if tier <= remaining]
    overshooting = [tier for tier in tiers if tier >= remaining]
    if hops + 1 >= HOPS_MAX and overshooting:
        return min(overshooting)
    return max(fitting) if fitting else min(tiers)


def retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds or a date, 0 to 24 h.

    Returns:
        The wait from now, or None where the header is absent or unreadable.
    """
    if value is None:
        return None
    text = value.strip()
    # isascii first: int() would also take other scripts' digits.
    if text.isascii() and text.isdigit():
        seconds = int(text) if len(text) < 10 else 10**9
        return min(timedelta(seconds=seconds), RETRY_AFTER_MAX)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta(0)), RETRY_AFTER_MAX)
