"""Which probes are taken: the new ones, soon."""

from datetime import timedelta

import pytest

from hooklane.deliverer.probes import ProbeTail
from hooklane.domain.delivery import to_ms
from support.posting import SECOND, TOPICS, DelivererBench


@pytest.fixture
def bench():
    return DelivererBench()


def tail_of(bench):
    reader = bench.cluster.reader(instance="d")
    tail = ProbeTail(reader, TOPICS, clock=bench.clock, log=bench._log)
    tail.start()
    return tail


def test_only_what_comes_from_now_on_is_read(bench):
    """An old probe is nobody's any more."""
    endpoint = bench.endpoint()
    bench.probe(endpoint, command_id="cmd_old")
    tail = tail_of(bench)
    bench.probe(endpoint, command_id="cmd_new")

    assert [value["command_id"] for value in tail.poll()] == ["cmd_new"]


def test_it_looks_twenty_times_a_second(bench):
    """The way of deliveries stays free."""
    tail = tail_of(bench)
    tail.poll()
    bench.probe(bench.endpoint())

    assert tail.poll() == []
    bench.clock.advance(timedelta(milliseconds=50))
    assert len(tail.poll()) == 1


def test_what_is_no_probe_or_came_too_late_is_passed(bench):
    """A reader that stood still sends nothing that nobody waits for."""
    tail = tail_of(bench)
    bench.probe(bench.endpoint())
    bench.clock.advance(31 * SECOND)
    bench.writer.produce(TOPICS.commands, b"junk", key=b"k")
    bench.probe(bench.endpoint(), kind="send_now")

    assert tail.poll() == []
    assert [what for what, _ in bench.lines] == ["command.unreadable"]


def test_a_guard_told_before_it_began_is_known_and_the_latest_counts(bench):
    """A probe of before stays nobody's."""
    now_ms = to_ms(bench.clock.now())
    endpoint = bench.endpoint()
    for ahead in (60_000, 240_000, 120_000):
        bench.probe(endpoint, kind="guard", until=now_ms + ahead)
    bench.probe(endpoint)
    tail = tail_of(bench)

    assert (tail.poll(), tail.guarded_until_ms) == ([], now_ms + 240_000)
