"""Due times and the limits of an endpoint; on the twin."""

import pytest

from hooklane.domain.delivery import Progress
from support.posting import (
    OK,
    SECOND,
    DelivererBench,
    answer_all,
)


@pytest.fixture
def bench():
    return DelivererBench()


def test_nothing_starts_before_its_not_before(bench):
    """It waits on our clock; what is due goes on."""
    endpoint = bench.endpoint()
    due = bench.clock.now() + 10 * SECOND
    progress = Progress(waiting_since=bench.clock.now(), not_before=due)
    bench.deliver(endpoint, 100, progress=progress)
    bench.deliver(endpoint)
    sent = []
    bench.sender.rule = lambda _: (sent.append(bench.clock.now()), (0.01, OK))[1]
    bench.run(bench.deliverer(), 12 * SECOND)
    assert len(sent) == 101
    assert sum(at < due for at in sent) <= 1


def test_an_endpoint_has_at_most_its_in_flight_limit_open(bench):
    """Its own limit, else the deployment's."""
    for endpoint in (bench.endpoint("ep_a"), bench.endpoint("ep_b", in_flight_max=3)):
        bench.deliver(endpoint, 100)
    answer_all(bench, OK, seconds=None)
    bench.run(bench.deliverer(), SECOND)
    assert bench.sender.open_count == 32 + 3
