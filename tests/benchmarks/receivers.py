"""The two receivers of the benchmarks: nginx for throughput, a timing asyncio one for latency."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httptools
import httpx
import uvloop

from benchmarks.ports import free_port

NGINX = """
worker_processes 1;
pid receiver.pid;
daemon off;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /status {{ stub_status; }}
    location / {{ return 200 "ok"; }}
  }}
}}
"""


class Nginx:
    """An nginx that answers 200 to every POST and counts what it answered."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self.url)
        self._asked = 0

    def posts(self) -> int:
        """Give how many requests were answered so far, our own questions not counted."""
        self._asked += 1
        counts = self._client.get("/status").text.splitlines()[2].split()
        return int(counts[2]) - self._asked


@contextmanager
def nginx() -> Iterator[Nginx]:
    """Run nginx (Debian's package) on a free port."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        sys.exit("the benchmarks need nginx: apt-get install nginx-light")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "receiver.conf"
        config.write_text(NGINX.format(port=port), encoding="utf-8")
        child = subprocess.Popen([binary, "-e", "stderr", "-p", folder, "-c", str(config)])
        try:
            wait_for(f"http://127.0.0.1:{port}/status")
            yield Nginx(port, child.pid)
        finally:
            child.terminate()
            child.wait()


def wait_for(url: str, *, seconds: float = 20) -> None:
    """Wait until the URL answers 200."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(url)
        time.sleep(0.02)


class TimingReceiver(asyncio.Protocol):
    """Notes, for each POST, the time between the body's `published_ns` and now."""

    latencies_ms: list[float] = []  # noqa: RUF012  one list for all connections of the process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self.url, self.body = url, b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        answer = b""
        if self.url == b"/latencies":
            answer = json.dumps(self.latencies_ms).encode()
            self.latencies_ms.clear()
        elif self.body:
            now, start = time.time_ns(), self.body.index(b'"published_ns":') + 15
            published = int(self.body[start : start + 19])
            self.latencies_ms.append((now - published) / 1e6)
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
        )


@contextmanager
def timing_receiver() -> Iterator[str]:
    """Run the timing receiver in a process of its own; give its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.receivers", str(port)]
    child = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    try:
        wait_for(f"http://127.0.0.1:{port}/latencies")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait()


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(TimingReceiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
