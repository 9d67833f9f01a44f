"""Which partitions are read, and how far."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition
from support.deliveries import START
from support.retrying import HOUR, SECOND, RetrierBench


class Deaf:
    """A member whose seek fails once."""

    def __init__(self, member):
        self._member, self.failures = member, 1

    def __getattr__(self, name):
        return getattr(self._member, name)

    def seek(self, partition, offset):
        if self.failures:
            self.failures -= 1
            raise Unavailable("gone")
        self._member.seek(partition, offset)


def test_a_failed_seek_loses_no_record():
    """What was consumed with it is read again."""
    bench = RetrierBench(partitions=1)
    bench.endpoint()
    bench.wait(0, tier=HOUR)
    for number in range(1, 10):
        bench.wait(number)
    retrier = bench.retrier()
    retrier._tiers._member = Deaf(bench.around.member)

    with pytest.raises(Unavailable):
        bench.run(retrier, 6 * SECOND)
    bench.run(retrier, 6 * SECOND)

    assert len({record.value() for record in bench.lane()}) == len(bench.lane()) == 9


def test_a_gap_is_recorded_and_passed():
    """Reading goes on at the log's start."""
    bench = RetrierBench(partitions=1)
    bench.endpoint()
    for number in range(5):
        bench.wait(number)
    bench.run(bench.retrier(), SECOND)
    bench.kill()
    bench.cluster.log(Partition("t.retry.5s", 0)).delete_before(3)

    bench.run(bench.retrier(), 20 * SECOND)

    assert [line["what"] for line in bench.lines].count("gap.found") == 1
    assert len(bench.lane()) == 2


def test_a_lost_membership_lets_go_and_comes_back():
    """Nothing that was held is copied twice."""
    bench = RetrierBench(partitions=1)
    bench.endpoint()
    for number in range(5):
        bench.wait(number, due_in=timedelta(seconds=5 + number))
    retrier = bench.retrier()
    bench.run(retrier, 7 * SECOND)
    bench.cluster.expel(bench.around.member)

    for _ in range(200):
        try:
            retrier.step()
        except Unavailable:
            continue

    assert len({record.value() for record in bench.lane()}) == len(bench.lane()) == 5


def test_a_wide_gap_behind_a_held_one_is_not_told_in_its_commit():
    """What aborted transactions left may be wider than commit metadata; nothing is lost by it."""
    bench = RetrierBench(partitions=1)
    bench.endpoint()
    bench.wait(0, due_in=40 * SECOND)
    bench.wait(1)
    writer = bench.cluster.transactional_producer(transactional_id="deliverer")
    writer.begin()
    for _ in range(30_000):
        writer.produce("t.retry.5s", b"x", key=b"k")
    writer.abort()
    retrier = bench.retrier()
    bench.run(retrier, 20 * SECOND)
    bench.wait(2)

    bench.run(retrier, 40 * SECOND)

    assert len({record.value() for record in bench.lane()}) == len(bench.lane()) == 3


def test_a_tiers_end_does_not_keep_its_prefix_back():
    """Transaction markers at the end are passed, so an empty tier has nothing left to do."""
    bench = RetrierBench(partitions=1)
    bench.endpoint()
    bench.wait()
    value = bench.records("t.retry.5s")[0]
    producer = bench.cluster.transactional_producer(transactional_id="other")
    producer.begin()
    producer.produce("t.retry.5s", value.value(), key=value.key(), headers=value.headers())
    producer.commit()

    bench.run(bench.retrier(), 20 * SECOND)

    partition = Partition("t.retry.5s", 0)
    assert bench.commits()[partition].offset == bench.admin.ends([partition])[partition][1] == 3


def test_an_endpoint_that_cannot_be_read_is_not_taken_for_a_deleted_one():
    """A record of a later release: what waits for it goes on waiting."""
    bench = RetrierBench()
    bench.outside.produce(bench.topics.endpoints, b"\xc3\x01from a later release", key=b"ep_a")
    bench.wait()
    retrier = bench.retrier()
    bench.run(retrier, 20 * SECOND)
    assert bench.attempts() == []

    bench.endpoint()
    bench.run(retrier, 20 * SECOND)

    assert len(bench.lane()) == 1


def test_a_table_that_ends_too_early_does_not_hold_up_the_others():
    """However many ask for more than there is, it is waited for once in a while."""
    bench = RetrierBench()
    bench.endpoint()
    for number in range(100):
        bench.wait(number, endpoint_id="ep_unknown", table_offset=1_000)
    bench.wait(100)
    bench.run(bench.retrier(), 8 * SECOND)
    assert (len(bench.lane()), bench.attempts()) == (1, [])
    assert bench.clock.now() - START < 10 * SECOND
