"""How many POSTs an endpoint has open at once: learned from its answers.

Judged a window at a time, a window being about as many answers as may be open, and more where
nothing happens. It doubles from the start until something speaks against it, then grows by a
quarter, and only while it is used; it is halved where a tenth of a window was refused (timed out,
unreachable, 429, 503), and falls by a tenth where answers take clearly longer than the fastest
windows of the last minutes did.

Pure. Never below 1, never above the cap; slowness alone never brings it below `START`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hooklane.domain.attempt import LEAVE_ALONE, Outcome

START = 8
WINDOW_MIN = 8
# Where nothing failed and nothing changed.
QUIET_WINDOW = 64
REFUSED_SHARE = 0.1
# Slow is more than twice the fastest, and so much more: our own queueing is no fault of theirs.
SLOW_FACTOR, SLOW_MORE_MS = 2.0, 50.0
FASTEST_KEPT_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What came of some answers that followed one another.

    `failed` counts what was no success, `refused` what asks for less of it; `latency_ms` is their
    mean; `is_used` tells whether the limit is what kept more from being open.
    """

    answers: int
    failed: int
    refused: int
    latency_ms: float
    is_used: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """The limit, its cap, and how fast the endpoint was when it was fast."""

    limit: int
    cap: int
    # Nothing has spoken against more yet.
    is_learning: bool = True
    # The fastest window since then, and the fastest of the span before.
    fastest_ms: float | None = None
    fastest_before_ms: float | None = None
    since_ms: int = 0

    @property
    def window(self) -> int:
        """How many answers are judged together."""
        return max(WINDOW_MIN, self.limit)


def first_limit(cap: int) -> InFlight:
    """Begin with an endpoint of which nothing is known."""
    return InFlight(limit=min(START, cap), cap=cap)


def again(known: InFlight) -> InFlight:
    """Begin anew with an endpoint that was away, and is back."""
    return replace(known, limit=min(known.limit, START, known.cap), is_learning=True)


def capped(known: InFlight, cap: int) -> InFlight:
    """Follow a change of the cap."""
    if cap == known.cap:
        return known
    return replace(known, limit=min(known.limit, cap), cap=cap)


def is_refusal(outcome: Outcome, status: int | None) -> bool:
    """Tell whether an answer says that it was too much."""
    return outcome in (Outcome.TIMED_OUT, Outcome.UNREACHABLE) or status in LEAVE_ALONE


def reviewed(known: InFlight, window: Window, *, now_ms: int) -> InFlight:
    """Judge a window; give the limit that holds from now on."""
    if window.failed == 0:
        known = _timed(known, window.latency_ms, now_ms)
    limit = known.limit
    if window.refused >= max(1, window.answers * REFUSED_SHARE):
        return replace(known, limit=max(1, limit // 2), is_learning=False)
    if window.failed == 0 and is_slow(known, window.latency_ms):
        low = min(limit, START)
        return replace(known, limit=max(low, limit * 9 // 10), is_learning=False)
    if window.refused == 0 and window.is_used and limit < known.cap:
        more = limit if known.is_learning else max(1, limit // 4)
        return replace(known, limit=min(known.cap, limit + more))
    return known


def is_slow(known: InFlight, latency_ms: float) -> bool:
    """Tell whether answers take clearly longer than they did at best."""
    found = [at for at in (known.fastest_ms, known.fastest_before_ms) if at is not None]
    if not found:
        return False
    fastest = min(found)
    return latency_ms > max(fastest * SLOW_FACTOR, fastest + SLOW_MORE_MS)


def _timed(known: InFlight, latency_ms: float, now_ms: int) -> InFlight:
    fastest = known.fastest_ms
    if fastest is None or now_ms - known.since_ms >= FASTEST_KEPT_MS:
        return replace(known, fastest_ms=latency_ms, fastest_before_ms=fastest, since_ms=now_ms)
    return known if latency_ms >= fastest else replace(known, fastest_ms=latency_ms)
