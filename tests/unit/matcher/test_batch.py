"""A transaction holds what fits, and no more; what no transaction holds is in several."""

from datetime import timedelta
from itertools import count

import orjson
import pytest

from hooklane.domain.errors import TransactionAborted
from support.matcher_bench import EndpointState, MatcherBench

CROWD = [("ce_tenant", b"crowd")]


@pytest.fixture
def bench():
    return MatcherBench()


def numbers(values):
    return sorted(orjson.loads(value["payload"])["data"]["n"] for value in values)


def crowd(bench, size, **fields):
    """Make endpoints whose ids are in order."""
    return [
        bench.endpoint(tenant="crowd", endpoint_id=f"ep_{number:04}", **fields)
        for number in range(size)
    ]


class Killed(BaseException):
    pass


def fail_commits(matcher, *turns, error=Killed):
    """Let the commits of these turns, counted from now, fail."""
    producer, commit, calls = matcher._producer, matcher._producer.commit, count(1)

    def failing():
        if next(calls) not in turns:
            commit()
            return
        if error is TransactionAborted:
            producer.abort()
        raise error("on purpose")

    producer.commit = failing


def parts(bench):
    found = sorted(bench.receipts(), key=lambda value: value["part"])
    return [(value["part"], value["matched"]) for value in found]


def test_transactions_stay_below_their_limit(bench):
    """A batch is cut between events, where events fit."""
    endpoints = [bench.endpoint(tenant="many") for _ in range(4)]
    matcher = bench.started(transaction_records_max=10)
    bench.publish(*range(7), headers=[("ce_tenant", b"many")])

    bench.run(matcher)

    for endpoint in endpoints:
        assert list(range(7)) == numbers(bench.lane(endpoint))
    assert {value["part"] for value in bench.receipts()} == {0}


def test_a_fan_out_larger_than_a_transaction_is_in_parts(bench):
    """Each endpoint once, in the order of ids; each part has its receipt; what follows goes on."""
    endpoints = crowd(bench, 10)
    matcher = bench.started(transaction_records_max=5)
    bench.publish(1, 2, headers=CROWD, key=b"k")

    bench.run(matcher)

    ids = [endpoint.endpoint_id for endpoint in endpoints]
    for endpoint in endpoints:
        assert numbers(bench.lane(endpoint)) == [1, 2]
    expected = [(0, ids[:4]), (1, ids[4:8]), (2, ids[8:])]
    assert sorted(expected * 2) == parts(bench)
    assert len({value["event_id"] for value in bench.receipts()}) == 2
    assert bench.rejected() == []


@pytest.mark.parametrize("at_least_once", [False, True])
def test_a_matcher_killed_between_two_parts_has_an_heir_that_goes_on_there(bench, at_least_once):
    """By the commit alone: no endpoint is left out, none gets it twice."""
    endpoints = crowd(bench, 10)
    matcher = bench.started(transaction_records_max=5, at_least_once=at_least_once)
    bench.publish(1, headers=CROWD)
    fail_commits(matcher, 2)
    with pytest.raises(Killed):
        matcher.step()
    assert parts(bench)[:1] == [(0, [endpoint.endpoint_id for endpoint in endpoints[:4]])]
    bench.kill()
    bench.clock.advance(timedelta(seconds=10))

    bench.run(bench.started(transaction_records_max=5, at_least_once=at_least_once), steps=40)

    found = [numbers(bench.lane(endpoint)) for endpoint in endpoints]
    # What was written without a transaction when it was killed is written again, with its id.
    assert found[:4] == [[1]] * 4
    assert {1} == {number for lane in found for number in lane}
    assert at_least_once or found == [[1]] * 10


def test_a_change_between_two_parts_counts_where_the_turn_has_not_come(bench):
    """Who is there all the while gets it once; the parts say by which table they were matched."""
    endpoints = crowd(bench, 10)
    matcher = bench.started(transaction_records_max=5)
    bench.publish(1, headers=CROWD)
    fail_commits(matcher, 2, error=TransactionAborted)
    bench.run(matcher, steps=1)
    early = bench.endpoint(tenant="crowd", endpoint_id="ep_0001a")
    late = bench.endpoint(tenant="crowd", endpoint_id="ep_0008a")
    fields = {"revision": 2, "state": EndpointState.DISABLED}
    for number in (2, 9):
        bench.endpoint(tenant="crowd", endpoint_id=f"ep_{number:04}", **fields)

    bench.run(matcher, steps=40)

    assert [] == bench.lane(early) == bench.lane(endpoints[9])
    for endpoint in (*endpoints[:9], late):
        assert numbers(bench.lane(endpoint)) == [1]
    receipts = sorted(bench.receipts(), key=lambda value: value["part"])
    assert [value["table_offset"] for value in receipts] == [10, 14, 14]
    refusal = {"endpoint_id": "ep_0009", "reason": "endpoint_disabled"}
    assert [[], [], [refusal]] == [value["refused"] for value in receipts]


def test_an_abort_in_a_later_part_blames_nobody(bench):
    """However often: a part that came through shows that the event can be written."""
    endpoints = crowd(bench, 40)
    matcher = bench.started(transaction_records_max=3)
    bench.publish(1, headers=CROWD)
    # Behind each abort come a proof under each of the three ids and the part once more.
    fail_commits(matcher, 2, 7, 12, 17, error=TransactionAborted)

    for _ in range(20):
        bench.run(matcher, steps=1)
        bench.clock.advance(timedelta(seconds=31))

    assert bench.rejected() == []
    for endpoint in endpoints:
        assert numbers(bench.lane(endpoint)) == [1]
