"""W7: a table of 100,000 endpoints: how long a matcher reads it, its memory, what a match costs.

What is timed is the matcher's own table, index and fan-out, in a process of their own that reads
a real topic: `python -m benchmarks.table BOOTSTRAP PREFIX ENDPOINTS` prints JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.machine import resident_mb
from benchmarks.scale import RUNS, say, scaled
from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.codec import codec
from hooklane.adapters.endpoint_table import EndpointTable
from hooklane.adapters.fan_out import FanOut
from hooklane.adapters.records import endpoint_value
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import first_headers
from hooklane.domain.endpoint import Endpoint, EndpointState, Placement, SealedSecret
from hooklane.domain.event import Event, SourcePosition
from hooklane.domain.ids import event_id_by_position, new_endpoint_id
from hooklane.domain.matching import MatchIndex
from hooklane.domain.subscription import Subscription
from support.stack import running

ENDPOINTS = 100_000
# Of an endpoint's patterns one is its own: an event type of many, or, for three in ten, a prefix.
TYPES, PREFIXES, OF_TEN_WILDCARDS = 10_000, 1_000, 3
EVERYONE = "all.*"
TENANT = "bench"


def w7() -> dict[str, Any]:
    """Fill a topic, then start on it in a fresh process; the median by start time counts."""
    count = scaled(ENDPOINTS, least=1_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(folder / "state", "--only", "kafka") as stack:
            say(f"writing {count:,} endpoints")
            _fill(KafkaSettings(bootstrap=stack.kafka, prefix="bench", replication=1), count)
            runs = [_in_a_process(stack.kafka, "bench", str(count)) for _ in range(RUNS)]
    middle = sorted(runs, key=lambda run: run["start_s"])[len(runs) // 2]
    say(f"started in {middle['start_s']} s, {middle['match_us']['first']} µs a match")
    return middle


def _fill(settings: KafkaSettings, count: int) -> None:
    topics = settings.topics
    kafka.admin(settings).ensure(topics.specs(settings.retry_tiers), replication=1)
    producer = kafka.producer(settings, instance="bench")
    encode = codec("endpoint").encode
    for number in range(count):
        endpoint = _endpoint(number)
        key = endpoint.endpoint_id.encode()
        producer.produce(topics.endpoints, encode(endpoint_value(endpoint)), key=key)
    producer.flush(timedelta(seconds=120))


def _endpoint(number: int) -> Endpoint:
    endpoint_id = new_endpoint_id()
    return Endpoint(
        endpoint_id=endpoint_id,
        tenant=TENANT,
        revision=1,
        state=EndpointState.ACTIVE,
        url=f"https://receiver{number}.example/hooks",
        subscription=Subscription(patterns=(_pattern(number), EVERYONE)),
        secrets=(SealedSecret(key_id="k1", sealed=os.urandom(76)),),
        sealed_headers=None,
        timeout=timedelta(seconds=15),
        retry_schedule=(timedelta(seconds=5), timedelta(minutes=5), timedelta(hours=2)),
        placement=Placement(topic="bench.pool", partition=number % 64),
    )


def _pattern(number: int) -> str:
    if number % 10 < OF_TEN_WILDCARDS:
        return f"ns{number // 10 % PREFIXES}.*"
    return _type(number * 7 % TYPES)


def _type(number: int) -> str:
    return f"ns{number % PREFIXES}.kind{number}"


def _in_a_process(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.table", *arguments]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], check=True, capture_output=True, text=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _measure(bootstrap: str, prefix: str, count: int) -> dict[str, Any]:
    settings = KafkaSettings(bootstrap=bootstrap, prefix=prefix, replication=1)
    reader = kafka.reader(settings, instance="bench")
    before_mb = resident_mb(os.getpid())
    table = EndpointTable(reader, settings.topics.endpoints, clock=SystemClock())
    began = time.perf_counter()
    table.start()
    start_s = time.perf_counter() - began
    assert len(table.index) == count, f"{len(table.index)} endpoints, {count} were written"
    types = [_type(number) for number in range(TYPES)]
    first_s, matched = _matches(table.index, types)
    again_s, _ = _matches(table.index, types)
    everyone = _everyone(table.index, settings)
    assert everyone["matched"] == count
    return {
        "endpoints": count,
        "start_s": round(start_s, 2),
        "memory_mb": round(resident_mb(os.getpid(), peak=True)),
        "memory_mb_before": round(before_mb),
        "match_us": {
            "first": round(first_s / len(types) * 1e6, 1),
            "remembered": round(again_s / len(types) * 1e6, 2),
        },
        "matched_by_an_event": round(matched / len(types), 1),
        "one_event_for_all": everyone,
    }


def _matches(index: MatchIndex, types: list[str]) -> tuple[float, int]:
    began, matched = time.perf_counter(), 0
    for event_type in types:
        matched += len(index.match(TENANT, event_type).matched)
    return time.perf_counter() - began, matched


class _Counting:
    """Takes records and keeps only their number: Kafka's part is W1's."""

    def __init__(self) -> None:
        self.count = 0

    def produce(self, *_: object, **__: object) -> None:
        self.count += 1


def _everyone(index: MatchIndex, settings: KafkaSettings) -> dict[str, Any]:
    """Match the event that everyone gets, and write its deliveries."""
    match, match_s = _timed(lambda: index.match(TENANT, "all.happened"))
    position = SourcePosition(topic="events.all", partition=0, offset=1)
    event = Event(
        event_id=event_id_by_position(cluster="c", topic_id="t", partition=0, offset=1),
        tenant=TENANT,
        event_type="all.happened",
        version=1,
        key=b"key",
        event_time=datetime.now(UTC),
        source=position,
        payload=b"x" * 1_000,
        content_type="application/json",
    )
    producer, fan_out = _Counting(), FanOut(settings.topics)
    headers = first_headers(at=datetime.now(UTC))
    _, write_s = _timed(
        lambda: fan_out.write(producer, event, match=match, table_offset=1, headers=headers)
    )
    return {
        "matched": len(match.matched),
        "match_ms": round(match_s * 1e3, 1),
        "write_us_per_delivery": round(write_s / producer.count * 1e6, 2),
    }


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    found = call()
    return found, time.perf_counter() - began


def _arguments() -> Iterator[Any]:
    yield from sys.argv[1:3]
    yield int(sys.argv[3])


if __name__ == "__main__":
    print(json.dumps(_measure(*_arguments())))
