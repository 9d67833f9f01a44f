"""Slow, throttled and bulky endpoints of the pool hold its partition for seconds, not for good."""

from datetime import timedelta

from hooklane.adapters.rejected import RawRecord
from hooklane.deliverer.pool import LATE_MS, PoolLane, PoolLimits
from support.deliveries import delivery_bytes, delivery_value
from support.pooling import POOL, PoolBench
from support.posting import OK, SECOND


def hang(bench, *endpoint_ids):
    """Have some endpoints never answer, the others at once."""
    bench.sender.rule = lambda request: (
        (600 if request.context.delivery["endpoint_id"] in endpoint_ids else 0.01, OK)
    )


def test_those_who_are_late_together_do_not_hold_the_partition():
    """What waits for seconds goes on, but for what they begin next, and that counts for nobody."""
    bench = PoolBench(
        lane_buffered_records_max=100, pool_waiting_per_endpoint_max=50,
        pool_in_flight_per_endpoint_max=2,
    )  # fmt: skip
    slow, quick = [bench.pooled(f"ep_{n}") for n in range(3)], bench.pooled("ep_q")
    hang(bench, *(endpoint.endpoint_id for endpoint in slow))
    deliverer = bench.deliverer()
    for endpoint in slow:
        bench.pour(endpoint, 50)
    bench.run(deliverer, SECOND)
    reading = deliverer._assignment.readings[POOL]
    assert (reading.paused, reading.buffered) == (True, 3 * 48)
    bench.run(deliverer, 7 * SECOND)
    assert (reading.paused, reading.buffered, reading.lane.aside) == (False, 6, 6)
    expected = bench.pour(quick, 5)
    for endpoint in slow:
        bench.pour(endpoint, 50)
    bench.run(deliverer, SECOND)
    assert sorted(a["event_id"] for a in bench.to(quick)) == expected
    assert (reading.paused, reading.buffered) == (False, 6)
    assert len(bench.retries()) == 3 * (100 - 2 - 2)


def test_one_endpoint_s_bytes_do_not_hold_the_partition():
    """It has its eighth of what may wait; being late, it has what it begins next."""
    bench = PoolBench(lane_buffered_bytes_max=65_536, pool_in_flight_per_endpoint_max=2)
    slow, quick = bench.pooled("ep_s"), bench.pooled("ep_q")
    hang(bench, "ep_s")
    deliverer = bench.deliverer()
    bench.pour(slow, 50, payload=b"x" * 3_000)
    bench.run(deliverer, 2 * SECOND)
    expected = bench.pour(quick, 5)
    bench.run(deliverer, 2 * SECOND)
    reading = deliverer._assignment.readings[POOL]
    assert (reading.paused, reading.lane.pending_bytes <= 65_536 // 8) == (False, True)
    assert sorted(a["event_id"] for a in bench.to(quick)) == expected


def test_a_throttled_endpoint_keeps_here_what_it_begins_in_seconds():
    """The rest comes back; it is sent as fast as it may be, and all of it."""
    bench = PoolBench()
    endpoint = bench.pooled(rate_per_s=1)
    deliverer = bench.deliverer()
    expected = bench.pour(endpoint, 40)
    bench.run(deliverer, 7 * SECOND)
    (lane,) = [x for x in deliverer._sending._by_endpoint["ep_a"] if x.is_pooled]
    assert len(lane.pending) <= 5
    sent = len(bench.sender.event_ids)
    assert sent >= 6
    assert len(bench.retries()) >= 40 - sent - 5 - 2
    assert set(bench.sender.event_ids) <= set(expected)


def test_nobody_is_late_while_commits_do_not_get_through():
    """It is not their doing; and what is passed on has to be committed too."""
    bench = PoolBench(uncommitted_ms_max=500, pool_in_flight_per_endpoint_max=2)
    slow = bench.pooled("ep_s")
    hang(bench, "ep_s")
    deliverer = bench.deliverer()
    bench.pour(slow, 50)
    bench.run(deliverer, SECOND)
    load = deliverer._sending.load
    load.settled(1)
    for _ in range(400):
        bench.clock.advance(timedelta(milliseconds=20))
        deliverer._sending.turn([])
    assert (load.is_backed_up, load.uncommitted) == (True, 1)
    load.committed(1, 1, since=0.0)
    bench.clock.advance(SECOND)
    deliverer._sending.turn([])
    assert load.uncommitted == 50 - 2 - 2


def test_what_was_forgotten_and_read_again_waits_anew():
    """As long as it was not here it did not wait here."""
    pool = PoolLane(POOL, limits=PoolLimits())
    records = [a_record(offset) for offset in range(4)]
    for record in records:
        pool.put(record)
    (lane,) = pool.lanes.values()
    lane.take()
    pool.find_late(0)
    assert pool.forget(keep=0, keep_bytes=0) == 1
    for record in records[1:]:
        pool.put(record)
    pool.find_late(LATE_MS)
    assert not lane.is_late
    pool.find_late(LATE_MS * 2)
    assert lane.is_late


def a_record(offset):
    return RawRecord(
        at_topic=POOL.topic, at_partition=0, at_offset=offset, raw_key=b"k",
        raw_value=delivery_bytes(delivery_value(offset)), raw_headers=[], appended_ms=0,
    )  # fmt: skip
