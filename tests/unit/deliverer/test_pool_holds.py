"""What an endpoint's hold and a delivery's own not-before mean in the pool and on the way out."""

from datetime import timedelta

import pytest

from hooklane.domain.delivery import Progress, progress_of
from support.deliveries import delivery_bytes, delivery_value
from support.pooling import PoolBench
from support.posting import OK, SECOND, TIERS, status


@pytest.fixture
def bench():
    return PoolBench()


def append(bench, endpoint):
    """Append a delivery to the lane that the endpoint has now."""
    value = delivery_bytes(delivery_value(900, endpoint_id=endpoint.endpoint_id))
    headers = Progress(waiting_since=bench.clock.now()).headers()
    bench.writer.produce(endpoint.placement.topic, value, key=b"k", headers=headers)
    bench.writer.flush(SECOND)


def test_what_is_passed_on_keeps_a_later_not_before_of_its_own(bench):
    """A hold that ends sooner does not make it due sooner."""
    endpoint = bench.pooled()
    bench.sender.rule = lambda _: (0.01, status(429, retry_after="20"))
    deliverer = bench.deliverer()
    bench.pour(endpoint)
    bench.run(deliverer, SECOND)
    due = bench.clock.now() + timedelta(minutes=10)
    bench.pour(endpoint, not_before=due)
    bench.run(deliverer, SECOND)
    waits = [progress_of(record.headers()) for tier in TIERS for record in bench.retries(tier)]
    assert [one.not_before for one in waits if one.attempts_made == 0] == [due]


def test_a_hold_goes_along_with_who_moves(bench):
    """What is copied is not due before, and what was written to the new lane waits too."""
    pooled = bench.pooled()
    sent = []
    bench.sender.rule = lambda _: (
        sent.append(bench.clock.now()),
        (0.01, OK if len(sent) > 1 else status(429, retry_after="120")),
    )[1]
    deliverer = bench.deliverer()
    bench.pour(pooled)
    bench.run(deliverer, SECOND)
    held_until = sent[0] + 120 * SECOND
    endpoint = bench.own(pooled)
    bench.pour(endpoint)
    append(bench, endpoint)
    bench.run(deliverer, 3 * SECOND)
    waits = [progress_of(r.headers()).not_before for r in bench.records(endpoint.placement.topic)]
    assert [at >= held_until for at in waits if at is not None] == [True]
    assert (len(sent), bench.left()) == (1, 0)
    bench.run(deliverer, 120 * SECOND)
    assert len(sent) == 3
    assert all(at >= held_until for at in sent[1:])


def test_a_copy_keeps_a_later_not_before_than_the_hold(bench):
    """It is not due sooner in its new lane."""
    pooled = bench.pooled()
    bench.sender.rule = lambda _: (0.01, status(429, retry_after="20"))
    deliverer = bench.deliverer()
    bench.pour(pooled)
    bench.run(deliverer, SECOND)
    endpoint = bench.own(pooled)
    due = bench.clock.now() + timedelta(minutes=10)
    bench.pour(endpoint, not_before=due)
    bench.run(deliverer, 2 * SECOND)
    (copy,) = bench.records(endpoint.placement.topic)
    assert progress_of(copy.headers()).not_before == due
