"""The matcher on the twin: each event fanned out once, whatever breaks."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import progress_of
from hooklane.domain.errors import Fenced, TransactionAborted
from hooklane.domain.sources import Source
from hooklane.domain.topics import Partition
from support.matcher_bench import EndpointState, MatcherBench

ABORTED = TransactionAborted("broken on purpose")


@pytest.fixture
def bench():
    return MatcherBench()


def numbers(values):
    return sorted(orjson.loads(value["payload"])["data"]["n"] for value in values)


def test_an_event_goes_to_each_lane_that_wants_it(bench):
    """One Delivery each, one receipt; the payload is rendered once and the same everywhere."""
    first, second = bench.endpoint("order.created"), bench.endpoint("order.*")
    other_type, other_tenant = bench.endpoint("user.*"), bench.endpoint("*", tenant="globex")
    matcher = bench.started()
    bench.publish(1)

    bench.run(matcher)

    (mine,), (its,) = bench.lane(first), bench.lane(second)
    assert mine["payload"] == its["payload"]
    assert mine["event_id"] == its["event_id"]
    assert mine["delivery_id"] != its["delivery_id"]
    assert [] == bench.lane(other_type) == bench.lane(other_tenant)
    (receipt,) = bench.receipts()
    assert sorted([first.endpoint_id, second.endpoint_id]) == receipt["matched"]
    assert receipt["payload"] == mine["payload"]
    (record,) = bench.records(first.placement.topic)
    assert record.key() == b"k1"
    assert progress_of(record.headers()).attempts_made == 0


def test_a_receipt_says_who_was_refused_and_keeps_no_payload_for_nobody(bench):
    """Only those whose pattern fits; nothing is in the disabled endpoint's lane."""
    disabled = bench.endpoint("*", state=EndpointState.DISABLED)
    bench.endpoint("user.*", state=EndpointState.DISABLED)
    matcher = bench.started()
    bench.publish(1)

    bench.run(matcher)

    (receipt,) = bench.receipts()
    assert receipt["matched"] == []
    refusal = {"endpoint_id": disabled.endpoint_id, "reason": "endpoint_disabled"}
    assert [refusal] == receipt["refused"]
    assert receipt["payload"] is None
    assert bench.lane(disabled) == []


def test_a_new_topic_is_followed_within_a_second(bench):
    """From its beginning: it was made after the first start."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.create("events.order.new")
    bench.publish(7, topic="events.order.new")

    bench.clock.advance(timedelta(seconds=1))
    bench.run(matcher)

    assert numbers(bench.lane(endpoint)) == [7]


def test_our_own_topics_are_no_source(bench):
    """A pattern of everything does not match lanes, and they are not read."""
    bench = MatcherBench(sources=(Source(pattern="*", default_tenant="acme"),))
    bench.endpoint()
    bench.started()
    (line,) = [line for line in bench.log.lines if line["what"] == "sources.subscribed"]
    assert line["topics"] == ["events.order", "events.t"]


def test_an_endpoint_gets_the_event_after_it_was_told(bench):
    """Once the position is told, the very next event is matched with the change."""
    matcher = bench.started()
    for n in range(20):
        endpoint = bench.endpoint()
        matcher.step()
        told = [codec("position").decode(r.value()) for r in bench.records(bench.topics.positions)]
        _, end = bench.cluster.ends(Partition(bench.topics.endpoints, 0))
        assert told[-1]["table_offset"] == end
        bench.publish(n)
        bench.run(matcher, steps=2)
        assert [n] == numbers(bench.lane(endpoint))


def test_an_aborted_transaction_is_done_again_once(bench):
    """Nothing of the first try is visible, nothing is missing or doubled, ids are the same."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    for operation in ("produce", "send_offsets", "commit"):
        bench.publish(1, 2, 3)
        bench.cluster.fail_next(operation, ABORTED)
        bench.run(matcher)
    deliveries = bench.lane(endpoint)
    assert numbers(deliveries) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert len({delivery["delivery_id"] for delivery in deliveries}) == 9


def test_a_commit_whose_answer_was_lost_is_not_done_twice(bench):
    """The broker's commit decides where it goes on."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.cluster.fail_next("commit", Fenced("the answer was lost"), after=True)
    bench.publish(1, 2)
    with pytest.raises(Fenced):
        bench.run(matcher)

    bench.kill()
    bench.clock.advance(timedelta(seconds=10))
    bench.publish(3)
    bench.run(bench.started())

    assert numbers(bench.lane(endpoint)) == [1, 2, 3]


def test_brokers_away_lose_and_double_nothing(bench):
    """It goes on from the last commit."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.publish(1)
    bench.cluster.down()
    bench.run(matcher, steps=5)
    bench.cluster.up()
    bench.publish(2)
    bench.run(matcher, steps=40)
    assert numbers(bench.lane(endpoint)) == [1, 2]


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (None, None, b"frame"),
        (b"", None, b"frame"),
        (b"\0\0", None, b"frame"),
        (b"{}", None, b"frame"),
        (b"\0\0\0\0\1", None, b"value"),
        (b"\0\0\0\0\1\2\2", None, b"value"),
        (b"\0\0\0\0\1" + b"\xff" * 20, None, b"value"),
        (b"\0\0\0\0\1\2", [("ce_time", b"yesterday")], b"metadata"),
        (b"\0\0\0\0\1\2", [("ce_tenant", b"\xff")], b"metadata"),
        (b"\0\0\0\0\1\2", [("ce_id", b"x" * 2000)], b"metadata"),
        (b"\2", [("__value_schema_id", b"\7")], b"frame"),
    ],
)
def test_what_is_no_event_is_set_aside_and_the_rest_goes_on(bench, value, headers, reason):
    """Raw, with its reason and position, once; nothing else happens to it."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.publish(1)
    bench.publish_raw(value, headers=headers)
    bench.publish(2)

    bench.run(matcher)

    (record,) = bench.records(bench.topics.rejected_events)
    assert value == record.value()
    assert reason == dict(record.headers())["rejected-reason"]
    assert record.key().startswith(b"events.order/")
    assert numbers(bench.lane(endpoint)) == [1, 2]


def test_an_event_that_goes_on_failing_alone_is_set_aside(bench):
    """Only it: those beside it are delivered; a cluster in trouble blames nobody."""
    lost = bench.endpoint("order.created", tenant="lost")
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.admin.delete_topics([lost.placement.topic])
    bench.publish(*range(10), key=b"k")
    bench.publish(66, headers=[("ce_tenant", b"lost")], key=b"k")
    bench.publish(*range(10, 20), key=b"k")

    bench.run(matcher, steps=500)

    assert list(range(20)) == numbers(bench.lane(endpoint))
    (rejected,) = bench.rejected()
    assert rejected["rejected-reason"] == b"failed_twice"


def test_one_set_aside_in_the_midst_of_its_fan_out_says_how_far_it_is(bench):
    """Submitted again it is to go on there: those parts are committed."""
    endpoints = [bench.endpoint(endpoint_id=f"ep_{name}") for name in "abcdef"]
    matcher = bench.started(transaction_records_max=4)
    bench.admin.delete_topics([endpoints[-1].placement.topic])
    bench.publish(1)

    bench.run(matcher, steps=500)

    (rejected,) = bench.rejected()
    assert rejected["rejected-begun"] == rejected["rejected-offset"] + b",1,ep_c"
    assert [numbers(bench.lane(one)) for one in endpoints[:5]] == [[1], [1], [1], [], []]
    bench.publish(1, headers=[("ce_time", b"yesterday")])
    bench.run(matcher)
    assert ["rejected-begun" in one for one in bench.rejected()] == [True, False]


def test_a_cluster_in_trouble_blames_no_event(bench):
    """However often one event's transaction is aborted while no other succeeds."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.publish(1)
    for _ in range(10):
        bench.cluster.fail_next("send_offsets", ABORTED)
    bench.run(matcher, steps=60)
    assert bench.rejected() == []
    assert numbers(bench.lane(endpoint)) == [1]


def test_a_client_that_is_ill_by_itself_blames_no_event(bench):
    """Transactions take turns: the others' success says nothing about this one."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    ill = bench.producers[0]
    well = ill.produce

    def refuse(*_, **__):
        ill.abort()
        raise ABORTED

    ill.produce = refuse
    bench.publish(1)
    until = bench.clock.now() + timedelta(minutes=2)
    while bench.clock.now() < until:
        bench.run(matcher, steps=1)
        bench.clock.advance(timedelta(seconds=7))
    ill.produce = well
    bench.run(matcher)
    assert bench.rejected() == []
    assert numbers(bench.lane(endpoint)) == [1]


def test_a_deleted_endpoint_gets_nothing_more(bench):
    """From the moment its deletion is in the table."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.publish(1)
    bench.run(matcher)
    bench.put(replace(endpoint, state=EndpointState.DELETED, revision=2))
    matcher.step()
    bench.publish(2)
    bench.run(matcher)
    assert numbers(bench.lane(endpoint)) == [1]
