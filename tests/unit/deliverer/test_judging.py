"""A failure settles its delivery, and may hold its lane."""

import pytest

from hooklane.domain.delivery import progress_of
from support.posting import (
    OK,
    SECOND,
    DelivererBench,
    answer_all,
    status,
)


@pytest.fixture
def bench():
    return DelivererBench()


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_holds_the_lane(bench, code):
    """The delivery waits in its tier, the lane until then."""
    endpoint = bench.endpoint(in_flight_max=1)
    bench.deliver(endpoint, 2)
    answer_all(bench, status(code, retry_after="30"))
    began = bench.clock.now()
    deliverer = bench.deliverer()
    bench.run(deliverer, 20 * SECOND)
    (retry,) = bench.retries()
    not_before = progress_of(retry.headers()).not_before
    assert began + 30 * SECOND <= not_before <= began + 31 * SECOND
    assert len(bench.sender.posts) == 1
    answer_all(bench, OK)
    bench.run(deliverer, 12 * SECOND)
    assert len(bench.sender.posts) == 2
