"""How much one key may ask: a token bucket for each, in bounded memory.

A bucket that is full is the same as none, so the least recently used one can be forgotten: whoever
it was of gains at most one burst.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass

from hooklane.adapters.ports import Clock

BUCKETS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What was found in a bucket: whether it sufficed, what is left, when there is more."""

    allowed: bool
    left: int
    wait_s: int
    policy: str

    def headers(self) -> dict[str, str]:
        """Give the answer's headers; the wait is for a full bucket's next token."""
        told = {
            "RateLimit-Policy": self.policy,
            "RateLimit": f'"key";r={self.left};t={self.wait_s}',
        }
        return told if self.allowed else told | {"Retry-After": str(max(1, self.wait_s))}


class Buckets:
    """Token buckets by name; may be used by several threads.

    Args:
        rate_per_s: tokens that come a second; 0 never refuses.
        burst: tokens that a bucket holds.
    """

    def __init__(self, clock: Clock, *, rate_per_s: float, burst: int) -> None:
        """Begin with all buckets full."""
        self._clock, self._rate, self._burst = clock, rate_per_s, burst
        # name → (tokens, when they were counted, on the monotonic clock)
        self._found: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._turn = threading.Lock()
        window = math.ceil(burst / rate_per_s) if rate_per_s else 0
        self._policy = f'"key";q={burst};w={window}'

    def take(self, name: str) -> Allowance | None:
        """Take one token from a bucket; None where nothing is limited."""
        if not self._rate:
            return None
        now = self._clock.monotonic()
        with self._turn:
            tokens, at = self._found.pop(name, (float(self._burst), now))
            tokens = min(self._burst, tokens + (now - at) * self._rate)
            allowed = tokens >= 1
            tokens -= allowed
            self._found[name] = (tokens, now)
            if len(self._found) > BUCKETS_MAX:
                self._found.popitem(last=False)
        missing = 0.0 if tokens >= 1 else 1 - tokens
        return Allowance(
            allowed=allowed,
            left=int(tokens),
            wait_s=math.ceil(missing / self._rate),
            policy=self._policy,
        )
