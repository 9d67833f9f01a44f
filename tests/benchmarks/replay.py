"""Replay: 100,000 past events to a new endpoint, its replayer killed, another endpoint watched."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx
from confluent_kafka import Consumer, TopicPartition

from benchmarks.receivers import nginx
from benchmarks.stack import TOPIC, Stack, stack
from benchmarks.timing import timing_receiver

EVENTS = int(os.environ.get("HOOKLANE_BENCH_REPLAY_EVENTS", "100000"))
# As an operator would who has other endpoints on the same machine.
RATE_PER_S = int(os.environ.get("HOOKLANE_BENCH_REPLAY_RATE", "500"))
OTHER_RATE_PER_S, OTHER_SECONDS = 100, 40
# As W3: until the broker's JVM has compiled its path through a transaction.
WARM_UP_SECONDS = 120
WITHIN_S = 600


def replay() -> dict[str, Any]:
    """Replay what is past while another endpoint gets 100 events a second; compare its p99."""
    with nginx() as receiver, timing_receiver() as url, stack() as running:
        for number in range(EVENTS):
            running.publish(number)
        running.producer.flush()
        # An endpoint that came before the matcher has passed these would get them from it.
        _wait(lambda: _has_passed(running), "the matcher")
        running.create_endpoints([f"{url}/hook"])
        _latencies(running, url, seconds=WARM_UP_SECONDS)
        without = _latencies(running, url)
        (new,) = running.create_endpoints([f"{receiver.url}/hook/new"])
        before = receiver.posts()
        asked, total = _ask(running, new)
        began = time.perf_counter()
        sent = OTHER_RATE_PER_S * OTHER_SECONDS
        with_it = _latencies(running, url)
        _wait(lambda: _show(running, asked)["done"] >= total // 2, "half of the replay")
        os.kill(running.pids["replayer"], signal.SIGKILL)
        _wait(lambda: _show(running, asked)["finished_at"] is not None, "the replay's end")
        seconds = time.perf_counter() - began
        _wait(lambda: receiver.posts() - before >= total + sent, "its deliveries")
        time.sleep(2)
        found, posted = _show(running, asked), receiver.posts() - before
        assert (found["state"], found["matched"]) == ("finished", total), found
        assert posted == total + sent, f"{posted} POSTs, wanted {total} replayed and {sent} new"
    return {
        "events": total,
        "matched": found["matched"],
        "posted": posted - sent,
        "rate_per_s": RATE_PER_S,
        "events_per_s": round(total / seconds),
        "other_p50_ms": {"without": _share(without, 0.5), "with": _share(with_it, 0.5)},
        "other_p99_ms": {"without": _share(without, 0.99), "with": _share(with_it, 0.99)},
        "other_p99_ratio": round(_share(with_it, 0.99) / _share(without, 0.99), 2),
    }


def _ask(running: Stack, endpoint_id: str) -> tuple[str, int]:
    """Replay the whole topic as it is now; give the replay's id and how many events that is."""
    body = {"endpoint_id": endpoint_id, "topic": TOPIC, "rate_per_s": RATE_PER_S}
    answer = running.api.post("/v1/replays", json=body).raise_for_status().json()
    published = EVENTS + OTHER_RATE_PER_S * (WARM_UP_SECONDS + OTHER_SECONDS)
    assert answer["total"] == published, f"{answer['total']} offsets, {published} events"
    return answer["id"], published


def _show(running: Stack, replay_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = running.api.get(f"/v1/replays/{replay_id}").raise_for_status().json()
    return answer


def _has_passed(running: Stack) -> bool:
    """Tell whether the matcher has committed the end of every partition."""
    consumer = Consumer(
        {"bootstrap.servers": running.ready["kafka"], "group.id": "hooklane.matcher"}
    )
    partitions = consumer.list_topics(TOPIC, 10).topics[TOPIC].partitions
    found = consumer.committed([TopicPartition(TOPIC, number) for number in partitions], 10)
    passed = [p.offset >= consumer.get_watermark_offsets(p, timeout=10)[1] for p in found]
    consumer.close()
    return all(passed)


def _latencies(running: Stack, url: str, *, seconds: int = OTHER_SECONDS) -> list[float]:
    """Publish for so long; give how long each took, once all have come."""
    found: list[float] = []
    _steady(running, seconds=seconds)

    def have_come() -> bool:
        found.extend(httpx.get(f"{url}/latencies").json())
        return len(found) >= OTHER_RATE_PER_S * seconds

    _wait(have_come, "the other endpoint's events")
    return sorted(found)


def _steady(running: Stack, *, seconds: float) -> None:
    started = time.perf_counter()
    for number in range(int(OTHER_RATE_PER_S * seconds)):
        wait = started + number / OTHER_RATE_PER_S - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        running.publish(number)
    running.producer.flush()


def _share(latencies: list[float], share: float) -> float:
    return round(latencies[int(len(latencies) * share)], 1)


def _wait(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.perf_counter() + WITHIN_S
    while not is_so():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{what} did not come")
        time.sleep(0.2)
