"""W6: a million deliveries wait for paused endpoints: the memory they take, how fast they drain."""

from __future__ import annotations

import threading
import time
from typing import Any, Self

from benchmarks.machine import resident_mb, used
from benchmarks.rates import (
    DELIVERIES,
    LINGER_MS,
    WARM_UP_DELIVERIES,
    beside_yardstick,
    one_run,
    publish_and_wait,
    wait_for_posts,
)
from benchmarks.receivers import Nginx, nginx
from benchmarks.scale import say, scaled
from benchmarks.stack import Stack, stack, wait

BACKLOG, WIDTH = 1_000_000, 10
POINTS = 60
WITHIN_S = 600.0


class Watch:
    """Notes, second by second, what is done and what memory the deliverer has."""

    def __init__(self, running: Stack, *, pause: float) -> None:
        self.points: list[dict[str, float]] = []
        self._pid, self._pause = running.pids["deliverer"], pause
        self._ends = threading.Event()
        self._began = time.perf_counter()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ends.is_set():
            at = round(time.perf_counter() - self._began, 2)
            self.points.append({"at_s": at, "memory_mb": round(resident_mb(self._pid), 1)})
            self._ends.wait(self._pause)


def w6() -> dict[str, Any]:
    """Pause, publish, resume; W1 of the same stack is measured before."""
    events = scaled(BACKLOG / WIDTH, least=20)
    with nginx() as receiver, stack(linger_ms=LINGER_MS) as running:
        ids = running.create_endpoints([f"{receiver.url}/hook/{i}" for i in range(WIDTH)])
        say("warming up, then W1")
        publish_and_wait(running, receiver, events=scaled(WARM_UP_DELIVERIES / WIDTH), width=WIDTH)
        running.recorder_catches_up()
        count = scaled(DELIVERIES / WIDTH, least=10)
        alone = beside_yardstick(
            receiver, lambda: one_run(running, receiver, events=count, width=WIDTH)
        )
        before = receiver.posts()
        _pause_and_publish(running, ids, events=events)
        assert receiver.posts() == before, "a paused endpoint got something"
        held_mb = resident_mb(running.pids["deliverer"])
        say(f"{events * WIDTH:,} deliveries wait; the deliverer has {held_mb:.0f} MB")
        return {
            "deliveries": events * WIDTH,
            "W1_deliveries_per_s": alone["deliveries_per_s"],
            "W1_ratio": alone["ratio"],
            "deliverer_mb_held": round(held_mb),
            **_drain(running, receiver, ids, wanted=before + events * WIDTH, alone=alone),
        }


def _pause_and_publish(running: Stack, ids: list[str], *, events: int) -> None:
    for endpoint_id in ids:
        running.api.post(f"/v1/endpoints/{endpoint_id}/pause").raise_for_status()
    # The deliverer may learn of it a little later than the matcher, for which the answer waits.
    time.sleep(1)
    matched = running.metric("matcher", "hooklane_events_matched_total") + events
    for key in range(events):
        running.publish(key)
    running.producer.flush()
    wait(
        lambda: running.metric("matcher", "hooklane_events_matched_total") >= matched,
        "the matches",
        seconds=WITHIN_S,
        pause=0.5,
    )
    running.recorder_catches_up()


def _drain(
    running: Stack, receiver: Nginx, ids: list[str], *, wanted: int, alone: dict[str, Any]
) -> dict[str, Any]:
    first = receiver.posts()
    cpu = running.cpu_seconds()
    started = time.perf_counter()
    drained: list[dict[str, float]] = []
    with Watch(running, pause=0.5) as watch:
        for endpoint_id in ids:
            running.api.post(f"/v1/endpoints/{endpoint_id}/resume").raise_for_status()
        while (done := receiver.posts()) < wanted:
            at = time.perf_counter() - started
            if at > WITHIN_S:
                raise TimeoutError(f"{wanted - done} deliveries did not arrive")
            drained.append({"at_s": round(at, 2), "deliveries": done - first})
            time.sleep(0.25)
    wait_for_posts(receiver, wanted)
    seconds = time.perf_counter() - started
    count = wanted - first
    rate = count / seconds
    by_process = used(cpu, running.cpu_seconds(), count)
    say(f"drained at {rate:,.0f} deliveries/s")
    memory = running.memory_mb()
    return {
        "deliveries_per_s": round(rate),
        "to_W1": round(rate / alone["deliveries_per_s"], 2),
        "seconds": round(seconds, 2),
        "cpu_us_per_delivery": round(sum(by_process.values()), 1),
        "cpu_us_per_delivery_by_process": by_process,
        "deliverer_mb_peak": memory["deliverer"],
        "memory_mb_peak": memory,
        "drained": _thinned(drained),
        "memory": _thinned(watch.points),
        "recorder_caught_up_s": running.recorder_catches_up(),
    }


def _thinned(points: list[dict[str, float]]) -> list[dict[str, float]]:
    step = max(1, len(points) // POINTS)
    return points[::step]
