"""A transaction holds what fits, and no more."""

import orjson
import pytest

from support.matcher_bench import MatcherBench


@pytest.fixture
def bench():
    return MatcherBench()


def numbers(values):
    return sorted(orjson.loads(value["payload"])["data"]["n"] for value in values)


def test_transactions_stay_below_their_limit(bench):
    """A batch is cut, and what one transaction can never hold is set aside."""
    endpoints = [bench.endpoint(tenant="many") for _ in range(4)]
    crowd = [bench.endpoint(tenant="crowd") for _ in range(10)]
    matcher = bench.started(transaction_records_max=10)
    bench.publish(*range(7), headers=[("ce_tenant", b"many")])
    bench.publish(8, headers=[("ce_tenant", b"crowd")])

    bench.run(matcher)

    for endpoint in endpoints:
        assert list(range(7)) == numbers(bench.lane(endpoint))
    (rejected,) = bench.rejected()
    assert rejected["rejected-reason"] == b"fan_out_too_large"
    assert bench.lane(crowd[0]) == []
