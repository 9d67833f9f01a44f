"""What a transactional producer promises, on the twin and on Kafka."""

import time

import pytest

from hooklane.adapters.in_turn import InTurn
from hooklane.domain.errors import BrokenContract, Fenced, TransactionAborted, Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

# Of a matcher there are as many.
IDS = ("first", "second", "third")


def test_an_open_transaction_is_seen_by_nobody_and_then_by_all(world):
    """The read_committed end stays below the first open record until the commit."""
    place = world.place()
    transactions = world.transactions()
    world.write(place, b"before")
    transactions.begin()
    transactions.produce(place.topic, b"inside", key=b"key", headers=[("a", b"b")])
    owner = world.owner([place.topic])
    assert owner.read(1) == [b"before"]
    owner.step()
    assert owner.values == [b"before"]
    assert world.admin.ends([place]) == {place: (0, 1)}
    transactions.commit()
    assert owner.read(2) == [b"before", b"inside"]
    assert owner.records[1].headers() == [("a", b"b")]


def test_records_and_offsets_are_committed_as_one(world):
    """Both are there, with the metadata."""
    place, to = world.place(), world.place("to")
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    transactions = world.transactions()
    transactions.begin()
    transactions.produce(to.topic, b"copy", key=None)
    committed = Committed(offset=5, metadata="v1;f=AA==")
    assert transactions.send_offsets({place: committed}, owner.member) == set()
    transactions.commit()
    assert owner.member.committed([place]) == {place: committed}
    assert world.values(to.topic, count=1) == [b"copy"]


def test_an_abort_takes_records_and_offsets_back_as_one(world):
    """Neither is there, and the next transaction is not disturbed."""
    place, to = world.place(), world.place("to")
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    transactions = world.transactions()
    for value in (b"aborted", b"kept"):
        transactions.begin()
        transactions.produce(to.topic, value, key=None)
        if value == b"aborted":
            transactions.send_offsets({place: Committed(offset=5)}, owner.member)
            transactions.abort()
        else:
            transactions.commit()
    assert owner.member.committed([place]) == {}
    reader = world.owner([to.topic], "two")
    reader.subscribe([place.topic, to.topic])
    reader.member.close()
    world.made.remove(reader.member)
    owner.subscribe([place.topic, to.topic])
    assert owner.read(1) == [b"kept"]


def test_a_new_holder_fences_the_old_and_ends_its_transaction(world):
    """What the old left open is readable past at once, and the old must stop."""
    place = world.place()
    old, new = world.transactions(), world.transactions()
    old.begin()
    old.produce(place.topic, b"left open", key=None)
    old_has_written = time.monotonic() + 0.3
    while time.monotonic() < old_has_written and world.admin.ends([place])[place][1] == 0:
        pass
    new.begin()
    new.produce(place.topic, b"new", key=None)
    new.commit()
    owner = world.owner([place.topic])
    assert owner.read(1) == [b"new"]
    with pytest.raises(Fenced):
        old.commit()
    with pytest.raises(Fenced):
        old.begin()


def test_a_topic_that_does_not_exist_aborts_at_once(world):
    """It is named, and blocks nothing; the next transaction is as any."""
    place = world.place()
    transactions = world.transactions()
    transactions.begin()
    transactions.produce(place.topic, b"with it", key=None)
    began = time.monotonic()
    with pytest.raises(TransactionAborted) as caught:
        transactions.produce(f"{world.prefix}.gone", b"lost", key=None)
    assert time.monotonic() - began < 3
    assert caught.value.fields == {"topic": f"{world.prefix}.gone"}
    transactions.begin()
    transactions.produce(place.topic, b"alone", key=None)
    transactions.commit()
    owner = world.owner([place.topic])
    assert owner.read(1) == [b"alone"]


def test_offsets_of_a_topic_that_is_gone_are_left_out(world):
    """The first time they cost the transaction; from then on they are left out and named."""
    place = world.place()
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    gone = Partition(f"{world.prefix}.gone", 0)
    offsets = {place: Committed(offset=2), gone: Committed(offset=9)}
    transactions = world.transactions()
    transactions.begin()
    with pytest.raises(TransactionAborted):
        transactions.send_offsets(offsets, owner.member)
    transactions.begin()
    assert transactions.send_offsets(offsets, owner.member) == {gone.topic}
    transactions.commit()
    assert owner.member.committed([place, gone]) == {place: Committed(offset=2)}


def test_metadata_that_a_broker_refuses_aborts(world):
    """Offsets never go without their metadata."""
    place = world.place()
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    transactions = world.transactions()
    transactions.begin()
    with pytest.raises(TransactionAborted):
        transactions.send_offsets({place: Committed(offset=2, metadata="x" * 4_096)}, owner.member)
    assert owner.member.committed([place]) == {}


def test_a_record_no_broker_takes_is_refused_and_the_transaction_goes_on(world):
    """It is the record's fault; its owner may set it aside and commit the rest."""
    place = world.place()
    transactions = world.transactions()
    transactions.begin()
    with pytest.raises(BrokenContract):
        transactions.produce(place.topic, b"x" * 2_000_000, key=None)
    transactions.produce(place.topic, b"small", key=None)
    transactions.commit()
    owner = world.owner([place.topic])
    assert owner.read(1) == [b"small"]


def test_a_record_goes_to_the_partition_it_is_told(world):
    """A placement names the partition; the key does not choose."""
    topic = world.topic(partitions=3)
    transactions = world.transactions()
    transactions.begin()
    for number in range(3):
        transactions.produce(topic, b"%d" % number, key=b"same", partition=number)
    transactions.commit()
    owner = world.owner([topic])
    owner.read(3)
    assert {(r.partition(), r.value()) for r in owner.records} == {
        (0, b"0"),
        (1, b"1"),
        (2, b"2"),
    }


def test_an_empty_transaction_commits(world):
    """Nothing to say is no error."""
    transactions = world.transactions()
    transactions.begin()
    transactions.commit()
    transactions.begin()
    transactions.abort()
    transactions.abort()


def test_transactions_that_take_turns_keep_order_and_offsets(world):
    """Records come in the order of the commits; of the offsets the last one's stay."""
    place, to = world.place(), world.place("to")
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    transactions = InTurn([world.transactions(one) for one in IDS])
    written = [b"%d" % number for number in range(40)]
    for number, value in enumerate(written):
        transactions.begin()
        transactions.produce(to.topic, value, key=None)
        transactions.send_offsets({place: Committed(offset=number)}, owner.member)
        if number % 7:
            transactions.commit()
        else:
            transactions.abort()
    kept = [value for number, value in enumerate(written) if number % 7]
    assert owner.member.committed([place]) == {place: Committed(offset=39)}
    assert world.values(to.topic, count=len(kept)) == kept


def test_a_commit_is_not_read_past_offsets_that_are_not_decided(world):
    """Whosever they are: an older commit would have what they stand for done again."""
    place = world.place()
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    transactions = InTurn([world.transactions(one) for one in IDS])
    for sent, end in ((1, transactions.commit), (9, transactions.abort)):
        transactions.begin()
        transactions.send_offsets({place: Committed(offset=sent)}, owner.member)
        with pytest.raises(Unavailable):
            owner.member.committed([place])
        end()
        owner.step_until(lambda: _commits(owner, place))
        assert _commits(owner, place) == {place: Committed(offset=1)}


def test_a_holder_of_turns_fences_each_id(world):
    """Whatever was open under any of the ids has ended before the first transaction."""
    place = world.place()
    old = InTurn([world.transactions(one) for one in IDS])
    new = InTurn([world.transactions(one) for one in IDS])
    _write(old, place, b"done")
    old.begin()
    old.produce(place.topic, b"left open", key=None)
    _write(new, place, b"new")
    owner = world.owner([place.topic])
    assert owner.read(2) == [b"done", b"new"]
    with pytest.raises(Fenced):
        old.commit()
    with pytest.raises(Fenced):
        _write(old, place, b"by the other id")


def _write(transactions, place, value):
    transactions.begin()
    transactions.produce(place.topic, value, key=None)
    transactions.commit()


def _commits(owner, place):
    """Read a commit; nothing while it is not decided."""
    try:
        return owner.member.committed([place])
    except Unavailable:
        return None
