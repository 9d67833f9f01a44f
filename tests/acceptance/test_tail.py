"""`hooklane tail` as a user runs it: each attempt at once, until Ctrl-C."""

import json
import os
import signal
import subprocess
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.stack import HOOKLANE

pytestmark = pytest.mark.timeout(60)


class Control(BaseHTTPRequestHandler):
    """An API whose log has one more attempt at every look."""

    looks = 0

    def do_GET(self):
        cls = type(self)
        cls.looks += 1
        rows = [attempt(number) for number in range(cls.looks, 0, -1)]
        body = json.dumps({"items": rows, "next_cursor": None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Keep quiet."""


def attempt(number):
    return {
        "attempt_id": f"att_{number}", "started_at": datetime.now(UTC).isoformat(),
        "type": "order.created", "version": 1, "number": number, "trigger": "event",
        "status": 200, "outcome": "succeeded", "timings": {"total_ms": 3}, "reason": "",
        "verdict": "delivered", "due_at": None, "endpoint_id": "ep_1", "event_id": "evt_1",
    }  # fmt: skip


@pytest.fixture
def api():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Control)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_each_attempt_is_one_line_at_once_and_ctrl_c_is_130(api, words):
    """Also into a pipe, and without a traceback."""
    environment = {**os.environ, "HOOKLANE_API": api, "HOOKLANE_API_KEY": "k"}
    tail = subprocess.Popen(
        [HOOKLANE, "tail", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = [tail.stdout.readline() for _ in range(3)]
    tail.send_signal(signal.SIGINT)
    rest, told = tail.communicate()
    assert tail.returncode == 130
    assert len(told.splitlines()) == 1
    shown = [*lines, *rest.splitlines()]
    if words:
        numbers = [json.loads(line)["number"] for line in shown]
    else:
        numbers = [int(line.partition("attempt ")[2].split()[0]) for line in shown]
    assert numbers == list(range(1, len(shown) + 1))
