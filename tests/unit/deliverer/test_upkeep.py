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


def test_a_new_lane_is_committed_at_once(bench):
    """A lane without a commit would start anew at its log's start for ever."""
    endpoint = bench.endpoint()
    bench.run(bench.deliverer(), 2 * SECOND)
    assert bench.lag(endpoint) == 0
