"""Probes never raise: not yet is an answer."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hooklane.embedded import probes


class Answerer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({"/ready": 200}.get(self.path, 503))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def port():
    with HTTPServer(("127.0.0.1", 0), Answerer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_port():
    with HTTPServer(("127.0.0.1", 0), Answerer) as server:
        return server.server_port


def test_only_200_is_ready(port):
    """A service that answers 503 is there, but not ready."""
    assert probes.answers_200(f"http://127.0.0.1:{port}/ready")
    assert not probes.answers_200(f"http://127.0.0.1:{port}/starting")


def test_a_proxy_in_the_environment_is_not_asked(port, closed_port, monkeypatch):
    """Loopback is asked directly."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    assert probes.answers_200(f"http://127.0.0.1:{port}/ready")


def test_nobody_listening_is_not_ready(closed_port):
    """A refused connection is an answer, not an error."""
    assert not probes.answers_200(f"http://127.0.0.1:{closed_port}/ready")
    assert not asyncio.run(probes.http_probe(f"http://127.0.0.1:{closed_port}/ready")())
    assert not asyncio.run(probes.kafka_probe("127.0.0.1", closed_port)())


def test_a_listener_is_seen(port):
    """A broker is asked for metadata only once somebody listens."""
    assert asyncio.run(probes.answers_tcp("127.0.0.1", port))
