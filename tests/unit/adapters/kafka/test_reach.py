"""A client that alone is not answered has lost its brokers, if that lasts; an outage is no loss."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from hooklane.adapters.kafka.reach import COMPARED_EVERY_S, LOST_AFTER_S, Reachability
from hooklane.adapters.memory import ManualClock
from hooklane.domain.errors import Fenced, Unavailable

DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN)
OTHER = KafkaError(KafkaError._MSG_TIMED_OUT)


class Client:
    """A client of a cluster: answered or not, and by how many brokers."""

    def __init__(self, *, is_answered=True, brokers=1):
        self.is_answered, self.brokers, self.asked = is_answered, brokers, 0

    def list_topics(self, *, timeout):
        assert timeout <= 1
        self.asked += 1
        if not self.is_answered:
            raise KafkaException(DOWN)
        return SimpleNamespace(brokers=dict.fromkeys(range(self.brokers)))


class Bench:
    def __init__(self):
        self.clock = ManualClock()
        self.own, self.new = Client(), Client()
        self.reachable = Reachability(lambda: self.new, self.clock)

    def pass_by(self, seconds):
        self.clock.advance(timedelta(seconds=seconds))

    def wait(self, seconds):
        """Check every second, as a worker that backs off does."""
        for _ in range(int(seconds)):
            with pytest.raises(Unavailable, match="no broker answers"):
                self.reachable.check(self.own)
            self.pass_by(1)


@pytest.fixture
def bench():
    return Bench()


def test_without_suspicion_nobody_is_asked(bench):
    """Nor after an error that is not about brokers."""
    bench.own.is_answered = False
    bench.reachable.on_error(OTHER)
    bench.reachable.check(bench.own)
    bench.reachable.watch(bench.own)
    assert (bench.own.asked, bench.new.asked) == (0, 0)


def test_an_answer_ends_the_suspicion(bench):
    """Afterwards nobody is asked."""
    bench.reachable.on_error(DOWN)
    bench.reachable.check(bench.own)
    bench.reachable.check(bench.own)
    assert (bench.own.asked, bench.new.asked) == (1, 0)


def test_an_outage_is_waited_out_and_its_end_is_no_loss(bench):
    """However long it was, and although a new client is answered first."""
    bench.own.is_answered = bench.new.is_answered = False
    bench.reachable.on_error(DOWN)
    bench.wait(3_600)
    bench.new.is_answered = True
    bench.wait(LOST_AFTER_S)
    bench.own.is_answered = True
    bench.reachable.check(bench.own)


def test_a_client_that_alone_is_not_answered_for_long_is_lost(bench):
    """Whoever checks and whoever only watches."""
    bench.own.is_answered = False
    bench.reachable.on_error(DOWN)
    bench.wait(LOST_AFTER_S)
    with pytest.raises(Fenced, match="lost its brokers"):
        bench.reachable.check(bench.own)
    bench.pass_by(COMPARED_EVERY_S)
    with pytest.raises(Fenced, match="lost its brokers"):
        bench.reachable.watch(bench.own)
    bench.pass_by(COMPARED_EVERY_S)
    assert bench.reachable.is_lost(bench.own)


def test_a_second_outage_begins_anew(bench):
    """What was alone before it says nothing of what comes after."""
    bench.own.is_answered = False
    bench.reachable.on_error(DOWN)
    bench.wait(LOST_AFTER_S - 1)
    bench.new.is_answered = False
    bench.wait(COMPARED_EVERY_S + 1)
    bench.new.is_answered = True
    bench.wait(LOST_AFTER_S)


def test_an_answer_without_brokers_is_none(bench):
    """So a sole broker answers while it stops or starts."""
    bench.own.brokers = bench.new.brokers = 0
    bench.reachable.on_error(DOWN)
    bench.wait(3 * LOST_AFTER_S)
    assert bench.reachable.is_lost(bench.own) is False


def test_new_clients_are_made_now_and_then(bench):
    """One costs threads and up to a second."""
    bench.own.is_answered = bench.new.is_answered = False
    bench.reachable.on_error(DOWN)
    for _ in range(100):
        bench.reachable.watch(bench.own)
        bench.pass_by(0.1)
    assert bench.new.asked == 2
    assert bench.own.asked == 2
