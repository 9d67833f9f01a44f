"""W3: how long an event is on its way at a steady rate, by either guarantee of the matcher."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.rates import GUARANTEE
from benchmarks.scale import RUNS, say, scaled
from benchmarks.stack import Stack, stack
from benchmarks.timing import latencies, share, timing_receiver

RATES = (100, 300, 1_000)
SECONDS = 8
# A broker's JVM goes on compiling its transaction path for some 40,000 transactions: the CPU one
# takes falls to less than half in that time, and the latency with it.
WARM_UP_RATE, WARM_UP_SECONDS = 300, 240
# What a fetch that waits in vain would show.
SPIKE_MS = 100


def w3() -> dict[str, Any]:
    """Publish → receive at fan-out 1."""
    figures: dict[str, Any] = {}
    for guarantee in ("at_least_once", "exactly_once"):
        say(f"{guarantee}: warming up")
        with timing_receiver() as url, stack({GUARANTEE: guarantee}) as running:
            running.create_endpoints([f"{url}/hook"])
            _one_run(running, url, rate=WARM_UP_RATE, seconds=scaled(WARM_UP_SECONDS))
            figures[guarantee] = _by_rate(running, url)
    return figures


def _by_rate(running: Stack, url: str) -> dict[str, Any]:
    runs: dict[int, list[list[float]]] = {rate: [] for rate in RATES}
    caught_up = [running.recorder_catches_up()]
    for _ in range(RUNS):
        for rate in RATES:
            runs[rate].append(_one_run(running, url, rate=rate, seconds=scaled(SECONDS)))
            caught_up.append(running.recorder_catches_up())
    figures: dict[str, Any] = {f"at_{rate}_per_s": of_runs(runs[rate]) for rate in RATES}
    for name, one in figures.items():
        say(f"{name}: {one['p50_ms']} ms p50, {one['p99_ms']} ms p99")
    memory = running.memory_mb()
    return {**figures, "memory_mb_peak": memory, "recorder_caught_up_s": max(caught_up)}


def _one_run(running: Stack, url: str, *, rate: int, seconds: int) -> list[float]:
    return latencies(url, count=running.steady(rate=rate, seconds=seconds))


def of_runs(runs: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Give the medians of the runs' quantiles; each run's latencies are ordered."""
    return {
        "deliveries": sum(map(len, runs)),
        "p50_ms": round(statistics.median(share(run, 0.5) for run in runs), 1),
        "p99_ms": round(statistics.median(share(run, 0.99) for run in runs), 1),
        "max_ms": round(max(run[-1] for run in runs), 1),
        "spikes": sum(one >= SPIKE_MS for run in runs for one in run),
    }
