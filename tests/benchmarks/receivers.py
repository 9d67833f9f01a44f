"""The receiver of the throughput benchmarks: nginx, which costs a POST some 3 µs."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.machine import children, cpu_seconds
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
        # Asked often while others are measured: no client costs less.
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._asked = 0

    def posts(self) -> int:
        """Give how many requests were answered so far, our own questions not counted."""
        self._asked += 1
        self._connection.request("GET", "/status")
        text = self._connection.getresponse().read().decode()
        return int(text.splitlines()[2].split()[2]) - self._asked

    def cpu_seconds(self) -> float:
        """Give the CPU time that it has used so far."""
        return sum(cpu_seconds(pid) for pid in (self.pid, *children(self.pid)))


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
