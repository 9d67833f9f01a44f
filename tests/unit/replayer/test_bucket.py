"""A rate is kept whenever rounds come."""

from hooklane.replayer.bucket import Bucket


def test_without_a_rate_it_never_runs_dry():
    """As fast as it goes."""
    bucket = Bucket(0, moment=0.0)
    bucket.take(bucket.room(0.0, 500))

    assert bucket.room(0.0, 500) == 500
    assert bucket.wait_s == 0.0


def test_tokens_come_at_the_rate_and_a_fifth_of_a_second_is_kept():
    """Whoever is late does not catch up all at once."""
    bucket = Bucket(100, moment=0.0)
    bucket.take(bucket.room(0.0, 500))
    assert bucket.room(0.0, 500) == 0
    assert bucket.wait_s == 0.01

    assert bucket.room(0.05, 500) == 5
    assert bucket.room(60.0, 500) == 20
    assert bucket.room(60.0, 7) == 7


def test_a_slow_rate_gives_one_at_a_time():
    """Never less, or nothing would ever go."""
    bucket = Bucket(1, moment=0.0)
    taken = 0
    for moment in range(100):
        room = bucket.room(moment / 10, 500)
        bucket.take(room)
        taken += room

    assert taken in (10, 11)
