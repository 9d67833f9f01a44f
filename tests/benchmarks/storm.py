"""W9: every delivery fails twice; nothing is lost or early, and first attempts don't starve."""

from __future__ import annotations

from typing import Any

import httpx

from benchmarks.latency import of_runs
from benchmarks.scale import RUNS, say, scaled
from benchmarks.stack import Stack, stack, wait
from benchmarks.timing import FAILURES, SCHEDULE_S, latencies, timing_receiver

ENDPOINTS, RATE, SECONDS, WARM_UP_SECONDS = 10, 50, 15, 40
SCHEDULE = [f"{seconds}s" for seconds in SCHEDULE_S]
ENVIRONMENT = {
    "HOOKLANE_KAFKA_RETRY_TIERS": ",".join(dict.fromkeys(SCHEDULE)),
    # A storm begins with nothing but failures, at which breakers open: that would end it.
    "HOOKLANE_DELIVERER_BREAKER_ATTEMPTS_MIN": "1000000",
}
DELIVERED_WITHIN_S = 120.0


def w9() -> dict[str, Any]:
    """First attempts' latency while each delivery needs three, against when each needs one."""
    with timing_receiver() as url, stack(ENVIRONMENT) as running:
        urls = [f"{url}/twice/{i}" for i in range(ENDPOINTS)]
        running.create_endpoints(urls, retry_schedule=SCHEDULE)
        say("warming up")
        _one_run(running, url, seconds=scaled(WARM_UP_SECONDS, least=3))
        running.recorder_catches_up()
        seconds = scaled(SECONDS, least=3)
        calm = [_one_run(running, url, seconds=seconds) for _ in range(RUNS)]
        httpx.get(f"{url}/trouble")
        # One storm without a pause: what fell due since adds to it, as long as it lasts.
        storm = [_one_run(running, url, seconds=seconds) for _ in range(RUNS)]
        say("waiting for every delivery's third attempt")
        counts = _until_delivered(url, deliveries=sum(map(len, storm)))
        memory, caught_up = running.memory_mb(), running.recorder_catches_up()
    before, during = of_runs(calm), of_runs(storm)
    say(f"first attempts: calm {before['p99_ms']} ms p99, in the storm {during['p99_ms']} ms")
    return {
        "events_per_s": RATE,
        "attempts_per_s": RATE * ENDPOINTS * (FAILURES + 1),
        "calm": before,
        "storm": during,
        "p50_ratio": round(during["p50_ms"] / before["p50_ms"], 2),
        "p99_ratio": round(during["p99_ms"] / before["p99_ms"], 2),
        **counts,
        "memory_mb_peak": memory,
        "recorder_caught_up_s": caught_up,
    }


def _one_run(running: Stack, url: str, *, seconds: int) -> list[float]:
    events = running.steady(rate=RATE, seconds=seconds)
    return latencies(url, count=events * ENDPOINTS, seconds=DELIVERED_WITHIN_S)


def _until_delivered(url: str, *, deliveries: int) -> dict[str, Any]:
    """Wait until every delivery has succeeded; give what the receiver counted of them."""

    def counts() -> dict[str, int]:
        found: dict[str, int] = httpx.get(f"{url}/storm").json()
        return found

    try:
        wait(
            lambda: counts()["succeeded"] >= deliveries,
            "the third attempts",
            seconds=DELIVERED_WITHIN_S,
        )
    except TimeoutError as error:
        say(f"LOST or late: {error}")
    found = counts()
    return {
        "deliveries": deliveries,
        "lost": deliveries - (found["succeeded"] - found["succeeded_again"]),
        "early": found["early"],
        "succeeded_again": found["succeeded_again"],
        "attempts": found["attempts"],
    }
