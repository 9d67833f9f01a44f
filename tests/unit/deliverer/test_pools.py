"""Endpoints' lanes in the pool come and go."""

from datetime import timedelta

from hooklane.domain.endpoint import Batch
from support.pooling import POOL, PoolBench
from support.posting import SECOND


def pool_of(deliverer):
    (pool,) = [p for p in deliverer._sending._pools._pools if p.partition == POOL]
    return pool


def test_an_idle_endpoint_leaves_no_lane_behind():
    """Thousands share a partition; those at work have one."""
    bench = PoolBench()
    endpoint = bench.pooled()
    deliverer = bench.deliverer()
    bench.pour(endpoint)
    bench.run(deliverer, 25 * SECOND, step=timedelta(milliseconds=100))
    assert (pool_of(deliverer).lanes, bench.left()) == ({}, 0)
    bench.pour(endpoint)
    bench.run(deliverer, SECOND)
    assert len(bench.to(endpoint)) == 2


def test_time_is_told_of_those_only_that_wait_for_it():
    """Who gathers a batch is among them."""
    bench = PoolBench()
    batch = Batch(count_max=5, wait=timedelta(milliseconds=500))
    plain, gathers = bench.pooled("ep_a"), bench.pooled("ep_b", batch=batch)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.pour(plain, 1)
    bench.pour(gathers, 2)
    bench.run(deliverer, 3 * SECOND)
    assert [lane.endpoint_id for lane in deliverer._sending._lanes if lane.is_pooled] == ["ep_b"]
    assert (len(bench.to(plain)), len(bench.to(gathers)), bench.left()) == (1, 2, 0)


def test_a_partition_that_is_lost_takes_its_lanes_with_it():
    """What ends late in them is dropped."""
    bench = PoolBench()
    endpoint = bench.pooled()
    deliverer = bench.deliverer()
    bench.pour(endpoint)
    bench.run(deliverer, SECOND)
    lane = pool_of(deliverer).lanes["ep_a"]
    bench.cluster.expel(deliverer._ports.member)
    bench.run(deliverer, SECOND)
    assert (lane.closed, lane is pool_of(deliverer).lanes.get("ep_a")) == (True, False)
    bench.pour(endpoint)
    bench.run(deliverer, SECOND)
    assert (len(bench.to(endpoint)), bench.left()) == (2, 0)
