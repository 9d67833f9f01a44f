"""Send now at size: 10,000 waiting retries of one endpoint, 100,000 of another between them."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.again import Again
from support.stack import running

OWN, OTHERS, TURNS = 10_000, 100_000, 1_000
TIER = timedelta(hours=1)
WITHIN_S = 240.0


def send_now() -> dict[str, Any]:
    """Time from the command to the last copy; each of the endpoint's once, none of the other's."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with running(directory / "state", "--only", "kafka") as stack:
            again = Again(stack.kafka, "bench", directory)
            again.environment["HOOKLANE_KAFKA_RETRY_TIERS"] = "2s,1h"
            again.admin.ensure(again.topics.specs([TIER]), replication=1)
            try:
                return _measure(again)
            finally:
                again.close()


def _measure(again: Again) -> dict[str, Any]:
    for endpoint_id in ("ep_a", "ep_b"):
        again.endpoint(endpoint_id)
    ids: list[str] = []
    own, others = OWN // TURNS, OTHERS // TURNS
    for turn in range(TURNS):
        numbers = range(turn * own, (turn + 1) * own)
        ids += again.wait(numbers, tier=TIER, due_in=TIER)
        numbers = range(turn * others, (turn + 1) * others)
        again.wait(numbers, tier=TIER, due_in=TIER, endpoint_id="ep_b")
    again.flush()
    again.start("retrier")
    while '"tiers.assigned"' not in again.log():
        time.sleep(0.05)
    again.ask("send_now")
    asked_at = time.time()
    records = again.read(again.topics.lane("ep_a"), count=len(ids), within_s=WITHIN_S)
    last = max(record.timestamp()[1] for record in records) / 1_000
    copies = Counter(again.lane_ids(count=len(ids)))
    assert copies == Counter(ids), "each once"
    stayed = OTHERS - len(again.read(again.topics.lane("ep_b")))
    assert stayed == OTHERS, "the other's stay"
    return {"copied": len(records), "stayed": stayed, "seconds": round(last - asked_at, 2)}
