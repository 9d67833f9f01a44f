"""Lanes of disabled and deleted endpoints, and deliveries too old; on the twin."""

from datetime import timedelta

import pytest

from hooklane.domain.delivery import Progress, progress_of
from hooklane.domain.endpoint import EndpointState
from support.posting import (
    SECOND,
    DelivererBench,
)


@pytest.fixture
def bench():
    return DelivererBench()


def test_a_disabled_endpoints_lane_is_emptied_in_turns(bench):
    """Dead(endpoint_disabled), at most 200 a tick, lanes in turn."""
    lanes = [bench.endpoint(e, state=EndpointState.DISABLED) for e in ("ep_a", "ep_b")]
    for endpoint in lanes:
        bench.deliver(endpoint, 500)
    bench.run(bench.deliverer(), timedelta(milliseconds=600))
    counts = [sum(a["endpoint_id"] == e.endpoint_id for a in bench.attempts()) for e in lanes]
    assert sum(counts) == 600
    # The first tick found only one lane's records read.
    assert counts in ([400, 200], [200, 400])
    assert {progress_of(r.headers()).reason for r in bench.dead()} == {"endpoint_disabled"}


def test_a_deleted_endpoints_lane_is_cancelled(bench):
    """Recorded and gone; nothing to redrive."""
    endpoint = bench.endpoint(state=EndpointState.DELETED)
    bench.deliver(endpoint, 30)
    bench.run(bench.deliverer(), 3 * SECOND)
    assert {(a["verdict"], a["reason"]) for a in bench.attempts()} == {
        ("cancelled", "endpoint_deleted")
    }
    assert (len(bench.attempts()), bench.dead(), bench.lag(endpoint)) == (30, [], 0)


@pytest.mark.parametrize("state", [EndpointState.ACTIVE, EndpointState.PAUSED])
def test_an_old_delivery_is_dead_of_age(bench, state):
    """Dead(expired) after 30 d, also while held; a young one behind it is not."""
    endpoint = bench.endpoint(state=state)
    old = Progress(waiting_since=bench.clock.now() - timedelta(days=30))
    bench.deliver(endpoint, 200, progress=old)
    bench.deliver(endpoint)
    bench.run(bench.deliverer(), 5 * SECOND)
    assert {progress_of(r.headers()).reason for r in bench.dead()} == {"expired"}
    assert len(bench.dead()) == 200
    assert len(bench.sender.posts) == (state is EndpointState.ACTIVE)
