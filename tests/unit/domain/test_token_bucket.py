"""The token bucket: a second's worth at once, then one after another."""

from hooklane.domain.token_bucket import TokenBucket


def test_a_seconds_worth_comes_at_once_then_the_rate():
    """Ten, and one each tenth of a second."""
    bucket = TokenBucket(10)
    times = [bucket.reserve(5_000.0) for _ in range(12)]
    assert [at <= 5_000.0 for at in times] == [True] * 10 + [False] * 2
    assert [round(at) for at in times[10:]] == [5_100, 5_200]


def test_a_bucket_fills_up_to_a_second_and_no_further():
    """However long nobody asked."""
    bucket = TokenBucket(2)
    assert [bucket.reserve(0.0) <= 0.0 for _ in range(3)] == [True, True, False]
    assert [bucket.reserve(60_000.0) <= 60_000.0 for _ in range(3)] == [True, True, False]


def test_one_a_second_has_no_burst():
    """The next is a second later."""
    bucket = TokenBucket(1)
    assert [bucket.reserve(0.0) for _ in range(3)] == [0.0, 1_000.0, 2_000.0]
