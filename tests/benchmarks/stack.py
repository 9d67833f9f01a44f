"""The whole of Hooklane on this machine, as `hooklane up` runs it, for one benchmark run."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastavro
import httpx
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.machine import cpu_seconds, resident_mb
from benchmarks.scale import say

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
TENANT = "bench"
CREATORS = 12
RECORDER_WITHIN_S = 300.0
# How often the recorder renews its lag here; what was read before that says nothing.
LAG_S = 1
ENVIRONMENT = {
    "HOOKLANE_RECORDER_LAG_S": str(LAG_S),
    # Endpoints are created as fast as control can.
    "HOOKLANE_CONTROL_API_RATE_PER_S": "0",
}


class Refused(Exception):
    """Control did not create what a workload needs; its words are the text."""


class Stack:
    """A running stack: its addresses, and the little that benchmarks do with it."""

    def __init__(self, ready_file: Path, *, linger_ms: int) -> None:
        self._ready_file = ready_file
        self.ready: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
        headers = {"Authorization": f"Bearer {self.ready['api_key']}"}
        self.api = httpx.Client(base_url=self.ready["api"], headers=headers, timeout=60)
        self.producer = Producer(
            {
                "bootstrap.servers": self.ready["kafka"],
                "enable.idempotence": True,
                "linger.ms": linger_ms,
                "queue.buffering.max.messages": 1_000_000,
                # The stack stops before it does; that is no news.
                "log_level": 0,
            }
        )
        self._schema_id = self._register()
        self._parsed = fastavro.parse_schema(SCHEMA)
        self._tenants: set[str] = set()

    @property
    def pids(self) -> dict[str, int]:
        """What runs now, by name; a service that was started again has another."""
        with contextlib.suppress(FileNotFoundError):
            self.ready = json.loads(self._ready_file.read_text(encoding="utf-8"))
        return dict(self.ready["pids"])

    def _register(self) -> int:
        url = f"{self.ready['registry']}/subjects/bench.measured/versions"
        answer = httpx.post(url, json={"schema": json.dumps(SCHEMA)})
        answer.raise_for_status()
        admin = AdminClient({"bootstrap.servers": self.ready["kafka"]})
        for created in admin.create_topics([NewTopic(TOPIC, 4, 1)]).values():
            created.result()
        return int(answer.json()["id"])

    def create_endpoints(
        self, urls: Sequence[str], *, tenant: str = TENANT, **fields: Any
    ) -> list[str]:
        """Create endpoints for the bench's events; give their ids once all are effective."""
        return self.create_for(((tenant, url) for url in urls), **fields)

    def create_for(self, wanted: Any, **fields: Any) -> list[str]:
        """Create an endpoint for each (tenant, URL), several at a time; wait for all of them."""
        pairs = list(wanted)
        for tenant in dict.fromkeys(tenant for tenant, _ in pairs):
            self._tenant(tenant)

        def create(pair: tuple[str, str]) -> str:
            tenant, url = pair
            body = {"tenant": tenant, "url": url, "subscription": ["bench.*"], **fields}
            answer = self.api.post("/v1/endpoints", json=body)
            if not answer.is_success:
                raise Refused(f"{answer.status_code}: {answer.text}")
            return str(answer.json()["id"])

        with ThreadPoolExecutor(CREATORS) as pool:
            ids = list(pool.map(create, pairs))
        wait(self._all_are_effective, "the endpoints")
        return ids

    def _tenant(self, name: str) -> None:
        if name in self._tenants:
            return
        answer = self.api.post("/v1/tenants", json={"name": name})
        if answer.status_code not in (201, 409):
            raise Refused(f"{answer.status_code}: {answer.text}")
        self._tenants.add(name)

    def _all_are_effective(self) -> bool:
        asked: dict[str, Any] = {"limit": 500}
        while True:
            found = self.api.get("/v1/endpoints", params=asked).raise_for_status().json()
            if not all(one["effective"] for one in found["items"]):
                return False
            if found["next_cursor"] is None:
                return True
            asked["cursor"] = found["next_cursor"]

    def publish(self, key: int, *, tenant: str = TENANT) -> None:
        """Queue one event of about 1 KB."""
        out = io.BytesIO(b"\0" + self._schema_id.to_bytes(4, "big"))
        out.seek(0, io.SEEK_END)
        value = {"published_ns": time.time_ns(), "filler": FILLER}
        fastavro.schemaless_writer(out, self._parsed, value)
        headers = [("ce_tenant", tenant.encode())]
        self.producer.produce(TOPIC, out.getvalue(), key=str(key), headers=headers)
        self.producer.poll(0)

    def steady(
        self, *, rate: float, seconds: float, tenant_of: Callable[[int], str] = lambda _: TENANT
    ) -> int:
        """Publish at a steady rate for so long; give how many."""
        started, count = time.perf_counter(), max(1, int(rate * seconds))
        for number in range(count):
            pause = started + number / rate - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
            self.publish(number, tenant=tenant_of(number))
        self.producer.flush()
        return count

    def cpu_seconds(self) -> dict[str, float]:
        """Give the CPU time each process has used so far."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def memory_mb(self) -> dict[str, int]:
        """Give the highest resident memory of each process so far."""
        return {name: round(resident_mb(pid, peak=True)) for name, pid in self.pids.items()}

    def metric(self, service: str, name: str) -> float:
        """Give a metric's value, its labels added up."""
        lines = httpx.get(f"{self.ready['metrics'][service]}/metrics").text.splitlines()
        found = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return sum(float(value) for head, _, value in found if head.partition("{")[0] == name)

    def recorder_catches_up(self) -> float:
        """Wait until all is in SQL; give the seconds since this was asked."""
        asked = time.perf_counter()
        # Until then the last tick's outcomes are not on their topic, or not in the lag told.
        time.sleep(LAG_S + 0.5)
        while self.metric("recorder", "hooklane_recorder_lag_records") > 0:
            if time.perf_counter() - asked > RECORDER_WITHIN_S:
                raise TimeoutError("the recorder does not catch up")
            time.sleep(0.25)
        return round(time.perf_counter() - asked, 1)


def wait(is_so: Callable[[], bool], what: str, *, seconds: float = 120, pause: float = 0.1) -> None:
    """Wait until it is so."""
    deadline = time.perf_counter() + seconds
    while not is_so():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds:g} s")
        time.sleep(pause)


@contextmanager
def stack(environment: Mapping[str, str] | None = None, *, linger_ms: int = 0) -> Iterator[Stack]:
    """Start the embedded stack in a folder of its own and stop it at the end.

    Args:
        environment: further settings of the services.
        linger_ms: the publishing client's; 5 is librdkafka's own default.
    """
    say("starting Kafka, the registry and every service")
    with tempfile.TemporaryDirectory() as folder:
        ready_file = Path(folder) / "ready.json"
        command = [sys.executable, "-m", "hooklane.cli", "up", "--dir", f"{folder}/stack"]
        with Path(folder, "log").open("wb") as log:
            child = subprocess.Popen(
                [*command, "--ready-file", str(ready_file)],
                env={**os.environ, **ENVIRONMENT, **(environment or {})},
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
            yield Stack(ready_file, linger_ms=linger_ms)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(90)
