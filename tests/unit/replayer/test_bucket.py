"""A rate is kept whenever rounds come."""

import pytest

from hooklane.replayer.bucket import Bucket


def test_without_a_rate_it_never_runs_dry():
    """As fast as it goes."""
    bucket = Bucket(0, most=500, moment=0.0)
    bucket.take(bucket.room(0.0))

    assert bucket.room(0.0) == 500
    assert bucket.wait_s == 0.0


def test_events_come_in_portions_of_a_tenth_of_a_second():
    """One transaction each, however soon somebody asks again."""
    bucket = Bucket(1_000, most=500, moment=0.0)
    assert bucket.room(0.0) == 100
    bucket.take(100)
    assert bucket.room(0.05) == 0
    assert bucket.wait_s == 0.05

    assert bucket.room(0.1) == 100


@pytest.mark.parametrize(
    ("rate", "portion", "wait_s"), [(100, 25, 0.25), (50, 25, 0.5), (8, 4, 0.5)]
)
def test_what_a_slow_rate_brings_waits_for_more(rate, portion, wait_s):
    """For 25 events, or half a second."""
    bucket = Bucket(rate, most=500, moment=0.0)
    bucket.take(bucket.room(0.0))

    assert bucket.room(wait_s - 0.01) == 0
    assert bucket.room(wait_s) == portion


def test_two_portions_are_kept_at_most():
    """Whoever is late does not catch up all at once."""
    assert Bucket(1_000, most=500, moment=0.0).room(60.0) == 200


def test_a_rate_above_what_goes_at_once_is_kept_too():
    """A portion is then what goes at once."""
    bucket = Bucket(10_000, most=50, moment=0.0)
    taken = 0
    for step in range(200):
        room = bucket.room(step / 200)
        assert room == 50
        bucket.take(room)
        taken += room

    assert taken == 10_000


def test_a_slow_rate_gives_one_at_a_time():
    """Never less, or nothing would ever go."""
    bucket = Bucket(1, most=500, moment=0.0)
    taken = 0
    for moment in range(100):
        room = bucket.room(moment / 10)
        bucket.take(room)
        taken += room

    assert taken in (10, 11)
