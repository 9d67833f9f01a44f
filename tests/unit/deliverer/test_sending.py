"""The poll thread tells the lanes what it read; on the twin."""

import pytest

from hooklane.domain.delivery import Progress
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.topics import Partition
from support.deliveries import delivery_bytes
from support.posting import (
    SECOND,
    TOPICS,
    DelivererBench,
)


@pytest.fixture
def bench():
    return DelivererBench()


def test_an_unknown_endpoint_is_asked_for_before_it_is_cancelled(bench):
    """A record matched with a newer table waits for it; absent there means deleted."""
    endpoint = bench.endpoint()
    other = bench.endpoint("ep_z", state=EndpointState.PAUSED)
    known = bench.admin.ends([Partition(TOPICS.endpoints, 0)])[Partition(TOPICS.endpoints, 0)][1]
    stray = dict(bench.deliver(other, table_offset=known + 1)[0])
    stray |= {"endpoint_id": "ep_unknown", "event_id": "evt_stray"}
    headers = Progress(waiting_since=bench.clock.now()).headers()
    bench.append(endpoint, delivery_bytes(stray), headers)
    deliverer = bench.deliverer()
    bench.run(deliverer, 3 * SECOND)
    assert bench.attempts() == []
    assert "table.behind" in [what for what, _ in bench.lines]
    bench.change(other)
    bench.run(deliverer, 3 * SECOND)
    assert [(a["event_id"], a["verdict"]) for a in bench.attempts()] == [("evt_stray", "cancelled")]
