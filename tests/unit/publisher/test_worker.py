"""The door answers as soon as it runs, and is ready while Kafka answers."""

from datetime import timedelta

import pytest

from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.domain.errors import Unavailable
from hooklane.publisher.worker import Ingest
from support.ingesting import NoServer


class NoAcks:
    """Notes whether it was started and stopped."""

    def __init__(self):
        self.calls, self.failure = [], None

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")


@pytest.fixture
def worker():
    clock = ManualClock()
    return Ingest(
        server=NoServer(None, host="", port=0),
        acks=NoAcks(),
        admin=Cluster(clock).admin(),
        clock=clock,
    )


def cluster_of(worker):
    return worker.admin._cluster


def test_it_answers_before_kafka_does(worker):
    """The answer is 503 then; it starts once, however often it is tried."""
    cluster_of(worker).down()
    for _ in range(2):
        with pytest.raises(Unavailable):
            worker.start()
    assert (worker.server.calls, worker.acks.calls) == (["start"], ["start"])
    assert worker.not_ready() is not None
    cluster_of(worker).up()
    worker.start()
    assert (worker.server.calls, worker.not_ready()) == (["start"], None)


def test_it_is_not_ready_while_kafka_is_away(worker):
    """It asks every few seconds, and while away at every step."""
    worker.start()
    cluster_of(worker).down()
    worker.step()
    worker.clock.advance(timedelta(seconds=5))
    with pytest.raises(Unavailable):
        worker.step()
    assert "no broker answers" in worker.not_ready()
    cluster_of(worker).up()
    worker.step()
    assert worker.not_ready() is None


def test_a_crash_of_the_acks_thread_ends_it(worker):
    """Its supervisor starts it anew."""
    worker.start()
    worker.acks.failure = ValueError("broken")
    with pytest.raises(ValueError, match="broken"):
        worker.step()


def test_a_stop_answers_first_and_then_waits_for_the_brokers(worker):
    """In that order; one that never started has no server to stop."""
    worker.stop()
    assert (worker.server.calls, worker.acks.calls) == ([], ["stop"])
    worker.start()
    worker.stop()
    assert worker.server.calls == ["start", "stop"]
