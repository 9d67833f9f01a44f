"""One transaction records what was settled, or nothing of it."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import TransactionAborted
from support.posting import (
    SECOND,
    DelivererBench,
    header,
    status,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


@pytest.mark.parametrize("operation", ["begin", "produce", "send_offsets", "commit"])
def test_an_aborted_tick_is_written_again_as_it_was(bench, operation):
    """No POST is repeated, no record missing or doubled."""
    endpoint = bench.endpoint()
    bench.deliver(endpoint, 20)
    bench.sender.rule = lambda r: (0.01, status(500 if header(r, "webhook-id") < "evt_15" else 200))
    deliverer = bench.deliverer()
    bench.cluster.fail_next(operation, TransactionAborted("x"))
    bench.run(deliverer, 5 * SECOND)
    assert len(bench.sender.posts) == len(bench.attempts()) == 20
    assert len(bench.retries()) == sum(a["verdict"] == "retry" for a in bench.attempts())
    assert bench.lag(endpoint) == 0
