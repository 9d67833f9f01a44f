"""One delivery of a key is under way; its others wait behind it, other keys do not."""

from collections import deque
from datetime import timedelta

import pytest

from hooklane.adapters.rejected import RawRecord
from hooklane.deliverer.ordering import (
    SUCCESSORS_MIN,
    Key,
    Ordering,
    Successors,
    key_of,
    progressed,
)
from hooklane.deliverer.settings import DelivererSettings
from hooklane.domain.delivery import Progress, first_headers, progress_of, to_ms
from hooklane.domain.parked import KEYS_MAX, parked
from support.deliveries import START, delivery_bytes, delivery_value

SECOND = timedelta(seconds=1)
FAILED = Progress(waiting_since=START).attempted(at=START, outcome="rejected")
PARKED = FAILED.waiting(until=START + 5 * SECOND)


class Bench:
    """One lane's ordering, and what it lets go on."""

    def __init__(self, restored=None, **settings):
        self.ready = deque()
        self.successors = Successors(DelivererSettings(**settings))
        self.ordering = Ordering(
            self.ready, {} if restored is None else restored, all_lanes=self.successors
        )

    def claims(self, offset, key=b"a", *, partition=0):
        value = delivery_value(offset, key=key)
        value["source"] = value["source"] | {"partition": partition}
        return self.ordering.claims(a_record(offset, value), value)

    def released(self):
        return [self.ready.popleft().offset() for _ in range(len(self.ready))]


def a_record(offset, value=None, headers=None):
    return RawRecord(
        at_topic="t.lane.a", at_partition=0, at_offset=offset, raw_key=b"k",
        raw_value=delivery_bytes(value or delivery_value(offset)),
        raw_headers=first_headers(at=START) if headers is None else headers,
        appended_ms=to_ms(START),
    )  # fmt: skip


def test_a_key_is_that_of_its_source_partition():
    """Two partitions' equal keys have nothing to do with each other; no key has no order."""
    assert key_of(delivery_value(3, key=b"a")) == Key("events.order", 0, b"a")
    assert key_of(delivery_value(3, key=None)) is None
    bench = Bench()
    assert [bench.claims(1), bench.claims(2, partition=1), bench.claims(3, None)] == [True] * 3


def test_successors_wait_for_their_head_and_other_keys_do_not():
    """One after another, each when the one before it is finished."""
    bench = Bench()
    asked = [bench.claims(offset, key) for offset, key in enumerate([b"a", b"a", b"b", b"a"])]
    assert asked == [True, False, True, False]
    bench.ordering.finished(2)
    assert bench.released() == []
    bench.ordering.finished(0)
    assert bench.released() == [1]
    assert bench.claims(1)
    bench.ordering.finished(1)
    assert bench.released() == [3]
    bench.ordering.finished(3)
    assert (bench.released(), bench.successors.count, bench.successors.size) == ([], 0, 0)
    assert bench.claims(4)


def test_a_failed_head_waits_until_it_is_due_and_knows_how_far_it_came():
    """Its successors wait with it."""
    bench = Bench()
    assert [bench.claims(0), bench.claims(1)] == [True, False]
    bench.ordering.parks(0, PARKED)
    assert bench.ordering.parked == 1
    assert not bench.ordering.wake(to_ms(START + 5 * SECOND) - 1)
    assert bench.ordering.wake(to_ms(START + 5 * SECOND))
    (head,) = bench.ready
    progress = progress_of(head.headers())
    assert (progress.attempts_made, progress.schedule_step, progress.hops) == (1, 1, 0)
    assert (head.topic(), head.partition(), head.key()) == ("t.lane.a", 0, b"k")
    value = a_record(0, delivery_value(0, key=b"a")).value()
    assert (head.value(), head.timestamp()[1]) == (value, to_ms(START))
    bench.ready.clear()
    bench.ordering.finished(0)
    assert bench.released() == [1]


def test_a_death_is_committed_before_its_successor_starts():
    """An heir would attempt the dead one again, after its successor."""
    bench = Bench()
    assert [bench.claims(0), bench.claims(1)] == [True, False]
    bench.ordering.buries(0)
    bench.ordering.buries(9)
    assert bench.released() == []
    bench.ordering.buried(9)
    bench.ordering.buried(0)
    assert bench.released() == [1]


def test_a_head_that_came_too_early_waits_too():
    """As an heir finds it; what has no key waits elsewhere."""
    bench = Bench()
    bench.claims(0)
    assert bench.ordering.waits(0, due_ms=5)
    assert not bench.ordering.waits(7, due_ms=5)
    assert bench.ordering.wake(5)
    assert bench.released() == [0]


def test_heads_that_will_not_be_posted_are_let_go_at_once():
    """Their endpoint is disabled or deleted."""
    bench = Bench()
    bench.claims(0)
    bench.ordering.parks(0, PARKED)
    bench.ordering.let_go()
    assert bench.released() == [0]


def test_no_more_keys_are_begun_than_may_fail():
    """A lane at the limit takes nothing new until one is finished."""
    bench = Bench()
    for number in range(KEYS_MAX):
        assert not bench.ordering.is_full
        assert bench.claims(number, b"%d" % number)
    assert bench.ordering.is_full
    bench.ordering.parks(0, PARKED)
    assert bench.ordering.is_full
    bench.ordering.finished(1)
    assert not bench.ordering.is_full


def test_restored_heads_have_their_place_and_are_forgotten_once_passed():
    """What is read again below them had one too, or waits behind a key that had."""
    restored = {n: parked(PARKED) for n in range(100, 100 + KEYS_MAX)}
    bench = Bench(restored)
    for number in range(99, 99 + KEYS_MAX):
        assert bench.claims(number, b"%d" % number)
        assert not bench.ordering.is_full
    # The last one's record is gone from the log.
    assert bench.claims(200, None)
    assert restored == {}
    assert bench.ordering.is_full


@pytest.mark.parametrize(
    "limit", [{"lane_buffered_records_max": 10}, {"lane_buffered_bytes_max": 65_536}]
)
def test_a_lane_holds_so_many_successors_and_no_more(limit):
    """By number or by bytes; then it takes nothing new, also of other keys."""
    bench = Bench(**limit)
    value = delivery_value(0, payload=b"x" * 7_000)
    assert bench.ordering.claims(a_record(0, value), value)
    for number in range(1, 11):
        assert not bench.ordering.is_full
        bench.ordering.claims(a_record(number, value), value)
    assert bench.ordering.is_full


def test_where_all_lanes_hold_too_much_each_keeps_a_few():
    """Nobody's lane stands still for another's successors alone."""
    bench = Bench(held_records_max=100)
    bench.successors.count = 101
    bench.claims(0)
    for number in range(1, SUCCESSORS_MIN + 1):
        assert not bench.ordering.is_full
        bench.claims(number)
    assert bench.ordering.is_full


def test_a_closed_lane_holds_nothing_and_starts_nothing():
    """What was open is settled late, and nothing follows from it."""
    bench = Bench()
    for offset, key in enumerate([b"a", b"a", b"b"]):
        bench.claims(offset, key)
    bench.ordering.parks(2, PARKED)
    bench.ordering.close()
    bench.ordering.finished(0)
    bench.ordering.finished(0)
    bench.ordering.parks(0, PARKED)
    assert (bench.released(), bench.successors.count, bench.successors.size) == ([], 0, 0)
    assert not bench.ordering.wake(to_ms(START + 60 * SECOND))


def test_what_an_earlier_owner_committed_is_put_on_the_record():
    """One that can't be read stays as it is, to be rejected."""
    found = progress_of(progressed(a_record(0), parked(PARKED)).headers())
    assert (found.attempts_made, found.not_before) == (1, START + 5 * SECOND)
    broken = a_record(0, headers=[("attempts-made", b"x")])
    assert progressed(broken, parked(PARKED)) is broken
