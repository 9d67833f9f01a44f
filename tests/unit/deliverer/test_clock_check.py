"""A clock that differs from the brokers' by 1 s is told, by 5 s makes us not ready: both ways."""

from datetime import timedelta

import pytest

from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.rejected import RawRecord
from hooklane.deliverer.clock_check import ClockCheck
from hooklane.domain.delivery import to_ms
from hooklane.domain.topics import Topics

SECOND = timedelta(seconds=1)
TOPICS = Topics(prefix="t")


class Skewed:
    """Our clock: the brokers' and a difference."""

    def __init__(self, clock, seconds):
        self._clock, self._skew = clock, timedelta(seconds=seconds)

    def now(self):
        return self._clock.now() + self._skew

    def monotonic(self):
        return self._clock.monotonic()


def a_check(skew_s):
    clock = ManualClock()
    cluster = Cluster(clock)
    cluster.admin().ensure(TOPICS.specs(()), replication=1)
    writer = cluster.producer(instance="w")

    def write():
        writer.produce(TOPICS.positions, b"x", key=b"other")
        writer.produce(TOPICS.positions, b"x", key=b"t.deliverer.0")
        writer.flush(SECOND)

    return ClockCheck(
        cluster.reader(instance="r"),
        TOPICS.positions,
        instance="t.deliverer.0",
        write=write,
        clock=Skewed(clock, skew_s),
    ), clock


@pytest.mark.parametrize(
    ("skew_s", "alarms", "unready"),
    [(0, 0, 0), (0.9, 0, 0), (-0.9, 0, 0), (2, 1, 0), (-2, 1, 0), (6, 1, 1), (-6, 1, 1)],
)
def test_a_record_of_our_own_tells_both_ways(skew_s, alarms, unready):
    """What was written and read back lies between two of our times."""
    check, _ = a_check(skew_s)
    check.look()
    assert (check.alarm() is not None, check.not_ready() is not None) == (alarms, unready)
    if unready:
        assert ("ahead of" if skew_s > 0 else "behind") in check.not_ready()


def a_record(appended_ms):
    return RawRecord(
        at_topic="l", at_partition=0, at_offset=0, raw_key=None, raw_value=b"",
        appended_ms=appended_ms,
    )  # fmt: skip


def test_a_record_from_our_future_tells_that_we_are_behind():
    """An old one tells nothing: it may have waited."""
    check, clock = a_check(0)
    now_ms = to_ms(clock.now())
    check.saw(a_record(now_ms - 3_600_000))
    assert check.alarm() is None
    check.saw(a_record(now_ms + 7_000))
    check.saw(a_record(now_ms + 3_000))
    assert check.not_ready() == "our clock is 7.0 s behind the brokers'"
    check.look()
    assert check.alarm() is None
