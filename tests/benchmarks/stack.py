"""The whole of Hooklane on this machine, as `hooklane up` runs it, for one benchmark run."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastavro
import httpx
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

SCHEMA = {
    "type": "record",
    "name": "measured",
    "namespace": "bench",
    "doc": "An event whose payload is about 1 KB.",
    "fields": [
        {"name": "published_ns", "type": "long", "doc": "Unix nanoseconds."},
        {"name": "filler", "type": "string", "doc": "Fills the payload up to 1 KB."},
    ],
}
TOPIC = "events.bench"
FILLER = "y" * 780
CLOCK_TICKS_S = os.sysconf("SC_CLK_TCK")
TENANT = "bench"


class Stack:
    """A running stack: its addresses, and the little that benchmarks do with it."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = ready
        self.pids: dict[str, int] = dict(ready["pids"])
        headers = {"Authorization": f"Bearer {ready['api_key']}"}
        self.api = httpx.Client(base_url=ready["api"], headers=headers, timeout=30)
        self.producer = Producer(
            {
                "bootstrap.servers": ready["kafka"],
                "enable.idempotence": True,
                "linger.ms": 0,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._schema_id = self._register()
        self._parsed = fastavro.parse_schema(SCHEMA)

    def _register(self) -> int:
        url = f"{self.ready['registry']}/subjects/bench.measured/versions"
        answer = httpx.post(url, json={"schema": json.dumps(SCHEMA)})
        answer.raise_for_status()
        admin = AdminClient({"bootstrap.servers": self.ready["kafka"]})
        for created in admin.create_topics([NewTopic(TOPIC, 4, 1)]).values():
            created.result()
        return int(answer.json()["id"])

    def create_endpoints(self, urls: list[str]) -> list[str]:
        """Create endpoints for the bench's events; give their ids once all are effective."""
        answer = self.api.post("/v1/tenants", json={"name": TENANT})
        assert answer.status_code in (201, 409), answer.text
        ids = []
        for url in urls:
            body = {"tenant": TENANT, "url": url, "subscription": ["bench.*"]}
            answer = self.api.post("/v1/endpoints", json=body)
            assert answer.is_success, answer.text
            ids.append(answer.json()["id"])
        return ids

    def publish(self, key: int) -> None:
        """Queue one event of about 1 KB."""
        out = io.BytesIO(b"\0" + self._schema_id.to_bytes(4, "big"))
        out.seek(0, io.SEEK_END)
        value = {"published_ns": time.time_ns(), "filler": FILLER}
        fastavro.schemaless_writer(out, self._parsed, value)
        headers = [("ce_tenant", TENANT.encode())]
        self.producer.produce(TOPIC, out.getvalue(), key=str(key), headers=headers)
        self.producer.poll(0)

    def cpu_seconds(self) -> dict[str, float]:
        """Give the CPU time each process has used so far."""
        return {name: _cpu_seconds(pid) for name, pid in self.pids.items()}


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_S


def resident_mb(pid: int) -> float:
    """Give a process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def stack(environment: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start the embedded stack in a folder of its own and stop it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        ready_file = Path(folder) / "ready.json"
        command = [sys.executable, "-m", "hooklane.cli", "up", "--dir", f"{folder}/stack"]
        with Path(folder, "log").open("wb") as log:
            child = subprocess.Popen(
                [*command, "--ready-file", str(ready_file)],
                env={**os.environ, **(environment or {})},
                stdout=log,
                stderr=log,
            )
        try:
            deadline = time.monotonic() + 600
            while not ready_file.exists():
                if child.poll() is not None or time.monotonic() > deadline:
                    tail = Path(folder, "log").read_text(encoding="utf-8")[-3000:]
                    raise RuntimeError(f"the stack did not start:\n{tail}")
                time.sleep(0.1)
            yield Stack(json.loads(ready_file.read_text(encoding="utf-8")))
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(60)
