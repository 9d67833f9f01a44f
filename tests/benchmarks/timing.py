"""A receiver that notes how long each POST was on its way, and misbehaves where a path says so.

Run as a process of its own: `python -m benchmarks.timing PORT`. Paths of endpoints:

    /hook…   200, timed
    /late…   200 after 200 ms, counted
    /bad/hang, /bad/500   while in trouble they do that, else 200; not timed
    /twice…  while in trouble the first two attempts of each webhook-id get 500; first ones timed

and of the benchmark: /latencies, /count, /storm (each since asked before), /trouble, /calm.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httptools
import httpx
import uvloop

from benchmarks.ports import free_port
from benchmarks.receivers import wait_for

LATE_S = 0.2
FAILURES = 2
# What the storm's endpoints are created with: attempt n + 1 is due so long after attempt n failed.
SCHEDULE_S = (1, 2, 2)


class Notes:
    """What all connections of the process noted."""

    def __init__(self) -> None:
        self.latencies_ms: list[float] = []
        self.count = 0
        self.is_trouble = False
        self.hanging: list[asyncio.Transport] = []
        # By path and webhook-id: how often it came, and when the last answer was written.
        self.attempts: dict[bytes, tuple[int, float]] = {}
        self.early = self.succeeded = self.again = 0

    def time(self, body: bytes) -> None:
        """Note how long ago this body was published."""
        now, start = time.time_ns(), body.index(b'"published_ns":') + 15
        self.latencies_ms.append((now - int(body[start : start + 19])) / 1e6)

    def attempt(self, name: bytes, body: bytes) -> int:
        """Note an attempt at a delivery that may have to fail; give the status."""
        now = time.monotonic()
        made, answered = self.attempts.get(name, (0, now))
        self.attempts[name] = (made + 1, now)
        if made == 0:
            self.time(body)
        elif made <= FAILURES and now < answered + SCHEDULE_S[made - 1]:
            self.early += 1
        if self.is_trouble and made < FAILURES:
            return 500
        self.succeeded += 1
        self.again += made > FAILURES
        return 200

    def told(self, url: bytes) -> Any:
        """Answer the benchmark; None where it was no question."""
        match url:
            case b"/latencies":
                found, self.latencies_ms = self.latencies_ms, []
                return found
            case b"/count":
                return self.count
            case b"/storm":
                return {
                    "deliveries": len(self.attempts),
                    "succeeded": self.succeeded,
                    "early": self.early,
                    "succeeded_again": self.again,
                    "attempts": sum(made for made, _ in self.attempts.values()),
                }
            case b"/trouble" | b"/calm":
                self._turn(is_trouble=url == b"/trouble")
                return True
        return None

    def _turn(self, *, is_trouble: bool) -> None:
        self.is_trouble = is_trouble
        self.attempts.clear()
        self.early = self.succeeded = self.again = 0
        hanging, self.hanging = self.hanging, []
        for transport in hanging:
            # One that the deliverer gave up on is closed already.
            if not transport.is_closing():
                transport.write(_answer(200))


def _answer(status: int, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


class TimingReceiver(asyncio.Protocol):
    """One connection."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self.url, self.body, self.id = url, b"", b""

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"webhook-id":
            self.id = value

    def on_body(self, body: bytes) -> None:
        self.body += body

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        notes, url = self.notes, self.url
        if not self.body:
            told = notes.told(url)
            self.transport.write(_answer(200, json.dumps(told).encode()))
            return
        notes.count += 1
        status = 200
        if url.startswith(b"/hook"):
            notes.time(self.body)
        elif url.startswith(b"/late"):
            loop = asyncio.get_running_loop()
            loop.call_later(LATE_S, self.transport.write, _answer(200))
            return
        elif url.startswith(b"/twice"):
            status = notes.attempt(url + self.id, self.body)
        elif notes.is_trouble and url == b"/bad/hang":
            notes.hanging.append(self.transport)
            return
        elif notes.is_trouble:
            status = 500
        self.transport.write(_answer(status))


@contextmanager
def timing_receiver() -> Iterator[str]:
    """Run the timing receiver in a process of its own; give its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.timing", str(port)]
    child = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    try:
        wait_for(f"http://127.0.0.1:{port}/count")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait()


def latencies(url: str, *, count: int, seconds: float = 60) -> list[float]:
    """Give, sorted, the latencies noted since they were asked before, once so many have come."""
    found: list[float] = []
    deadline = time.perf_counter() + seconds
    while True:
        found += httpx.get(f"{url}/latencies").json()
        if len(found) >= count:
            return sorted(found)
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{count - len(found)} of {count} deliveries did not arrive")
        time.sleep(0.2)


def share(ordered: Sequence[float], part: float) -> float:
    """Give a quantile of ordered figures."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


async def _serve(port: int) -> None:
    notes = Notes()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: TimingReceiver(notes), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
