from datetime import timedelta

import pytest

from hooklane.control.build import relay_of
from hooklane.control.relay import OUTBOX_ID, outbox_id_of
from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable
from hooklane.domain.topics import Partition
from support.control import draft


@pytest.fixture
def owed(api, bench):
    """Three endpoints that SQL owes their topic."""
    object.__setattr__(bench.desk, "ring", lambda: None)
    return [api.post("/v1/endpoints", json=draft()).json()["id"] for _ in range(3)]


def outbox_ids(bench):
    return [outbox_id_of(record.headers()) for record in bench.records(bench.topics.endpoints)]


def test_rows_are_published_in_id_order_with_their_id(bench, owed):
    """Each record carries its outbox id, so that it can be recognised."""
    bench.relay.publish()
    assert owed == [key for key, _ in bench.announced()]
    assert outbox_ids(bench) == sorted(outbox_ids(bench))
    assert bench.store.unpublished_count() == 0


def test_what_is_announced_is_the_position_past_the_record(bench, owed):
    """A table that has passed this position has read the change, and none below it has."""
    announced = bench.relay.publish()
    records = bench.records(bench.topics.endpoints)
    assert {r.key().decode(): (1, r.offset() + 1) for r in records} == dict(announced)
    assert [announced[one][1] for one in owed] == [
        bench.store.endpoint(one).announced for one in owed
    ]


def test_a_crash_between_commit_and_mark_publishes_nothing_twice(bench, owed, monkeypatch):
    """A new holder looks for what was committed before it publishes."""

    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(bench.store, "mark_published", killed)
        with pytest.raises(KeyboardInterrupt):
            bench.relay.publish()
    assert bench.store.unpublished_count() == 3
    relay_of(bench.world, bench.own, kafka=bench.kafka).publish()
    assert owed == [key for key, _ in bench.announced()]
    assert bench.store.unpublished_count() == 0
    assert all(bench.store.endpoint(one).announced for one in owed)


def test_a_new_holder_fences_the_old_which_stands_down(api, bench, owed):
    """One publishes at a time; the old one serves its API and writes no more."""
    bench.relay.publish()
    newer = relay_of(bench.world, bench.own, kafka=bench.kafka)
    newer.publish()
    api.post("/v1/endpoints", json=draft())
    assert bench.relay.publish() == {}
    assert not bench.relay.holds
    assert bench.store.unpublished_count() == 1
    newer.publish()
    assert len(bench.announced()) == 4


def test_a_fenced_relay_returns_when_rows_are_neglected(api, bench, owed):
    """After 15 s without the new holder's work the old one takes over again."""
    bench.relay.publish()
    relay_of(bench.world, bench.own, kafka=bench.kafka).publish()
    api.post("/v1/endpoints", json=draft())
    assert bench.relay.publish() == {}
    bench.clock.advance(timedelta(seconds=14))
    assert bench.relay.publish() == {}
    bench.clock.advance(timedelta(seconds=2))
    assert len(bench.relay.publish()) == 1
    assert bench.relay.holds


def test_a_holder_that_ends_well_is_followed_at_once(api, bench, owed):
    """Nobody waits 15 s for a holder that said good-bye."""
    bench.relay.publish()
    newer = relay_of(bench.world, bench.own, kafka=bench.kafka)
    newer.publish()
    api.post("/v1/endpoints", json=draft())
    assert bench.relay.publish() == {}
    newer.close()
    assert len(bench.relay.publish()) == 1


def test_an_aborted_transaction_leaves_everything_owed(bench, owed):
    """Nothing was visible, the next call publishes all of it."""
    bench.relay.publish()
    bench.store.announce_again(owed[0], at=bench.clock.now())
    bench.cluster.fail_next("commit", TransactionAborted("broker moved"))
    with pytest.raises(TransactionAborted):
        bench.relay.publish()
    assert len(bench.announced()) == 3
    bench.relay.publish()
    assert len(bench.announced()) == 4


def test_an_unknown_outcome_is_looked_up_before_it_is_published_again(bench, owed):
    """The commit happened, the answer was lost: each record is there once."""
    bench.relay.publish()
    bench.store.announce_again(owed[0], at=bench.clock.now())
    bench.cluster.fail_next("commit", Fenced("outcome unknown"), after=True)
    assert bench.relay.publish() == {}
    bench.clock.advance(timedelta(seconds=20))
    bench.relay.publish()
    assert len(bench.announced()) == 4
    assert bench.store.unpublished_count() == 0


def test_a_compacted_record_counts_as_published_by_a_newer_of_its_key(
    api, bench, owed, monkeypatch
):
    """A lower revision is never written behind a higher one."""

    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    api.post(f"/v1/endpoints/{owed[0]}/pause")
    with monkeypatch.context() as crash:
        crash.setattr(bench.store, "mark_published", killed)
        with pytest.raises(KeyboardInterrupt):
            bench.relay.publish()
    bench.cluster.compact(bench.topics.endpoints)
    relay_of(bench.world, bench.own, kafka=bench.kafka).publish()
    revisions = [value["revision"] for key, value in bench.announced() if key == owed[0]]
    assert revisions == [2]
    assert bench.store.unpublished_count() == 0


def test_lanes_are_made_before_the_transaction(bench, owed):
    """A relay that can't make them publishes nothing."""
    bench.cluster.fail_next("admin", Unavailable("controller away"))
    with pytest.raises(Unavailable):
        bench.relay.publish()
    assert bench.announced() == []
    bench.relay.publish()
    lanes = {bench.topics.lane(one) for one in owed}
    assert lanes <= set(bench.admin.topics())


def test_an_old_holder_does_not_move_where_a_later_one_looks(bench, owed):
    """Tails are taken from the newest holder only."""
    bench.relay.publish()
    before = bench.store.offsets("relay")
    bench.store.take_hold()
    somewhere = {Partition(bench.topics.endpoints, 0): 999}
    bench.store.mark_published({}, somewhere, holder=1, at=bench.clock.now())
    assert before == bench.store.offsets("relay")


def test_commands_are_published_too(api, bench, owed):
    """A redrive's command reaches its topic, keyed by its endpoint."""
    bench.relay.publish()
    api.post("/v1/redrives", json={"endpoint_id": owed[0]})
    bench.relay.publish()
    (record,) = bench.records(bench.topics.commands)
    assert owed[0].encode() == record.key()


def test_a_command_hidden_behind_an_open_transaction_is_not_published_again(api, bench, owed):
    """Its holder died before it marked it, while a dead deliverer's transaction was open."""
    bench.relay.publish()
    deliverer = bench.cluster.transactional_producer(transactional_id="deliverer")
    api.post("/v1/redrives", json={"endpoint_id": owed[0]})

    def killed(_done):
        raise KeyboardInterrupt

    bench.relay._read_until = killed
    deliverer.begin()
    for partition in range(bench.topics.counts.commands):
        deliverer.produce(bench.topics.commands, b"x", key=b"k", partition=partition)
    with pytest.raises(KeyboardInterrupt):
        bench.relay.publish()
    later = relay_of(bench.world, bench.own, kafka=bench.kafka)
    with pytest.raises(Unavailable):
        later.publish()  # until the brokers end that transaction
    later.publish()
    assert len(bench.records(bench.topics.commands)) == 1
    assert bench.store.unpublished_count() == 0


def test_an_outbox_id_is_read_from_its_header_only():
    """Other headers, and values that are no number, are nothing to us."""
    assert outbox_id_of([("x", b"1"), (OUTBOX_ID, b"7")]) == 7
    assert [
        outbox_id_of(headers) for headers in (None, [(OUTBOX_ID, b"x")], [(OUTBOX_ID, None)])
    ] == [None, None, None]
