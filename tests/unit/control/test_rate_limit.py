from datetime import timedelta

import pytest

from hooklane.adapters.memory import ManualClock
from hooklane.control import rate_limit
from hooklane.control.rate_limit import Buckets

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock():
    return ManualClock()


def test_a_burst_is_taken_at_once_and_then_the_rate(clock):
    """What was not used comes back with time, up to the burst."""
    buckets = Buckets(clock, rate_per_s=2, burst=3)
    assert [buckets.take("a").allowed for _ in range(4)] == [True, True, True, False]
    clock.advance(SECOND)
    assert [buckets.take("a").allowed for _ in range(3)] == [True, True, False]
    clock.advance(100 * SECOND)
    assert [buckets.take("a").allowed for _ in range(4)] == [True, True, True, False]


def test_one_key_s_requests_are_not_another_s(clock):
    """Each has its bucket."""
    buckets = Buckets(clock, rate_per_s=1, burst=1)
    assert buckets.take("a").allowed
    assert not buckets.take("a").allowed
    assert buckets.take("b").allowed


def test_a_refusal_says_when_there_is_more(clock):
    """Whole seconds, never none; an allowed request is told what is left."""
    buckets = Buckets(clock, rate_per_s=0.5, burst=2)
    assert buckets.take("a").headers() == {
        "RateLimit-Policy": '"key";q=2;w=4',
        "RateLimit": '"key";r=1;t=0',
    }
    buckets.take("a")
    refused = buckets.take("a").headers()
    assert (refused["RateLimit"], refused["Retry-After"]) == ('"key";r=0;t=2', "2")


def test_a_rate_of_nothing_is_no_limit(clock):
    """The setting that switches it off."""
    buckets = Buckets(clock, rate_per_s=0, burst=1)
    assert [buckets.take("a") for _ in range(3)] == [None] * 3


def test_buckets_are_bounded(clock, monkeypatch):
    """The one that was used longest ago goes first."""
    monkeypatch.setattr(rate_limit, "BUCKETS_MAX", 2)
    buckets = Buckets(clock, rate_per_s=1, burst=1)
    assert [buckets.take(name).allowed for name in "abc"] == [True, True, True]
    assert not buckets.take("c").allowed
    assert buckets.take("a").allowed
