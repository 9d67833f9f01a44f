"""The workloads: what is published, what is measured."""

from __future__ import annotations

import statistics
import time
from typing import Any

import httpx

from benchmarks.receivers import nginx, timing_receiver
from benchmarks.stack import Stack, resident_mb, stack
from benchmarks.yardstick import posts_per_s

RUNS = 3
W1_EVENTS, W1_FAN_OUT = 6_000, 10
W3_SECONDS = 10
# A broker's JVM compiles its transaction path within about a minute of them.
W3_WARM_UP_RATE, W3_WARM_UP_SECONDS = 300, 120
WARM_UP_EVENTS = 12_000


def w1() -> dict[str, Any]:
    """Fan-out 10: 60,000 deliveries published at once, first publish to last receive."""
    runs, yardsticks = [], []
    with nginx() as receiver, stack() as running:
        running.create_endpoints([f"{receiver.url}/hook/{i}" for i in range(W1_FAN_OUT)])
        _publish_and_wait(running, receiver, WARM_UP_EVENTS)
        for _ in range(RUNS):
            yardsticks.append(posts_per_s(f"{receiver.url}/hook"))
            runs.append(_w1_run(running, receiver))
    yardstick = statistics.median(yardsticks)
    middle = sorted(runs, key=lambda run: run["deliveries_per_s"])[RUNS // 2]
    return {
        "yardstick_posts_per_s": round(yardstick),
        "W1": {**middle, "ratio": round(middle["deliveries_per_s"] / yardstick, 3)},
        "W1_runs": [run["deliveries_per_s"] for run in runs],
        "yardstick_runs": [round(figure) for figure in yardsticks],
    }


def _w1_run(running: Stack, receiver: Any) -> dict[str, Any]:
    deliveries = W1_EVENTS * W1_FAN_OUT
    before = running.cpu_seconds()
    seconds = _publish_and_wait(running, receiver, W1_EVENTS)
    after = running.cpu_seconds()
    by_process = {
        name: round((after[name] - before[name]) / deliveries * 1e6, 1) for name in before
    }
    return {
        "deliveries_per_s": round(deliveries / seconds),
        "seconds": round(seconds, 2),
        "cpu_us_per_delivery": round(sum(by_process.values()), 1),
        "cpu_us_per_delivery_by_process": by_process,
        "resident_mb": {name: round(resident_mb(pid)) for name, pid in running.pids.items()},
    }


def _publish_and_wait(running: Stack, receiver: Any, events: int) -> float:
    wanted = receiver.posts() + events * W1_FAN_OUT
    started = time.perf_counter()
    for key in range(events):
        running.publish(key)
    running.producer.flush()
    deadline = started + 120
    while (done := receiver.posts()) < wanted:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{wanted - done} deliveries did not arrive")
        time.sleep(0.05)
    return time.perf_counter() - started


def w3() -> dict[str, Any]:
    """Latency publish→receive at fan-out 1, at a steady 100 and 300 events/s."""
    with timing_receiver() as url, stack() as running:
        running.create_endpoints([f"{url}/hook"])
        _steady(running, rate=W3_WARM_UP_RATE, seconds=W3_WARM_UP_SECONDS)
        time.sleep(1)
        httpx.get(f"{url}/latencies")
        return {f"at_{rate}_per_s": _w3_run(running, url, rate) for rate in (100, 300)}


def _w3_run(running: Stack, url: str, rate: int) -> dict[str, Any]:
    runs = []
    for _ in range(RUNS):
        _steady(running, rate=rate, seconds=W3_SECONDS)
        time.sleep(1)
        runs.append(sorted(httpx.get(f"{url}/latencies").json()))
    return {
        "events": [len(run) for run in runs],
        "p50_ms": round(statistics.median(run[len(run) // 2] for run in runs), 1),
        "p99_ms": round(statistics.median(run[int(len(run) * 0.99)] for run in runs), 1),
        "max_ms": round(max(run[-1] for run in runs), 1),
    }


def _steady(running: Stack, *, rate: int, seconds: float) -> None:
    started = time.perf_counter()
    for number in range(int(rate * seconds)):
        wait = started + number / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        running.publish(number)
    running.producer.flush()
