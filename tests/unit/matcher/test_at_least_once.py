"""Without transactions: everything acknowledged before the offsets are committed."""

import orjson
import pytest

from hooklane.domain.errors import Unavailable
from support.matcher_bench import MatcherBench


@pytest.fixture
def bench():
    return MatcherBench()


def numbers(values):
    return sorted(orjson.loads(value["payload"])["data"]["n"] for value in values)


def test_at_least_once_writes_the_same_without_transactions(bench):
    """And a failed flush is done again."""
    endpoint = bench.endpoint()
    matcher = bench.started(at_least_once=True)
    bench.publish(1)
    bench.run(matcher)
    bench.cluster.fail_next("flush", Unavailable("flush"))
    bench.publish(2)
    bench.run(matcher)
    found = bench.lane(endpoint)
    assert {1, 2} == set(numbers(found))
    assert len({delivery["delivery_id"] for delivery in found}) == 2
