"""The deliverer follows the table: lanes come, go, and are told of."""

from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import first_headers
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.topics import Partition
from support.deliveries import delivery_bytes
from support.posting import (
    SECOND,
    TIERS,
    TOPICS,
    DelivererBench,
    FakeSender,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


def test_a_new_endpoint_is_read_within_a_second(bench):
    """Its lane joins the subscription; the position is told once it has."""
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    endpoint = bench.endpoint()
    bench.deliver(endpoint)
    bench.run(deliverer, SECOND)
    assert len(bench.sender.posts) == 1
    told = codec("position").decode(bench.records(TOPICS.positions)[-1].value())
    end = bench.admin.ends([Partition(TOPICS.endpoints, 0)])[Partition(TOPICS.endpoints, 0)][1]
    assert (told["instance"], told["table_offset"], told["assigned_lanes"]) == (
        "t.deliverer.0", end, 1,
    )  # fmt: skip


def test_a_lane_taken_away_is_let_go(bench):
    """A revision without placement ends the subscription, and the position says so."""
    endpoint = bench.endpoint(state=EndpointState.DELETED)
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    bench.change(endpoint, placement=None)
    bench.run(deliverer, 2 * SECOND)
    told = codec("position").decode(bench.records(TOPICS.positions)[-1].value())
    assert told["assigned_lanes"] == 0


def test_senders_of_two_deliverers_are_told_apart(bench):
    """The bench itself: each deliverer may have its own receiver's side."""
    own = FakeSender(bench.clock)
    bench.deliver(bench.endpoint())
    bench.run(bench.deliverer(sender=own), SECOND)
    assert (len(own.posts), bench.sender.posts) == (1, [])


def test_every_tier_of_the_bench_exists():
    """A verdict's tier is a topic."""
    assert {TOPICS.retry(tier) for tier in TIERS} <= set(DelivererBench().admin.topics())


def test_what_was_read_of_a_table_that_ends_too_early_is_told(bench):
    """One record asks for more than there is; another endpoint's pause, read meanwhile, counts."""
    endpoint, other = bench.endpoint(), bench.endpoint("ep_z")
    stray = dict(bench.deliver(other, table_offset=1_000)[0]) | {"endpoint_id": "ep_unknown"}
    bench.append(endpoint, delivery_bytes(stray), first_headers(at=bench.clock.now()))
    deliverer = bench.deliverer()
    bench.run(deliverer, SECOND)
    read_to, paused = deliverer._table.read_to, []

    def read_a_pause(offset, *, timeout):
        if not paused:
            paused.append(bench.change(other, state=EndpointState.PAUSED))
        read_to(offset, timeout=timeout)

    deliverer._table.read_to = read_a_pause
    bench.run(deliverer, SECOND)
    bench.deliver(other)
    bench.run(deliverer, SECOND)
    assert len(bench.sender.posts) == 1
