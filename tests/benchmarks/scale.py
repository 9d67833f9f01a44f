"""How large a run is: `SCALE=0.01` sees in seconds that a workload works; only 1 gives figures."""

from __future__ import annotations

import os
import time

SCALE = float(os.environ.get("HOOKLANE_BENCH_SCALE") or "1")
# The median of three counts; a small run only sees that it works.
RUNS = 3 if SCALE >= 1 else 1
_began = time.monotonic()


def scaled(count: float, *, least: int = 1) -> int:
    """Give a count or a number of seconds at this run's scale."""
    return max(least, round(count * SCALE))


def say(text: str) -> None:
    """Show progress, with the seconds since the start."""
    print(f"{time.monotonic() - _began:7.1f} s  {text}", flush=True)
