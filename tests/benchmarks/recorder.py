"""How many attempts a second the recorder reads, makes rows of and writes, into either database."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from typing import Any

from hooklane.adapters.codec import codec
from hooklane.adapters.rejected import RawRecord
from hooklane.adapters.sql.engine import connect
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.sql.upgrade import upgrade
from hooklane.adapters.store import OffsetMove, Recorded
from hooklane.domain.ids import delivery_id, event_id_by_position, new_attempt_id
from hooklane.domain.topics import Partition, Topics
from hooklane.recorder.rows import batch_of
from support.postgresql import cluster

ATTEMPTS, BATCH, FAN_OUT = 100_000, 2_000, 10
TOPICS = Topics()
TIMINGS = {"dns_ms": None, "connect_ms": None, "tls_ms": None, "first_byte_ms": 3, "total_ms": 4}


def recorder() -> dict[str, Any]:
    """Write the same attempts into PostgreSQL and into SQLite."""
    records = list(_records())
    with cluster() as url:
        postgresql = _rate(url, records)
    with tempfile.TemporaryDirectory() as folder:
        sqlite = _rate(f"sqlite:///{folder}/recorder.db", records)
    return {"postgresql": postgresql, "sqlite": sqlite}


def _records() -> Any:
    encode, now = codec("attempt").encode, int(datetime.now(UTC).timestamp() * 1_000)
    for number in range(ATTEMPTS):
        event = event_id_by_position(
            cluster="c", topic_id="t", partition=0, offset=number // FAN_OUT
        )
        endpoint = f"ep_{number % FAN_OUT:026d}"
        value = {
            "attempt_id": new_attempt_id(),
            "delivery_id": delivery_id(event_id=event, endpoint_id=endpoint, trigger="event"),
            "event_id": event,
            "endpoint_id": endpoint,
            "tenant": "bench",
            "type": "bench.measured",
            "number": 1,
            "started_at": now,
            "timings": TIMINGS,
            "outcome": "succeeded",
            "status": 200,
            "error": "",
            "response_headers": [{"name": "Content-Type", "value": "text/plain"}],
            "response_body": b"ok",
            "verdict": "delivered",
            "tier_s": None,
            "due_at": None,
            "reason": "",
            "version": 1,
            "trigger": "event",
        }
        yield RawRecord(
            at_topic=TOPICS.attempts,
            at_partition=0,
            at_offset=number,
            raw_key=value["delivery_id"].encode(),
            raw_value=encode(value),
            raw_headers=[],
        )


def _rate(url: str, records: list[RawRecord]) -> dict[str, int]:
    engine = connect(url, durable=False)
    upgrade(engine)
    store, at = SqlRecorderStore(engine), None
    place = Partition(TOPICS.attempts, 0)
    began = time.perf_counter()
    for first in range(0, len(records), BATCH):
        rows = batch_of(records[first : first + BATCH], TOPICS, on_broken=_fail)
        move = OffsetMove(partition=place, expected=at, offset=first + BATCH)
        store.record("recorder", Recorded(attempts=rows.attempts, redriven={}, moves=[move]))
        at = first + BATCH
    seconds = time.perf_counter() - began
    store.close()
    return {"attempts_per_s": round(len(records) / seconds)}


def _fail(record: Any, error: Exception) -> None:
    raise AssertionError(f"{record}: {error}")
