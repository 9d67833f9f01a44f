"""How many events a replay may bring back now, at its chosen rate.

They go in portions: a transaction for every single event would take the broker's time from the
deliveries that are not of the past. A portion is a tenth of a second's worth; where that is little,
up to 25 events, for which half a second is waited at most.
"""

from __future__ import annotations

_PORTION_S, _PORTION_S_MAX, _PORTION = 0.1, 0.5, 25
# So many portions may come at once, so that a round that comes late keeps the rate.
_BURST = 2
_WAIT_MIN_S = 0.001
_ROUNDING = 1e-6


class Bucket:
    """Tokens that fill at a rate; a rate of 0 never runs dry.

    Args:
        rate_per_s: how many events a second; 0: as fast as it goes.
        most: how many may go at once, whatever the rate.
        moment: now, by the monotonic clock in seconds.
    """

    def __init__(self, rate_per_s: int, *, most: int, moment: float) -> None:
        """Begin with one portion."""
        self._rate_per_s, self._most = rate_per_s, most
        portion = max(rate_per_s * _PORTION_S, min(_PORTION, rate_per_s * _PORTION_S_MAX))
        self._portion = max(1.0, min(portion, most))
        self._burst = max(_BURST * portion, 1.0)
        self._tokens, self._at = self._portion, moment

    def room(self, moment: float) -> int:
        """Give how many may go now: none before they make a portion."""
        if self._rate_per_s == 0:
            return self._most
        grown = self._tokens + (moment - self._at) * self._rate_per_s
        self._tokens, self._at = min(self._burst, grown), moment
        if self._tokens + _ROUNDING < self._portion:
            return 0
        return min(self._most, int(self._tokens + _ROUNDING))

    def take(self, count: int) -> None:
        """Let so many go."""
        self._tokens -= count

    @property
    def wait_s(self) -> float:
        """How long until some may go; asked where none may now."""
        if self._rate_per_s == 0:
            return 0.0
        return max(_WAIT_MIN_S, (self._portion - self._tokens) / self._rate_per_s)
