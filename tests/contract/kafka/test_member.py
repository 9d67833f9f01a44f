"""What a member of a group promises, on the twin and on Kafka."""

import time
from datetime import timedelta

import pytest

from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

WITHIN_S = 20.0
BRIEFLY = timedelta(milliseconds=300)
AT_ONCE = timedelta(milliseconds=1)


def until(condition):
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"


def test_a_record_arrives_as_it_was_written(world):
    """Key, value and headers are the writer's, the timestamp is the broker's."""
    place = world.place()
    producer = world.producer()
    producer.produce(place.topic, b"value", key=b"key", headers=[("not-before", b"12")])
    producer.flush(timedelta(seconds=10))
    owner = world.owner([place.topic])
    owner.read(1)
    (record,) = owner.records
    assert (record.topic(), record.partition(), record.offset()) == (*place, 0)
    assert (record.key(), record.value()) == (b"key", b"value")
    assert record.headers() == [("not-before", b"12")]
    assert record.timestamp()[0] == 2


def test_a_tombstone_has_a_key_and_no_value(world):
    """A deletion in a compacted topic is a record like others."""
    place = world.place()
    world.write(place, None)
    owner = world.owner([place.topic])
    owner.read(1)
    (record,) = owner.records
    assert (record.key(), record.value(), record.headers()) == (b"key", None, None)


def test_a_commit_is_read_back_with_its_metadata_from_inside_and_outside(world):
    """Offset and metadata belong together; what has no commit is not in the answer."""
    place = world.place(partitions=2)
    other = Partition(place.topic, 1)
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    committed = Committed(offset=7, metadata="v1;f=AAE=")
    owner.member.commit({place: committed})
    assert owner.member.committed([place, other]) == {place: committed}
    assert world.admin.committed(world.group, [place, other]) == {place: committed}


def test_many_commits_with_metadata_are_cut_into_requests(world):
    """What one request could not carry is committed all the same."""
    topic = world.topic(partitions=140)
    owner = world.owner([topic])
    owner.step_until(lambda: len(owner.assigned) == 140)
    offsets = {Partition(topic, n): Committed(offset=n, metadata="x" * 4_000) for n in range(140)}
    owner.member.commit(offsets)
    assert owner.member.committed(offsets) == offsets
    moved = {
        place: Committed(offset=c.offset + 1, metadata="y" * 4_000) for place, c in offsets.items()
    }
    transactions = world.transactions()
    transactions.begin()
    assert transactions.send_offsets(moved, owner.member) == set()
    transactions.commit()
    assert owner.member.committed(moved) == moved


def test_metadata_that_a_broker_refuses_is_not_taken_for_committed(world):
    """4,095 bytes pass, 4,096 are refused, and the refusal is told."""
    place = world.place()
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    fits = Committed(offset=1, metadata="x" * 4_095)
    owner.member.commit({place: fits})
    with pytest.raises(Unavailable):
        owner.member.commit({place: Committed(offset=2, metadata="x" * 4_096)})
    assert owner.member.committed([place]) == {place: fits}


def test_a_commit_for_a_topic_that_is_gone_is_passed_over(world):
    """A deleted lane does not keep others from being committed."""
    place = world.place()
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned)
    gone = Partition(f"{world.prefix}.gone", 0)
    owner.member.commit({place: Committed(offset=3), gone: Committed(offset=3)})
    assert owner.member.committed([place, gone]) == {place: Committed(offset=3)}


def test_the_position_passes_aborted_records_and_markers(world):
    """At the end of what is visible the position is the end, whatever lies there."""
    place = world.place()
    transactions = world.transactions()
    for commits in (True, False, True, False):
        transactions.begin()
        transactions.produce(place.topic, b"yes" if commits else b"no", key=None)
        (transactions.commit if commits else transactions.abort)()
    owner = world.owner([place.topic])
    assert owner.read(2) == [b"yes", b"yes"]
    owner.step_until(lambda: owner.member.position(place) == owner.member.ends(place)[1])
    assert owner.values == [b"yes", b"yes"]


def test_seek_reads_again_from_there(world):
    """A rewind after an abort reads the same records in the same order."""
    place = world.place()
    world.write(place, b"0", b"1", b"2")
    owner = world.owner([place.topic])
    owner.read(3)
    owner.member.seek(place, 1)
    assert owner.member.position(place) == 1
    assert owner.read(5) == [b"0", b"1", b"2", b"1", b"2"]


def test_what_is_assigned_later_begins_where_it_was_told_however_soon(world):
    """An owner that says its starts after the callback reads from there, and skips nothing."""
    topic = world.topic(partitions=30)
    transactions = world.transactions()
    transactions.begin()
    for number in range(60):
        transactions.produce(topic, b"value", key=None, partition=number % 30)
    transactions.commit()
    for turn in range(4):
        pending = []
        member = world.adapters.member(group=f"{world.group}{turn}", instance="one")
        owner = world.owner([topic], member=member, on_assigned=pending.extend)

        def has_all(owner=owner, member=member, pending=pending):
            owner.records += member.consume(100, timeout=AT_ONCE)
            member.assign(dict.fromkeys(pending, 0))
            pending.clear()
            return len(owner.records) >= 60

        until(has_all)
        assert len({(r.partition(), r.offset()) for r in owner.records}) == 60
        member.close()


def test_a_paused_partition_waits_and_others_go_on(world):
    """What was written meanwhile comes once, after the resume, from the position."""
    place = world.place()
    other = world.place("other")
    owner = world.owner([place.topic, other.topic])
    owner.step_until(lambda: len(owner.assigned) == 2)
    world.write(place, b"before")
    owner.read(1)
    owner.member.pause([place])
    world.write(place, b"after")
    world.write(other, b"other")
    assert owner.read(2) == [b"before", b"other"]
    owner.member.consume(10, timeout=BRIEFLY)
    owner.member.resume([place])
    assert owner.read(3) == [b"before", b"other", b"after"]


def test_a_pause_drops_what_was_fetched_ahead_and_loses_nothing(world):
    """Records fetched but not consumed come again after the resume, each once."""
    place = world.place()
    values = [b"%d" % n for n in range(200)]
    world.write(place, *values)
    owner = world.owner([place.topic])
    while not owner.records:
        owner.records.extend(owner.member.consume(5, timeout=BRIEFLY))
    owner.member.pause([place])
    assert owner.member.consume(1_000, timeout=BRIEFLY) == []
    owner.member.resume([place])
    assert owner.read(200) == values


def test_a_partition_paused_on_arrival_is_not_read(world):
    """An owner may hold a lane before its first record."""
    place = world.place()
    world.write(place, b"held")
    member = world.member()

    def hold(partitions):
        member.assign(dict.fromkeys(partitions, 0))
        member.pause(partitions)

    owner = world.owner([place.topic], member=member, on_assigned=hold)
    owner.step_until(lambda: owner.assigned)
    owner.step()
    owner.step()
    assert owner.values == []
    assert member.position(place) == 0
    member.resume([place])
    assert owner.read(1) == [b"held"]


def test_what_the_owner_does_not_assign_is_not_read_until_it_does(world):
    """A partition whose commit is awaited starts later, exactly where it is told."""
    place = world.place(partitions=2)
    later = Partition(place.topic, 1)
    member = world.member()
    owner = world.owner(
        [place.topic], member=member, on_assigned=lambda _: member.assign({place: 0})
    )
    transactions = world.transactions()
    transactions.begin()
    for value in (b"0", b"1"):
        transactions.produce(place.topic, value, key=None, partition=0)
        transactions.produce(place.topic, b"later " + value, key=None, partition=1)
    transactions.commit()
    assert owner.read(2) == [b"0", b"1"]
    owner.step()
    assert owner.values == [b"0", b"1"]
    assert member.position(later) is None
    member.assign({later: 1})
    assert member.position(later) == 1
    assert owner.read(3) == [b"0", b"1", b"later 1"]


def test_what_a_listener_raises_comes_out_of_consume_and_the_partitions_are_offered_again(world):
    """A commit that can't be read is no reason to start elsewhere, nor to forget the partition."""
    place = world.place()
    world.write(place, b"0")
    member = world.member()
    errors = [Unavailable("no commits now"), Unavailable("nor now")]

    def start(partitions):
        if errors:
            raise errors.pop()
        member.assign(dict.fromkeys(partitions, 0))

    owner = world.owner([place.topic], member=member, on_assigned=start)
    for _ in range(2):
        with pytest.raises(Unavailable, match="no"):
            owner.step_until(lambda: owner.values)
    assert owner.read(1) == [b"0"]
    assert owner.assigned == [place] * 3


def test_records_fetched_by_a_consume_that_raises_are_not_lost(world):
    """They are read again by the next one."""
    place, new = world.place(), world.place("new")
    member = world.member()
    errors = [Unavailable("not now")]

    def start(partitions):
        if new in partitions and errors:
            raise errors.pop()
        member.assign(dict.fromkeys(partitions, 0))

    owner = world.owner([place.topic], member=member, on_assigned=start)
    owner.step_until(lambda: owner.assigned)
    owner.subscribe([place.topic, new.topic])
    values = [b"%d" % n for n in range(50)]
    producer = world.producer()
    raised = 0
    for value in values:
        producer.produce(place.topic, value, key=None)
        producer.flush(timedelta(seconds=10))
        try:
            owner.step()
        except Unavailable:
            raised += 1
    while not raised:
        try:
            owner.step()
        except Unavailable:
            raised += 1
    assert owner.read(50) == values


def test_a_position_below_the_log_start_is_a_gap_and_told(world):
    """Reading goes on at the log's start, and the owner learns where that is."""
    place = world.place()
    world.write(place, b"0", b"1", b"2", b"3")
    world.admin.delete_records({place: 2})
    owner = world.owner([place.topic])
    assert owner.read(2) == [b"2", b"3"]
    assert owner.gaps == [(place, 2)]
    assert owner.member.ends(place) == (2, 4)


def test_another_subscription_keeps_what_both_have(world):
    """Adding or dropping a lane moves no other lane."""
    place, new = world.place(), world.place("new")
    owner = world.owner([place.topic])
    owner.step_until(lambda: owner.assigned == [place])
    owner.subscribe([place.topic, new.topic])
    owner.step_until(lambda: owner.assigned == [place, new])
    owner.subscribe([new.topic])
    owner.step_until(lambda: owner.revoked)
    assert owner.revoked == [place]
    world.write(new, b"new")
    assert owner.read(1) == [b"new"]


def test_a_pause_does_not_outlive_its_assignment(world):
    """A partition that comes back is read, whatever it was when it left."""
    place, other = world.place(), world.place("other")
    owner = world.owner([place.topic, other.topic])
    owner.step_until(lambda: len(owner.assigned) == 2)
    owner.member.pause([place])
    owner.subscribe([other.topic])
    owner.step_until(lambda: owner.revoked == [place])
    assert owner.member.position(place) is None
    owner.subscribe([place.topic, other.topic])
    owner.step_until(lambda: len(owner.assigned) == 3)
    world.write(place, b"read")
    assert owner.read(1) == [b"read"]


def test_a_partition_that_comes_back_is_where_it_was_told_to_start(world):
    """Its position before it left is not mistaken for the one it has now."""
    place, other = world.place(), world.place("other")
    world.write(place, b"0", b"1", b"2")
    owner = world.owner([place.topic, other.topic])
    owner.read(3)
    for _ in range(3):
        owner.subscribe([other.topic])
        owner.step_until(lambda: place in owner.revoked)
        owner.revoked.clear()
        owner.assigned.clear()
        seen = len(owner.records)
        owner.subscribe([place.topic, other.topic])
        while not owner.assigned:
            records = owner.step()
            assert owner.member.position(place) in (None, len(records))
        owner.read(seen + 3)


def test_two_members_share_and_what_one_commits_on_leaving_the_other_begins_with(world, wait_for):
    """A graceful rebalance loses nothing and repeats nothing."""
    topic = world.topic(partitions=4)
    places = {Partition(topic, n) for n in range(4)}
    producer = world.producer()

    def write(prefix):
        for n in range(40):
            producer.produce(topic, b"%s%d" % (prefix, n), key=b"%d" % n)
        producer.flush(timedelta(seconds=10))

    one = world.owner([topic], "one")
    one.commits_on_revoke = True
    write(b"a")
    one.read(40)
    two = world.owner([topic], "two")
    wait_for(one, lambda: len(two.assigned) == 2, two)
    assert set(two.assigned) == set(one.revoked)
    assert world.admin.members(world.group) == {"one", "two"}
    owners = world.admin.partitions_of(world.group)
    assert {p for p, who in owners.items() if who == "two"} == set(two.assigned)
    assert set(owners) == places
    write(b"b")
    wait_for(one, lambda: len(one.records) + len(two.records) >= 80, two)
    one.step()
    two.step()
    assert len(set(one.values + two.values)) == len(one.values + two.values) == 80


def test_closing_gives_the_partitions_up_and_says_so(world):
    """`on_revoked` is called for what is still assigned, while commits are still taken."""
    place = world.place()
    world.write(place, b"0")
    owner = world.owner([place.topic])
    owner.commits_on_revoke = True
    owner.read(1)
    owner.member.close()
    assert owner.revoked == [place]
    assert world.admin.committed(world.group, [place])[place].offset == 1
    assert world.admin.members(world.group) == set()
    world.made.remove(owner.member)
