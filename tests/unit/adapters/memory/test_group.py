"""How the twin's coordinator spreads partitions."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hooklane.adapters.memory.group import Group, Seat, targets
from hooklane.domain.topics import Partition

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def seats(*owned):
    return [Seat(client_id="c", topics=frozenset("t"), owned=set(places)) for places in owned]


@given(members=st.integers(1, 6), partitions=st.integers(0, 30), joined=st.integers(0, 3))
def test_every_partition_has_one_member_evenly_and_little_moves(members, partitions, joined):
    """Newcomers take only what the others have too much of."""
    first = targets(seats(*[()] * members), {"t": partitions})
    then = targets(seats(*first, *[()] * joined), {"t": partitions})
    spread = sorted(place for target in then for place in target)
    assert spread == [Partition("t", n) for n in range(partitions)]
    sizes = [len(target) for target in then]
    assert max(sizes) - min(sizes) <= 1
    for before, after in zip(first, then, strict=False):
        assert after <= before or len(after) > len(before) or joined == 0


def test_a_partition_goes_only_to_who_subscribed():
    """Members may have different lists while one is being changed."""
    one = Seat(client_id="one", topics=frozenset({"a"}))
    two = Seat(client_id="two", topics=frozenset({"b"}), owned={Partition("a", 0)})
    assert targets([one, two], {"a": 1, "b": 1, "c": 1}) == [
        {Partition("a", 0)},
        {Partition("b", 0)},
    ]


def test_nothing_to_spread_and_nobody_to_take_it():
    """An empty subscription is a subscription."""
    assert targets([], {"t": 3}) == []
    assert targets([Seat(client_id="c")], {"t": 3}) == [set()]


def test_a_lapsed_session_frees_what_it_owned():
    """At its end and not before."""
    group = Group()
    seat = group.seats[group.join("one")]
    seat.owned = {Partition("t", 0)}
    seat.lapses_at = NOW
    group.expire(NOW - timedelta(seconds=1))
    assert group.free([Partition("t", 0)]) == set()
    group.expire(NOW)
    assert group.free([Partition("t", 0)]) == {Partition("t", 0)}


def test_the_balance_is_stale_after_a_change_only():
    """Asking again without a change costs no balancing."""
    group = Group()
    number = group.join("one")
    assert group.is_stale(1)
    assert not group.is_stale(1)
    group.seats[number].topics = frozenset({"t"})
    assert group.is_stale(1)
    assert group.is_stale(2)
    group.leave(number)
    assert group.is_stale(2)
