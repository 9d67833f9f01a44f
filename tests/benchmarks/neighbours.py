"""W5: one endpoint of a hundred hangs, another always answers 500; what the other 98 feel of it."""

from __future__ import annotations

from typing import Any

import httpx

from benchmarks.latency import of_runs
from benchmarks.scale import RUNS, say, scaled
from benchmarks.stack import Stack, stack
from benchmarks.timing import latencies, timing_receiver

ENDPOINTS, WIDTH = 100, 10
BAD = {0: "/bad/hang", 1: "/bad/500"}
# Tenants in turn, so each endpoint gets an event every fifth of a second.
RATE, SECONDS, WARM_UP_SECONDS = 50, 15, 40
TENANTS = [f"tenant{number}" for number in range(ENDPOINTS // WIDTH)]


def w5() -> dict[str, Any]:
    """Latency of the other 98 while two misbehave, against their own when none does."""
    with timing_receiver() as url, stack() as running:
        # The two are of different tenants, and each has nine well-behaved neighbours there.
        running.create_for(
            (TENANTS[number % len(TENANTS)], url + BAD.get(number, f"/hook/{number}"))
            for number in range(ENDPOINTS)
        )
        say("warming up")
        _one_run(running, url, seconds=scaled(WARM_UP_SECONDS, least=3))
        running.recorder_catches_up()
        runs: dict[str, list[list[float]]] = {"calm": [], "trouble": []}
        for _ in range(RUNS):
            for state, found in runs.items():
                httpx.get(f"{url}/{state}")
                found.append(_one_run(running, url, seconds=scaled(SECONDS, least=3)))
        memory, caught_up = running.memory_mb(), running.recorder_catches_up()
    calm, trouble = (of_runs(runs[state]) for state in ("calm", "trouble"))
    say(f"calm {calm['p99_ms']} ms p99, in trouble {trouble['p99_ms']} ms p99")
    return {
        "endpoints": ENDPOINTS,
        "events_per_s": RATE,
        "calm": calm,
        "trouble": trouble,
        "p99_ratio": round(trouble["p99_ms"] / calm["p99_ms"], 2),
        "memory_mb_peak": memory,
        "recorder_caught_up_s": caught_up,
    }


def _one_run(running: Stack, url: str, *, seconds: int) -> list[float]:
    events = running.steady(
        rate=RATE, seconds=seconds, tenant_of=lambda number: TENANTS[number % len(TENANTS)]
    )
    bad = {number % len(TENANTS) for number in BAD}
    timed = sum(
        WIDTH - (number % len(TENANTS) in bad) for number in range(events)
    )  # of each event's ten, less the one that misbehaves
    return latencies(url, count=timed)
