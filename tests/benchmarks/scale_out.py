"""W8: two deliverers against one where receivers are slow, so that the cap on open POSTs binds."""

from __future__ import annotations

import signal
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.machine import cpu_seconds
from benchmarks.scale import RUNS, say, scaled
from benchmarks.stack import Stack, stack, wait
from benchmarks.timing import LATE_S, timing_receiver
from hooklane.adapters import kafka
from hooklane.adapters.settings import KafkaSettings

IN_FLIGHT, ENDPOINTS = 64, 20
# As many as one process delivers in fifteen seconds.
DELIVERIES = 15 * IN_FLIGHT / LATE_S
ENVIRONMENT = {"HOOKLANE_DELIVERER_IN_FLIGHT_MAX": str(IN_FLIGHT)}


def w8() -> dict[str, Any]:
    """Take turns: one deliverer, then the same with a second one beside it."""
    events = scaled(DELIVERIES / ENDPOINTS, least=5)
    rates: dict[str, list[float]] = {"one": [], "two": []}
    with timing_receiver() as url, stack(ENVIRONMENT) as running:
        running.create_endpoints([f"{url}/late/{i}" for i in range(ENDPOINTS)])
        say("warming up")
        _rate(running, url, events=scaled(events / 3, least=5))
        for _ in range(RUNS):
            wait(lambda: _is_shared(running, by=1), "the lanes of the one")
            rates["one"].append(_rate(running, url, events=events))
            with _second_deliverer(running) as pid:
                wait(lambda: _is_shared(running, by=2), "an even share of lanes")
                rates["two"].append(_rate(running, url, events=events))
                seconds_of_second = cpu_seconds(pid)
            say(f"one {rates['one'][-1]:.0f}/s, two {rates['two'][-1]:.0f}/s")
        memory, caught_up = running.memory_mb(), running.recorder_catches_up()
    one, two = (statistics.median(found) for found in rates.values())
    return {
        "in_flight_max": IN_FLIGHT,
        "answer_after_ms": round(LATE_S * 1_000),
        "bound_per_s": round(IN_FLIGHT / LATE_S),
        "one_per_s": round(one),
        "two_per_s": round(two),
        "two_to_one": round(two / one, 2),
        "runs": {name: [round(rate) for rate in found] for name, found in rates.items()},
        "cpu_s_of_second": round(seconds_of_second, 1),
        "memory_mb_peak": memory,
        "recorder_caught_up_s": caught_up,
    }


def _rate(running: Stack, url: str, *, events: int) -> float:
    """Publish so many at once; give the deliveries a second until the last has come."""
    wanted = httpx.get(f"{url}/count").json() + events * ENDPOINTS
    started = time.perf_counter()
    for number in range(events):
        running.publish(number)
    running.producer.flush()
    wait(lambda: httpx.get(f"{url}/count").json() >= wanted, "the deliveries", pause=0.02)
    return events * ENDPOINTS / (time.perf_counter() - started)


def _is_shared(running: Stack, *, by: int) -> bool:
    """Tell whether so many deliverers have about the same number of the endpoints' lanes."""
    settings = KafkaSettings(bootstrap=running.ready["kafka"], replication=1)
    admin = kafka.admin(settings)
    lanes = Counter(admin.partitions_of(settings.topics.group("deliverer.0")).values())
    admin.close()
    return len(lanes) == by and min(lanes.values()) >= ENDPOINTS // by - 1


@contextmanager
def _second_deliverer(running: Stack) -> Iterator[int]:
    """Run another deliverer beside the stack's own, told the same, as ordinal 1."""
    environ = Path(f"/proc/{running.pids['deliverer']}/environ").read_bytes().split(b"\0")
    told = dict(entry.decode().split("=", 1) for entry in environ if b"=" in entry)
    # The stack's own interpreter line, so that what it runs and what we add are the same program.
    line = Path(f"/proc/{running.pids['deliverer']}/cmdline").read_bytes().split(b"\0")
    child = subprocess.Popen(
        [part.decode() for part in line if part],
        env={**told, "HOOKLANE_DELIVERER_ORDINAL": "1", "HOOKLANE_DELIVERER_METRICS_PORT": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)
