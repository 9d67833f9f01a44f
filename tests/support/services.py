"""Control and recorder as processes of a test's own, on the session's Kafka."""

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx

from hooklane.embedded.leash import leashed

API_KEY = "a key that is long enough"
READY_WITHIN_S = 60
SEALING_KEYS = "k1:" + base64.b64encode(b"k" * 32).decode()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def kafka_environment(bootstrap, prefix):
    return {
        "HOOKLANE_KAFKA_BOOTSTRAP": bootstrap,
        "HOOKLANE_KAFKA_PREFIX": prefix,
        "HOOKLANE_KAFKA_REPLICATION": "1",
        "HOOKLANE_KAFKA_RETRY_PARTITIONS": "1",
        "HOOKLANE_KAFKA_LOG_PARTITIONS": "2",
        "HOOKLANE_KAFKA_COMMANDS_PARTITIONS": "1",
        "HOOKLANE_KAFKA_POOL_PARTITIONS": "2",
        "HOOKLANE_KAFKA_RETRY_TIERS": "5s,5m",
    }


class Service:
    """One process of a service."""

    def __init__(self, name, environment, log):
        self.name, self.environment, self.log = name, environment, log
        self.metrics = free_port()
        self.child = None
        self.begun = 0  # where in the log this run's lines begin

    def start(self):
        own = f"HOOKLANE_{self.name.upper()}"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("HOOKLANE_")
        }
        environment |= self.environment | {f"{own}_METRICS_PORT": str(self.metrics)}
        command = (sys.executable, "-m", f"hooklane.{self.name}")
        with self.log.open("ab") as out:
            self.begun = out.tell()
            self.child = subprocess.Popen(
                leashed(command, parent=os.getpid()),
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        return self

    def wait_ready(self):
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            assert self.child.poll() is None, self.log.read_text()[-4000:]
            try:
                if httpx.get(f"http://127.0.0.1:{self.metrics}/ready").status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{self.name} was not ready:\n{self.log.read_text()[-4000:]}")

    def wait_for(self, what):
        """Wait for a line of this run's log."""
        deadline = time.monotonic() + READY_WITHIN_S
        while what.encode() not in self.log.read_bytes()[self.begun :]:
            assert time.monotonic() < deadline, f"{self.name} never said {what}"
            time.sleep(0.05)

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            return self.child.wait(30)
        return None


@contextmanager
def running(name, environment, log):
    service = Service(name, environment, log).start()
    try:
        yield service.wait_ready()
    finally:
        service.stop()


def control_environment(database, port):
    return {
        "HOOKLANE_CONTROL_PORT": str(port),
        "HOOKLANE_CONTROL_API_KEY": API_KEY,
        "HOOKLANE_CONTROL_DATABASE_URL": database,
        "HOOKLANE_CONTROL_LANES_CHECK_S": "1",
        "HOOKLANE_CONTROL_LANE_GRACE_S": "0",
        "HOOKLANE_SEALING_KEYS": SEALING_KEYS,
    }
