"""What only the twin's member does, beside the contract: faults, time, turns."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

PLACE = Partition("t", 0)


def test_waiting_for_nothing_passes_time_on_the_clock(own, clock):
    """A loop with a deadline ends though nobody else moves the clock."""
    owner = own()
    owner.step()
    before = clock.monotonic()
    owner.step(timeout=timedelta(seconds=2))
    assert clock.monotonic() == before + 2


def test_a_killed_members_partitions_move_when_its_session_is_over(cluster, own, clock):
    """Nobody is told, and nothing is committed for it."""
    one, two = own("one"), own("two")
    one.step()
    two.step()
    cluster.kill(one.member)
    clock.advance(timedelta(seconds=5))
    two.step()
    assert two.told == []
    clock.advance(timedelta(seconds=1))
    two.step()
    assert two.told == [("assigned", PLACE)]
    assert one.told == [("assigned", PLACE)]
    assert cluster.admin().members("g") == {"two"}


def test_a_killed_member_is_not_called_again(cluster, own):
    """A call would mean that the simulation's dead do work."""
    owner = own()
    cluster.kill(owner.member)
    with pytest.raises(AssertionError):
        owner.step()


def test_an_expelled_member_can_commit_nothing_and_learns_that_it_lost(cluster, own, write):
    """A zombie is refused; then it joins anew."""
    write(b"0")
    owner = own()
    assert owner.step() == [b"0"]
    cluster.expel(owner.member)
    with pytest.raises(Unavailable):
        owner.member.commit({PLACE: Committed(offset=1)})
    assert owner.step() == [b"0"]
    assert owner.told == [("assigned", PLACE), ("lost", PLACE), ("assigned", PLACE)]


def test_partitions_take_turns(cluster, own, write):
    """A full lane does not starve the next one."""
    cluster.create("u", partitions=1, settings={})
    write(*[b"t"] * 10)
    write(*[b"u"] * 10, topic="u")
    owner = own(topics=("t", "u"))
    assert {value for _ in range(2) for value in owner.step(records_max=3)} == {b"t", b"u"}


def test_a_commit_in_an_open_transaction_is_not_read_as_none(cluster, own):
    """Whoever takes over waits until it is settled."""
    owner = own()
    owner.step()
    transactions = cluster.transactional_producer(transactional_id="x")
    transactions.begin()
    transactions.send_offsets({PLACE: Committed(offset=5)}, owner.member)
    with pytest.raises(Unavailable):
        owner.member.committed([PLACE])
    transactions.commit()
    assert owner.member.committed([PLACE]) == {PLACE: Committed(offset=5)}


def test_a_fault_while_taking_partitions_in_leaves_them_to_be_offered_again(cluster, own, write):
    """Records wait meanwhile."""
    write(b"0")
    owner = own()
    cluster.fail_next("committed", Unavailable("not now"))
    with pytest.raises(Unavailable):
        owner.step()
    assert owner.step() == [b"0"]


def test_a_position_past_the_end_starts_over(own, cluster, write):
    """As after a topic was made anew under its name: nothing is passed over."""
    write(b"0")
    own_commit = Committed(offset=9)
    cluster.groups["g"].commits[PLACE] = own_commit
    owner = own()
    assert owner.step() == [b"0"]
    assert owner.told == [("assigned", PLACE), ("gap", PLACE, 0)]


def test_closing_twice_parts_of_a_group_leaves_nobody(own, cluster):
    """The last one out leaves an empty group and its commits."""
    owner = own()
    owner.step()
    owner.member.commit({PLACE: Committed(offset=1)})
    owner.member.close()
    assert owner.told[-1] == ("revoked", PLACE)
    assert cluster.admin().members("g") == set()
    assert cluster.admin().committed("g", [PLACE]) == {PLACE: Committed(offset=1)}
