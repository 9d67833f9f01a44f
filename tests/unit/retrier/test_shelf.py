"""The shelf hands out what is awake, endpoints in turn, and knows its bounds."""

from dataclasses import replace
from datetime import timedelta

from hooklane.domain.delivery import Progress
from hooklane.domain.topics import Partition
from hooklane.retrier.shelf import Shelf
from hooklane.retrier.waiting import Place, Waiting
from support.deliveries import START, delivery_value

SECOND = timedelta(seconds=1)
ONE, OTHER = Partition("t.retry.5s", 0), Partition("t.retry.5s", 1)


def waiting(offset, *, endpoint="ep_a", partition=ONE, size=10):
    return Waiting(
        place=Place(partition=partition, offset=offset),
        value=b"x" * size,
        headers=[],
        progress=Progress(waiting_since=START),
        delivery=delivery_value(offset, endpoint_id=endpoint),
        tier_over_at=START,
    )


def offsets(taken):
    return [held.place.offset for held in taken]


def shelf(*held, records_max=100, bytes_max=1_000):
    made = Shelf(records_max=records_max, bytes_max=bytes_max)
    for one in held:
        made.put(one, wakes_at=START + one.place.offset * SECOND)
    return made


def test_only_what_is_awake_is_taken():
    """In the order in which it woke."""
    made = shelf(waiting(2), waiting(1), waiting(3))

    assert made.next_at() == START + SECOND
    assert offsets(made.take(START + 2 * SECOND, count_max=9)) == [1, 2]
    assert len(made) == 1
    assert not made.has_awake


def test_endpoints_take_turns():
    """Also across calls."""
    many = [waiting(n) for n in range(4)]
    made = shelf(*many, waiting(5, endpoint="ep_b"), waiting(6, endpoint="ep_b"))

    now = START + 9 * SECOND
    assert offsets(made.take(now, count_max=3)) == [0, 5, 1]
    assert made.has_awake
    assert offsets(made.take(now, count_max=9)) == [6, 2, 3]
    assert made.next_at() is None


def test_it_is_full_by_records_or_by_bytes():
    """And has room again at three quarters."""
    by_count = shelf(*(waiting(n, size=0) for n in range(4)), records_max=4)
    by_bytes = shelf(*(waiting(n, size=250) for n in range(4)))

    for made in (by_count, by_bytes):
        assert made.is_full
        assert not made.has_room
        made.take(START, count_max=1)
        assert not made.is_full
        assert made.has_room


def test_a_dropped_partition_leaves_nothing():
    """Asleep or awake; the others' stay."""
    made = shelf(waiting(0), waiting(1, partition=OTHER), waiting(8), waiting(9, partition=OTHER))
    made.take(START + SECOND, count_max=0)

    made.drop([ONE])

    assert len(made) == 2
    assert offsets(made.take(START + 9 * SECOND, count_max=9)) == [1, 9]
    assert not made.is_full


def test_a_release_wakes_an_endpoints_own():
    """Those appended at most then, and nobody else's."""
    late = replace(waiting(4), appended_ms=11)
    made = shelf(waiting(1), waiting(2, endpoint="ep_b"), waiting(3), late)

    made.release("ep_a", cutoff_ms=10, now=START)

    taken = made.take(START, count_max=9)
    assert sorted(offsets(taken)) == [1, 3]
    assert all(one.released for one in taken)
    assert offsets(made.take(START + 9 * SECOND, count_max=9)) == [2, 4]
