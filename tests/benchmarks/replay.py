"""Replay: what it costs another endpoint, at two rates; then all of it, its replayer killed."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from benchmarks.latency import WARM_UP_RATE, WARM_UP_SECONDS, of_runs
from benchmarks.receivers import Nginx, nginx
from benchmarks.scale import say, scaled
from benchmarks.stack import TOPIC, Stack, stack, wait
from benchmarks.timing import latencies, timing_receiver
from hooklane.control.again_models import RATE

EVENTS = 100_000
# Replayed beside another endpoint's events; and the whole, with nothing beside it.
RATES_PER_S, WHOLE_RATE_PER_S = (RATE, 500), 2_000
# A p99 of so few is the worst moment of a turn: only the median of many turns says anything.
OTHER_RATE_PER_S, OTHER_SECONDS, TURNS = 100, 15, 7
OTHER = "other"
WITHIN_S = 600


def replay() -> dict[str, Any]:
    """Take turns without and with a replay beside an endpoint that gets 100 events a second."""
    with nginx() as receiver, timing_receiver() as url, stack() as running:
        published = scaled(EVENTS)
        for number in range(published):
            running.publish(number)
        running.producer.flush()
        # An endpoint that came before the matcher has passed these would get them from it.
        wait(lambda: _has_passed(running), "the matcher", seconds=WITHIN_S)
        # Of a tenant of its own: what it gets is not what is replayed.
        running.create_endpoints([f"{url}/hook"], tenant=OTHER)
        say("warming up")
        _other(running, url, rate=WARM_UP_RATE, seconds=WARM_UP_SECONDS)
        figures: dict[str, Any] = {}
        for rate in RATES_PER_S:
            figures[f"at_{rate}_per_s"] = found = _beside(running, receiver, url, rate=rate)
            say(f"beside a replay at {rate}/s: the other's p99 {found['p99_ratio']} x")
        return {**figures, **_whole(running, receiver, published=published)}


def _beside(running: Stack, receiver: Nginx, url: str, *, rate: int) -> dict[str, Any]:
    """Compare the other endpoint without and with a replay."""
    (past,) = running.create_endpoints([f"{receiver.url}/hook/{rate}"])
    without, with_it, caught_up = [], [], []
    for _ in range(TURNS):
        without.append(_other(running, url, rate=OTHER_RATE_PER_S, seconds=OTHER_SECONDS))
        caught_up.append(running.recorder_catches_up())
        asked = _ask(running, past, rate=rate)["id"]
        with_it.append(_other(running, url, rate=OTHER_RATE_PER_S, seconds=OTHER_SECONDS))
        brought = _show(running, asked)["matched"]
        # It begins, and tells how far it is, a little later.
        assert brought >= max(1, rate * (scaled(OTHER_SECONDS) - 3)), f"only {brought} replayed"
        running.api.post(f"/v1/replays/{asked}/cancel").raise_for_status()
        _wait_for_end(running, asked)
        caught_up.append(running.recorder_catches_up())
    figures = {"without": of_runs(without), "with": of_runs(with_it)}
    ratio = figures["with"]["p99_ms"] / figures["without"]["p99_ms"]
    return {**figures, "p99_ratio": round(ratio, 2), "recorder_caught_up_s": max(caught_up)}


def _whole(running: Stack, receiver: Nginx, *, published: int) -> dict[str, Any]:
    """Replay everything to a new endpoint, with its replayer killed half way; count."""
    (new,) = running.create_endpoints([f"{receiver.url}/hook/new"])
    before, began = receiver.posts(), time.perf_counter()
    answer = _ask(running, new, rate=WHOLE_RATE_PER_S)
    asked, total = answer["id"], answer["total"]
    wait(lambda: _show(running, asked)["done"] >= total // 2, "half of it", seconds=WITHIN_S)
    os.kill(running.pids["replayer"], signal.SIGKILL)
    assert _show(running, asked)["finished_at"] is None, "it was killed too late"
    _wait_for_end(running, asked)
    seconds = time.perf_counter() - began
    wait(lambda: receiver.posts() - before >= published, "its deliveries", seconds=WITHIN_S)
    caught_up = running.recorder_catches_up()
    found, posted = _show(running, asked), receiver.posts() - before
    assert (found["state"], found["matched"]) == ("finished", published), found
    return {
        "events": published,
        "posted": posted,
        "events_per_s": round(total / seconds),
        "recorder_caught_up_s": caught_up,
    }


def _wait_for_end(running: Stack, replay_id: str) -> None:
    def has_ended() -> bool:
        return _show(running, replay_id)["finished_at"] is not None

    wait(has_ended, "the replay's end", seconds=WITHIN_S)


def _other(running: Stack, url: str, *, rate: int, seconds: int) -> list[float]:
    """Publish at a rate; give how long each was on its way."""
    count = running.steady(rate=rate, seconds=scaled(seconds), tenant_of=lambda _: OTHER)
    return latencies(url, count=count)


def _ask(running: Stack, endpoint_id: str, *, rate: int) -> dict[str, Any]:
    """Replay the whole topic as it is now."""
    body = {"endpoint_id": endpoint_id, "topic": TOPIC, "rate_per_s": rate}
    answer: dict[str, Any] = running.api.post("/v1/replays", json=body).raise_for_status().json()
    return answer


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
