"""How every service runs."""

import urllib.error
import urllib.request

import pytest

from hooklane.adapters.memory import ManualClock
from hooklane.adapters.process import (
    BACKOFF_MAX_S,
    STALLED_AFTER_S,
    Health,
    _run_worker,
    serve_health,
)
from hooklane.domain.errors import Fenced, Misconfigured, Unavailable


class Stop:
    """Stops after so many looks; waiting is noted and takes no time."""

    def __init__(self, steps):
        self.steps, self.waits = steps, []

    def is_set(self):
        self.steps -= 1
        return self.steps < 0

    def wait(self, seconds):
        self.waits.append(round(seconds, 3))


class Worker:
    """Does what it is told at each call: an error to raise, or nothing."""

    def __init__(self, *, starts=(), steps=(), stops=()):
        self.plan = {"start": list(starts), "step": list(steps), "stop": list(stops)}
        self.calls = []

    def _do(self, name):
        self.calls.append(name)
        error = self.plan[name].pop(0) if self.plan[name] else None
        if error is not None:
            raise error

    def start(self):
        self._do("start")

    def step(self):
        self._do("step")

    def stop(self):
        self._do("stop")

    def not_ready(self):
        return None


class Lines(list):
    def __call__(self, what, /, **fields):
        self.append(what)


def run(worker, steps):
    stop, health, lines = Stop(steps), Health(ManualClock()), Lines()
    code = _run_worker(worker, stop=stop, health=health, log=lines)
    return code, stop, health, lines


def test_a_worker_starts_steps_and_drains():
    """Each once, then as often as there is time, then once."""
    worker = Worker()
    code, _, health, lines = run(worker, 3)
    assert code == 0
    assert worker.calls == ["start", "step", "step", "step", "stop"]
    assert health.reason is None
    assert lines == ["process.stopping", "process.stopped"]


def test_an_unavailable_start_is_tried_again_with_backoff():
    """Not ready meanwhile, and it never gives up."""
    away = Unavailable("away")
    worker = Worker(starts=[away] * 8)
    _, stop, health, _ = run(worker, 8)
    assert stop.waits == [0.2, 0.4, 0.8, 1.6, 3.2, BACKOFF_MAX_S, BACKOFF_MAX_S, BACKOFF_MAX_S]
    assert "away" in health.reason
    assert "step" not in worker.calls


def test_an_unavailable_step_does_not_start_anew_and_recovers():
    """The backoff begins again small after a step that went well."""
    away = Unavailable("away")
    worker = Worker(steps=[away, away, None, away, None])
    _, stop, health, lines = run(worker, 5)
    assert worker.calls.count("start") == 1
    assert stop.waits == [0.2, 0.4, 0.2]
    assert lines.count("process.recovered") == 2
    assert health.reason is None


def test_a_fenced_worker_ends_at_once_and_does_not_drain():
    """Another holds its id: whatever it would commit is not its own."""
    worker = Worker(steps=[Fenced("taken over")])
    with pytest.raises(Fenced):
        run(worker, 3)
    assert worker.calls == ["start", "step"]


def test_a_drain_that_can_not_commit_says_so():
    """What was under way is done again by the next process."""
    code, _, _, lines = run(Worker(stops=[Unavailable("away")]), 1)
    assert code == 1
    assert lines[-1] == "process.undrained"


def test_a_worker_without_an_ended_step_is_stalled():
    """Liveness ends past the limit, not before; a step brings it back."""
    clock = ManualClock()
    health = Health(clock)
    clock.sleep(STALLED_AFTER_S)
    assert health.stalled() is None
    clock.sleep(1)
    assert health.stalled() == "no step ended for 61 s"
    health.beat(None)
    assert health.stalled() is None


@pytest.fixture
def served():
    health = Health(ManualClock())
    server = serve_health(health, host="127.0.0.1", port=0)
    yield health, server.server_port
    server.shutdown()
    server.server_close()


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_health_is_served(served):
    """Alive from the start, ready once a step ended well, and the figures are there."""
    health, port = served
    assert get(port, "/live") == (200, "ok\n")
    assert get(port, "/ready") == (503, "starting\n")
    health.beat(None)
    assert get(port, "/ready") == (200, "ok\n")
    health.beat("Kafka is away")
    assert get(port, "/ready") == (503, "Kafka is away\n")
    assert get(port, "/metrics")[0] == 200
    assert get(port, "/other")[0] == 404


def test_a_taken_port_is_a_wrong_configuration(served):
    """It is named."""
    _, port = served
    with pytest.raises(Misconfigured, match=f"metrics port 127.0.0.1:{port}"):
        serve_health(Health(ManualClock()), host="127.0.0.1", port=port)
