"""How many events a replay may bring back now, at its chosen rate."""

from __future__ import annotations

# A fifth of a second's worth may come at once, so that a round that comes late keeps the rate.
_BURST_S = 0.2
_WAIT_MIN_S = 0.001
_ROUNDING = 1e-6


class Bucket:
    """Tokens that fill at a rate; a rate of 0 never runs dry."""

    def __init__(self, rate_per_s: int, *, moment: float) -> None:
        """Begin with one token; `moment` is of the monotonic clock, in seconds."""
        self._rate_per_s, self._burst = rate_per_s, max(1.0, rate_per_s * _BURST_S)
        self._tokens, self._at = 1.0, moment

    def room(self, moment: float, most: int) -> int:
        """Give how many may go now, at most so many."""
        if self._rate_per_s == 0:
            return most
        grown = self._tokens + (moment - self._at) * self._rate_per_s
        self._tokens, self._at = min(self._burst, grown), moment
        return min(most, int(self._tokens + _ROUNDING))

    def take(self, count: int) -> None:
        """Let so many go."""
        self._tokens -= count

    @property
    def wait_s(self) -> float:
        """How long until one may go; asked where none may now."""
        if self._rate_per_s == 0:
            return 0.0
        return max(_WAIT_MIN_S, (1.0 - self._tokens) / self._rate_per_s)
