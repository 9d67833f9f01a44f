"""A running embedded stack for tests: one shared by the whole session, or one of a test's own.

`HOOKLANE_TEST_STACK=<ready file>` makes the session use a stack that runs already (start one with
`hooklane up --only kafka,registry --ready-file FILE`), which saves its start.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hooklane.embedded.leash import leashed

HOOKLANE = str(Path(sys.executable).with_name("hooklane"))
READY_WITHIN_S = 100.0
ENDED_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """Where a running stack is: the ready file, as far as tests need it."""

    kafka: str
    registry: str
    api: str | None
    api_key: str | None
    ready_file: Path
    ingest: str | None = None
    directory: Path | None = None
    metrics: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def pids(self) -> dict[str, int]:
        """What runs now; the supervisor keeps it true across restarts."""
        return dict(json.loads(self.ready_file.read_text())["pids"])


def read_ready(ready_file, **fields) -> RunningStack:
    ready = json.loads(ready_file.read_text())
    known = {name: ready[name] for name in ("kafka", "registry", "api", "api_key", "metrics")}
    known["ingest"] = ready.get("ingest")
    return RunningStack(ready_file=ready_file, **known, **fields)


def start_up(directory: Path, *options: str, log: Path, environ=None) -> subprocess.Popen[bytes]:
    """Start `hooklane up` on a directory; it ends with this process, however that ends."""
    ready_file = directory.with_name(f"{directory.name}.ready.json")
    command = (HOOKLANE, "up", "--dir", str(directory), "--ready-file", str(ready_file), *options)
    with log.open("ab") as out:
        return subprocess.Popen(
            leashed(command, parent=os.getpid()),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environ or {})},
        )


def wait_until(condition, *, within_s: float, what: str):
    """Return the condition's first true value."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {within_s:g} s")
        time.sleep(0.05)
    return value


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        # The latter where it ended between the opening and the reading.
        return False
    return state not in {"Z", "X"}


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal and wait for the end; past the limit, SIGKILL."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(ENDED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@contextmanager
def running(directory: Path, *options: str, environ=None) -> Iterator[RunningStack]:
    """Run `hooklane up` for as long as the block lasts, and show its lines if it does not start."""
    log = directory.with_name(f"{directory.name}.log")
    ready_file = directory.with_name(f"{directory.name}.ready.json")
    process = start_up(directory, *options, log=log, environ=environ)
    try:
        wait_until(
            lambda: ready_file.exists() or process.poll() is not None,
            within_s=READY_WITHIN_S,
            what="the ready file",
        )
        assert process.poll() is None, f"`hooklane up` ended:\n{log.read_text()[-4000:]}"
        yield read_ready(ready_file, directory=directory, process=process)
    finally:
        end(process)


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[RunningStack]:
    """One Kafka and registry for the whole session, started when a test first asks."""
    if ready := os.environ.get("HOOKLANE_TEST_STACK"):
        yield read_ready(Path(ready))
        return
    directory = tmp_path_factory.mktemp("stack") / "state"
    with running(directory, "--only", "kafka,registry") as started:
        yield started


@pytest.fixture(scope="session")
def bootstrap(stack) -> str:
    """The address of the session's Kafka."""
    return stack.kafka


@pytest.fixture(scope="session")
def registry_url(stack) -> str:
    """The address of the session's registry, with the path of the Confluent API."""
    return stack.registry


@pytest.fixture
def prefix() -> str:
    """A prefix no other test uses: topics, groups and transactional ids of its own."""
    return f"t{uuid.uuid4().hex[:10]}"
