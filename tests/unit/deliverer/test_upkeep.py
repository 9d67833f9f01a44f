"""Idle lanes are committed, finished records trimmed."""

from datetime import timedelta

import pytest

from hooklane.domain.endpoint import EndpointState
from hooklane.domain.topics import Partition
from support.posting import (
    SECOND,
    TOPICS,
    DelivererBench,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


def test_finished_records_leave_the_log_once_old():
    """Trimmed up to a prefix that is `lane_keep` old, across owners; never beyond it."""
    bench = DelivererBench(lane_keep_s=3_600)
    endpoint = bench.endpoint()
    lane = Partition(TOPICS.lane("ep_a"), 0)
    bench.deliver(endpoint, 10)
    first = bench.deliverer()
    bench.run(first, 10 * SECOND)
    first.stop()
    bench.deliver(endpoint, 10)
    second = bench.deliverer()
    bench.run(second, 7_300 * SECOND, step=5 * SECOND)
    start, end = bench.admin.ends([lane])[lane]
    assert start >= 10
    assert bench.lag(endpoint) == 0
    bench.change(endpoint, state=EndpointState.PAUSED)
    bench.run(second, SECOND)
    bench.deliver(endpoint, 10)
    bench.run(second, 20_000 * SECOND, step=30 * SECOND)
    start, _ = bench.admin.ends([lane])[lane]
    assert start <= end


def test_what_is_to_be_read_again_is_not_passed():
    """An idle lane's position counts as done only where everything below it was taken in."""
    bench = DelivererBench()
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 3)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    (reading,) = deliverer._assignment.readings.values()
    bench.deliver(endpoint, 2)
    # Consumed, but past the span's cap: it is left to be read again.
    deliverer._ports.member.consume(10, timeout=timedelta(0))
    reading.read_again_from(3)
    bench.clock.advance(2 * SECOND)
    deliverer._upkeep.do({reading.partition: reading}, deliverer._sending, flow=deliverer._flow)
    bench.run(deliverer, 5 * SECOND)
    assert (len(bench.sender.posts), bench.lag(endpoint)) == (5, 0)


def test_a_new_lane_is_committed_at_once(bench):
    """A lane without a commit would start anew at its log's start for ever."""
    endpoint = bench.endpoint()
    bench.run(bench.deliverer(), 2 * SECOND)
    assert bench.lag(endpoint) == 0
