"""One lane's backlog is bounded and nobody else's trouble."""

from datetime import timedelta

import pytest

from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import OffsetTracker
from hooklane.domain.topics import Partition
from support.posting import (
    OK,
    SECOND,
    TOPICS,
    DelivererBench,
    answer_all,
    header,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


def test_a_paused_backlog_is_held_then_sent_in_offset_order(bench):
    """Nothing while paused; then all, in order, none twice."""
    endpoint = bench.endpoint(state=EndpointState.PAUSED, in_flight_max=1)
    expected = [value["event_id"] for value in bench.deliver(endpoint, 1_200)]
    deliverer = bench.deliverer()
    bench.run(deliverer, 5 * SECOND)
    assert bench.sender.posts == []
    bench.change(endpoint, state=EndpointState.ACTIVE)
    answer_all(bench, OK, seconds=0.001)
    bench.run(deliverer, 40 * SECOND)
    assert bench.sender.event_ids == expected
    assert (len(bench.attempts()), bench.lag(endpoint)) == (1_200, 0)


def test_a_slow_lane_holds_bounded_records_and_nobody_else():
    """A hung endpoint's endless lane is paused; another's 500 go through at once."""
    bench = DelivererBench(held_records_max=100)
    slow, fast = bench.endpoint("ep_s", in_flight_max=2), bench.endpoint("ep_f")
    bench.deliver(slow, 6_000)
    deliverer = bench.deliverer()
    slow_events = {f"evt_{n}" for n in range(6_000)}
    bench.sender.rule = lambda r: (
        (3_000.0, OK) if header(r, "webhook-id") in slow_events else (0.01, OK)
    )
    bench.run(deliverer, 3 * SECOND)
    (lane,) = [lane for lane in deliverer._sending._lanes if lane.endpoint_id == "ep_s"]
    assert len(lane.pending) <= 64
    bench.deliver(fast, 500)
    bench.run(deliverer, 3 * SECOND)
    assert len(bench.sender.posts) == 502


def test_a_refused_seek_leaves_no_lane_paused():
    """Lanes that were to be read again are, also if the first try of one of them fails."""
    bench = DelivererBench(held_records_max=100)
    endpoints = [bench.endpoint(name, state=EndpointState.PAUSED) for name in ("ep_a", "ep_b")]
    for endpoint in endpoints:
        bench.deliver(endpoint, 1_200)
    deliverer = bench.deliverer()
    bench.run(deliverer, 3 * SECOND)
    readings = deliverer._assignment.readings.values()
    assert all(r.paused and r.resume_at is not None for r in readings)
    seek, calls = deliverer._ports.member.seek, []

    def refuse_the_second(partition, offset):
        calls.append(partition)
        if len(calls) == 2:
            raise Unavailable("x")
        seek(partition, offset)

    deliverer._ports.member.seek = refuse_the_second
    for endpoint in endpoints:
        bench.change(endpoint, state=EndpointState.ACTIVE)
    bench.run(deliverer, 30 * SECOND)
    assert [bench.lag(endpoint) for endpoint in endpoints] == [0, 0]
    assert len(bench.sender.posts) == 2_400


def test_a_full_span_of_finished_ones_cuts_its_head():
    """One hung POST does not stop its lane: at the cap it is cut, timed out, and retried."""
    bench = DelivererBench(span_max=100)
    endpoint = bench.endpoint()
    expected = {value["event_id"] for value in bench.deliver(endpoint, 400)}
    bench.sender.rule = lambda r: (None, OK) if header(r, "webhook-id") == "evt_0" else (0.01, OK)
    bench.run(bench.deliverer(), 20 * SECOND)
    attempts = bench.attempts()
    assert {a["event_id"] for a in attempts} == expected
    assert [a["outcome"] for a in attempts if a["event_id"] == "evt_0"] == ["timed_out"]
    assert (len(attempts), len(bench.retries()), bench.lag(endpoint)) == (400, 1, 0)


def test_an_heir_to_a_full_span_reads_its_head():
    """One was open below a cap of finished ones when its owner died: it is done after all."""
    bench = DelivererBench(span_max=100)
    endpoint = bench.endpoint()
    expected = [value["event_id"] for value in bench.deliver(endpoint, 120)]
    left = OffsetTracker(0)
    for offset in range(100):
        left.receive(offset)
    for offset in range(1, 100):
        left.finish(offset)
    lane = Partition(TOPICS.lane("ep_a"), 0)
    bench.cluster.groups[TOPICS.group("deliverer.0")].commits[lane] = left.commit()
    # Its lane is assigned a while before the first record comes.
    bench.cluster.fail_next("committed", Unavailable("x"))
    bench.run(bench.deliverer(), 5 * SECOND)
    assert sorted([expected[0], *expected[100:]]) == sorted(bench.sender.event_ids)
    assert bench.lag(endpoint) == 0
