"""How every service runs: settings shown, health served, a worker stepped until told to stop.

`/live` says whether the worker still steps, `/ready` whether it does its work, `/metrics` the
figures. Unavailable dependencies are waited for with backoff; a Fenced process ends with code 3 so
that its supervisor starts it anew; a Misconfigured one ends with code 2 and one sentence.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from prometheus_client import REGISTRY, generate_latest
from pydantic_settings import BaseSettings

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.log import Log, json_log
from hooklane.adapters.ports import Clock
from hooklane.adapters.settings import ProcessSettings, load, shown
from hooklane.domain.errors import Fenced, Misconfigured, Unavailable

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
STALLED_AFTER_S = 60.0
GC_THRESHOLDS = (20_000, 20, 20)


class Worker(Protocol):
    """What a service does, one step at a time, all on one thread."""

    def start(self) -> None:
        """Connect and read what is needed; called again after Unavailable."""

    def step(self) -> None:
        """Poll, decide, do the effects, commit; returns within about a second."""

    def stop(self) -> None:
        """Drain: finish or cut what is under way, commit it, close everything."""

    def not_ready(self) -> str | None:
        """Say why it cannot do its work now; None when it can."""


class Health:
    """What `/live` and `/ready` answer; written by the worker's thread, read by the server's."""

    def __init__(self, clock: Clock) -> None:
        """Begin alive and not ready."""
        self._clock = clock
        self._beat_at = clock.monotonic()
        self.reason: str | None = "starting"

    def beat(self, reason: str | None) -> None:
        """Tell that a step ended, and why it is not ready, if it is not."""
        self._beat_at = self._clock.monotonic()
        self.reason = reason

    def stalled(self) -> str | None:
        """Say that no step has ended for too long."""
        silent = self._clock.monotonic() - self._beat_at
        return f"no step ended for {silent:.0f} s" if silent > STALLED_AFTER_S else None


def serve_health(health: Health, *, host: str, port: int) -> ThreadingHTTPServer:
    """Serve /live, /ready and /metrics from a daemon thread; its port is `server_port`.

    Raises:
        Misconfigured: the port is taken.
    """

    class Answerer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(REGISTRY))
                return
            if self.path not in {"/live", "/ready"}:
                self._answer(404, b"there are /live, /ready and /metrics\n")
                return
            reason = health.stalled()
            if self.path == "/ready":
                reason = reason or health.reason
            self._answer(503 if reason else 200, f"{reason or 'ok'}\n".encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: probes are not decisions."""

    try:
        server = ThreadingHTTPServer((host, port), Answerer)
    except OSError as error:
        raise Misconfigured(f"metrics port {host}:{port}: {error.strerror}") from None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def run(
    service: str, sections: Sequence[type[BaseSettings]], *, build: Callable[..., Worker]
) -> int:
    """Run a service until SIGTERM or SIGINT; give its exit code.

    Args:
        service: its name, which is its folder's.
        sections: every settings section it uses, its own (a ProcessSettings) first.
        build: names the concrete adapters and makes the worker; called with the sections in
            their order, then `log` and `clock` by name. Must not need the network.
    """
    # Records pass by the thousand and make no cycles: looking for some after every 700 costs a
    # tenth of a deliverer's time.
    gc.set_threshold(*GC_THRESHOLDS)
    clock = SystemClock()
    log = json_log(service, clock=clock)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        loaded = [load(section) for section in sections]
        own = loaded[0]
        assert isinstance(own, ProcessSettings)
        health = Health(clock)
        server = serve_health(health, host=own.metrics_host, port=own.metrics_port)
        settings = {name: value for section in loaded for name, value in shown(section).items()}
        log("process.started", metrics_port=server.server_port, settings=settings)
        return _run_worker(build(*loaded, log=log, clock=clock), stop=stop, health=health, log=log)
    except Misconfigured as error:
        print(error, file=sys.stderr)  # noqa: T201  the one sentence for whoever started it
        return 2
    except Fenced as error:
        log("process.fenced", level="error", error=str(error))
        return 3


def _run_worker(worker: Worker, *, stop: threading.Event, health: Health, log: Log) -> int:
    backoff, started, failures = BACKOFF_FIRST_S, False, 0
    while not stop.is_set():
        try:
            if not started:
                worker.start()
                started = True
            worker.step()
            health.beat(worker.not_ready())
            if failures:
                log("process.recovered", failures=failures)
            backoff, failures = BACKOFF_FIRST_S, 0
        except Unavailable as error:
            failures += 1
            health.beat(str(error))
            log("process.waited", level="warning", error=str(error), backoff_s=backoff)
            stop.wait(backoff)
            backoff = min(backoff * 2, BACKOFF_MAX_S)
    log("process.stopping")
    try:
        worker.stop()
    except Unavailable as error:
        # What was under way is uncommitted: the next process does it again.
        log("process.undrained", level="error", error=str(error))
        return 1
    log("process.stopped")
    return 0
