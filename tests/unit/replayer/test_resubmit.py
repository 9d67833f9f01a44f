"""Rejected events matched again, as the matcher would have."""

import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable
from hooklane.domain.parts import Begun
from hooklane.domain.topics import TopicSpec
from support.replaying import SCHEMA, ReplayerBench


@pytest.fixture
def bench():
    made = ReplayerBench()
    stamped = {"message.timestamp.type": "LogAppendTime"}
    made.admin.ensure(
        [TopicSpec(name="events.order", partitions=1, settings=stamped)], replication=1
    )
    made.registry.put("order.created", SCHEMA)
    made.endpoint()
    return made


def again(bench, *places, **fields):
    bench.ask("resubmit", endpoint_id="", positions=list(places), **fields)


def deliveries(bench):
    return [codec("delivery").decode(record.value()) for record in bench.records("t.lane.a")]


def receipts(bench):
    return [codec("match").decode(record.value()) for record in bench.records("t.matches")]


def test_a_rejected_event_is_matched_with_its_own_position(bench):
    """Deliveries and a receipt, as if it had never been rejected."""
    again(bench, bench.reject(7))

    bench.run(bench.replayer())

    (delivery,), (receipt,) = deliveries(bench), receipts(bench)
    assert delivery["source"] == {"topic": "events.order", "partition": 0, "offset": 7}
    assert (delivery["tenant"], delivery["type"], delivery["key"]) == (
        "acme",
        "order.created",
        b"k",
    )
    assert (delivery["trigger"], delivery["command_id"]) == ("event", "")
    assert receipt["event_id"] == delivery["event_id"]
    assert receipt["matched"] == ["ep_a"]


def test_one_that_a_slow_broker_does_not_give_is_read_later(bench):
    """It is not passed as gone: whoever asked for it would never learn."""
    again(bench, bench.reject())
    replayer = bench.replayer()
    rejected = replayer._around.rejected
    read, silences = rejected.reader.read, list(range(30))

    def be_slow(records_max, *, timeout):
        if silences:
            silences.pop()
            return []
        return read(records_max, timeout=timeout)

    rejected.reader.read = be_slow
    bench.run(replayer)

    assert len(deliveries(bench)) == 1


def test_submitted_twice_it_is_the_same_delivery(bench):
    """Its id is its position's."""
    place = bench.reject()
    again(bench, place, place)

    bench.run(bench.replayer())

    assert len({delivery["delivery_id"] for delivery in deliveries(bench)}) == 1


def test_what_is_still_no_event_stays_and_the_rest_goes_on(bench):
    """A schema that is still unknown, another's tenant, a position without a record."""
    places = [
        bench.reject(0, topic="other.order"),
        bench.reject(1),
        {"partition": 0, "offset": 10_000},
        bench.reject(2),
    ]
    again(bench, *places)

    bench.run(bench.replayer())

    assert [delivery["source"]["offset"] for delivery in deliveries(bench)] == [1, 2]
    assert len(bench.logged("rejected_event.refused")) == 2
    assert [line["count"] for line in bench.logged("command.finished")] == [2]


def test_nobody_who_wants_it_still_makes_a_receipt(bench):
    """Somebody asked, and gets an answer."""
    again(bench, bench.reject(tenant="globex"))

    bench.run(bench.replayer())

    assert deliveries(bench) == []
    assert [receipt["matched"] for receipt in receipts(bench)] == [[]]


def test_a_registry_away_holds_only_its_line():
    """Redrives on other lines go on, and the resubmit when it is back."""
    bench = ReplayerBench(commands=4)
    bench.registry.put("order.created", SCHEMA)
    stamped = {"message.timestamp.type": "LogAppendTime"}
    bench.admin.ensure(
        [TopicSpec(name="events.order", partitions=1, settings=stamped)], replication=1
    )
    bench.endpoint()
    bench.endpoint("ep_b")
    bench.registry.failure = Unavailable("away")
    again(bench, bench.reject())
    bench.die(endpoint_id="ep_b")
    bench.ask(endpoint_id="ep_b")
    replayer = bench.replayer()
    for _ in range(100):
        replayer.step()
    assert len(bench.lane("ep_b")) == 1
    assert deliveries(bench) == []

    bench.registry.failure = None
    bench.run(replayer)

    assert len(deliveries(bench)) == 1


@pytest.mark.parametrize("operation", ["produce", "send_offsets", "commit"])
def test_an_aborted_transaction_is_done_again(bench, operation):
    """From the last event on."""
    again(bench, *(bench.reject(number) for number in range(3)))
    replayer = bench.replayer()
    while not deliveries(bench):
        replayer.step()
    bench.cluster.fail_next(operation, TransactionAborted("broken"))
    with pytest.raises(TransactionAborted):
        bench.run(replayer)

    bench.run(replayer)

    assert [delivery["source"]["offset"] for delivery in deliveries(bench)] == [0, 1, 2]


def test_a_crash_right_after_a_commit_doubles_nothing(bench):
    """The cursor is in the same transaction."""
    again(bench, *(bench.reject(number) for number in range(3)))
    replayer = bench.replayer()
    bench.cluster.fail_next("commit", Fenced("crashed"), after=True)
    with pytest.raises(Fenced):
        bench.run(replayer)
    bench.kill()

    bench.run(bench.replayer())

    assert [delivery["source"]["offset"] for delivery in deliveries(bench)] == [0, 1, 2]


def test_a_record_that_cannot_be_given_back_is_passed(bench):
    """Its own headers say too little."""
    bench.outside.produce("t.rejected-events", b"junk", key=b"x")
    (record,) = bench.records("t.rejected-events")
    again(bench, {"partition": record.partition(), "offset": record.offset()})

    bench.run(bench.replayer())

    assert len(bench.logged("rejected_event.refused")) == 1


def test_one_of_a_large_fan_out_has_its_receipt_in_parts():
    """All in one transaction: each endpoint once, no receipt too large for Kafka."""
    bench = ReplayerBench(transaction_records_max=4)
    stamped = {"message.timestamp.type": "LogAppendTime"}
    bench.admin.ensure(
        [TopicSpec(name="events.order", partitions=1, settings=stamped)], replication=1
    )
    bench.registry.put("order.created", SCHEMA)
    for name in "abcdefgh":
        bench.endpoint(f"ep_{name}")
    again(bench, bench.reject(7))

    bench.run(bench.replayer())

    found = [(receipt["part"], receipt["matched"]) for receipt in receipts(bench)]
    assert (sorted(found)) == [
        (0, ["ep_a", "ep_b", "ep_c"]),
        (1, ["ep_d", "ep_e", "ep_f"]),
        (2, ["ep_g", "ep_h"]),
    ]
    assert len(deliveries(bench)) == 1


def test_one_rejected_in_the_midst_of_its_fan_out_goes_on_there():
    """Who has it already does not get it again; the parts are numbered on."""
    bench = ReplayerBench(transaction_records_max=4)
    bench.source()
    for name in "abcdefgh":
        bench.endpoint(f"ep_{name}")
    begun = Begun(offset=7, parts=1, last_id="ep_c")
    again(bench, bench.reject(7, begun=begun), bench.reject(8))

    bench.run(bench.replayer())

    found = [
        (receipt["source"]["offset"], receipt["part"], receipt["matched"])
        for receipt in receipts(bench)
    ]
    assert sorted(one for one in found if one[0] == 7) == [
        (7, 1, ["ep_d", "ep_e", "ep_f"]),
        (7, 2, ["ep_g", "ep_h"]),
    ]
    assert [delivery["source"]["offset"] for delivery in deliveries(bench)] == [8]


def test_one_whose_fan_out_had_all_but_nobody_left_is_done():
    """It may fit one transaction by now: still nobody gets it twice."""
    bench = ReplayerBench()
    bench.source()
    bench.endpoint()
    again(bench, bench.reject(7, begun=Begun(offset=7, parts=1, last_id="ep_z")))

    bench.run(bench.replayer())

    assert deliveries(bench) == []
    assert [(receipt["part"], receipt["matched"]) for receipt in receipts(bench)] == [(1, [])]
