"""What retriers are asked for."""

from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import to_ms
from hooklane.retrier.orders import Orders
from support.deliveries import command_value
from support.retrying import HOUR, SECOND, RetrierBench


@pytest.fixture
def bench():
    return RetrierBench()


def orders_of(bench, *, keep=HOUR):
    orders = Orders(
        bench.cluster.reader(instance="r"), bench.topics, keep=keep, clock=bench.clock,
        log=bench.log,
    )  # fmt: skip
    orders.start()
    return orders


def test_each_endpoints_newest_time_counts(bench):
    """By the brokers' clock; what was asked before the process began is known too."""
    bench.send_now("ep_a")
    bench.send_now("ep_b")
    bench.clock.advance(SECOND)
    bench.send_now("ep_a")
    now, before = to_ms(bench.clock.now()), to_ms(bench.clock.now() - SECOND)

    orders = orders_of(bench)

    assert orders.poll() == {"ep_a": now, "ep_b": before}
    assert orders.poll() == {}
    assert orders.cutoffs == {"ep_a": now, "ep_b": before}


def test_other_commands_and_what_is_none_are_passed(bench):
    """They are somebody else's, or nobody's."""
    for value in (
        b"junk",
        codec("command").encode(command_value("redrive")),
        codec("command").encode(command_value("send_now", endpoint_id="x;y=z")),
    ):
        bench.outside.produce(bench.topics.commands, value, key=b"k")

    assert orders_of(bench).poll() == {}
    assert [line["what"] for line in bench.lines] == ["command.unreadable"]


def test_what_is_older_than_any_tier_is_forgotten(bench):
    """Memory is bounded by what can still be released."""
    bench.send_now("ep_a")
    orders = orders_of(bench, keep=timedelta(minutes=1))
    orders.poll()
    bench.clock.advance(timedelta(minutes=2))
    bench.send_now("ep_b")

    orders.poll()

    assert list(orders.cutoffs) == ["ep_b"]
    assert orders_of(bench, keep=timedelta(minutes=1)).poll().keys() == {"ep_b"}
