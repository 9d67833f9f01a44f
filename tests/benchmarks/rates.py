"""W1, W2, W10: how many deliveries a second, and what each costs whom, beside the yardstick."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.machine import cpu_seconds, used
from benchmarks.receivers import Nginx, nginx
from benchmarks.scale import RUNS, say, scaled
from benchmarks.stack import Stack, stack
from benchmarks.yardstick import posts_per_s

DELIVERIES = 60_000
# A broker's JVM compiles its transaction path within about a minute of them.
WARM_UP_DELIVERIES = 120_000
# librdkafka's own, as a producer has it that nobody tuned.
LINGER_MS = 5
GUARANTEE = "HOOKLANE_MATCHER_FANOUT_GUARANTEE"
# On the same machine, but no part of Hooklane.
OTHERS = ("publisher (bench)", "receiver (nginx)")


def w1() -> dict[str, Any]:
    """Fan-out 10."""
    return fan_out(10, DELIVERIES)


def w2() -> dict[str, Any]:
    """Fan-out 1."""
    return fan_out(1, DELIVERIES // 2)


def w10() -> dict[str, Any]:
    """W1 by either guarantee of the matcher."""
    figures: dict[str, Any] = {}
    for guarantee in ("exactly_once", "at_least_once"):
        say(guarantee)
        figures[guarantee] = fan_out(10, DELIVERIES, {GUARANTEE: guarantee})
    least, exactly = (figures[name]["ratio"] for name in ("at_least_once", "exactly_once"))
    return {**figures, "exactly_to_least": round(exactly / least, 2)}


def fan_out(
    width: int, deliveries: int, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Publish as fast as it goes to so many endpoints; from the first publish to the last POST."""
    events = scaled(deliveries / width, least=10)
    with nginx() as receiver, stack(environment, linger_ms=LINGER_MS) as running:
        running.create_endpoints([f"{receiver.url}/hook/{i}" for i in range(width)])
        say(f"warming up for fan-out {width}")
        publish_and_wait(running, receiver, events=scaled(WARM_UP_DELIVERIES / width), width=width)
        running.recorder_catches_up()
        return beside_yardstick(
            receiver, lambda: one_run(running, receiver, events=events, width=width)
        )


def beside_yardstick(receiver: Nginx, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Take turns with the yardstick; give the run of the median rate, and the ratio of medians."""
    runs, yardsticks = [], []
    for number in range(RUNS):
        yardsticks.append(posts_per_s(f"{receiver.url}/hook"))
        runs.append(run())
        say(f"run {number + 1}: {runs[-1]['deliveries_per_s']:,} deliveries/s,"
            f" yardstick {yardsticks[-1]:,.0f} POSTs/s")  # fmt: skip
    yardstick = statistics.median(yardsticks)
    middle = sorted(runs, key=lambda one: one["deliveries_per_s"])[len(runs) // 2]
    return {
        **middle,
        "yardstick_posts_per_s": round(yardstick),
        "ratio": round(middle["deliveries_per_s"] / yardstick, 3),
        "runs": [one["deliveries_per_s"] for one in runs],
        "yardstick_runs": [round(figure) for figure in yardsticks],
        "recorder_caught_up_s": max(one["recorder_caught_up_s"] for one in runs),
    }


def one_run(
    running: Stack,
    receiver: Nginx,
    *,
    events: int,
    width: int,
    tenants: Sequence[str] = ("bench",),
) -> dict[str, Any]:
    """Measure once; the recorder's rest is waited for, so that the next run has the machine."""
    deliveries = events * width
    before, others_before = running.cpu_seconds(), _others(receiver)
    seconds = publish_and_wait(running, receiver, events=events, width=width, tenants=tenants)
    after, others_after = running.cpu_seconds(), _others(receiver)
    by_process = used(before, after, deliveries)
    return {
        "deliveries": deliveries,
        "deliveries_per_s": round(deliveries / seconds),
        "seconds": round(seconds, 2),
        "cpu_us_per_delivery": round(sum(by_process.values()), 1),
        "cpu_us_per_delivery_by_process": by_process,
        "cpu_us_per_delivery_of_others": used(others_before, others_after, deliveries),
        "memory_mb_peak": running.memory_mb(),
        "recorder_caught_up_s": running.recorder_catches_up(),
    }


def _others(receiver: Nginx) -> dict[str, float]:
    return dict(zip(OTHERS, (cpu_seconds(os.getpid()), receiver.cpu_seconds()), strict=True))


def publish_and_wait(
    running: Stack,
    receiver: Nginx,
    *,
    events: int,
    width: int,
    tenants: Sequence[str] = ("bench",),
) -> float:
    """Publish so many, tenants in turn, and wait for every POST; give the seconds."""
    wanted = receiver.posts() + events * width
    started = time.perf_counter()
    for key in range(events):
        running.publish(key, tenant=tenants[key % len(tenants)])
    running.producer.flush()
    wait_for_posts(receiver, wanted)
    return time.perf_counter() - started


def wait_for_posts(receiver: Nginx, wanted: int, *, seconds: float = 180) -> None:
    """Wait until the receiver has answered so many."""
    deadline = time.perf_counter() + seconds
    while (done := receiver.posts()) < wanted:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{wanted - done} deliveries did not arrive")
        time.sleep(0.02)
