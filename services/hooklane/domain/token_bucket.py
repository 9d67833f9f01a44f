"""A rate limit: so many a second, of which a second's worth may come at once.

Tokens are reserved, and each has a time at which it may be used. Who waits for one has a place that
nobody takes, so that all who share a bucket get their turns in the order in which they asked.

Kept as one number, the time at which the bucket would be full again (the generic cell rate
algorithm): nothing is counted while nobody asks.
"""

from __future__ import annotations


class TokenBucket:
    """Gives tokens in time.

    Args:
        rate_per_s: how many a second, at least 1.
    """

    __slots__ = ("_full_at_ms", "_interval_ms", "_span_ms", "rate_per_s")

    def __init__(self, rate_per_s: int) -> None:
        """Begin full."""
        assert rate_per_s >= 1
        self.rate_per_s = rate_per_s
        self._interval_ms = 1_000 / rate_per_s
        # One of the burst is the one asked for.
        self._span_ms = 1_000 - self._interval_ms
        self._full_at_ms = float("-inf")

    def reserve(self, now_ms: float) -> float:
        """Reserve the next token; give the time from which on it may be used, maybe past."""
        full_at = max(self._full_at_ms, now_ms)
        self._full_at_ms = full_at + self._interval_ms
        return full_at - self._span_ms
