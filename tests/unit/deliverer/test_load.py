"""Each of the four limits ends all starts, and gives way again."""

from datetime import timedelta

import pytest

from hooklane.adapters.memory import ManualClock
from hooklane.deliverer.load import Load
from hooklane.deliverer.settings import DelivererSettings


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def load(clock):
    settings = DelivererSettings(
        in_flight_max=2, in_flight_bytes_max=2**20, uncommitted_bytes_max=2**20,
        uncommitted_ms_max=500,
    )  # fmt: skip
    return Load(clock=clock, settings=settings)


def test_open_posts_are_bounded(load):
    """By number."""
    load.begun(1)
    assert not load.full
    load.begun(1)
    assert load.full
    load.ended(1)
    assert not load.full


def test_their_bytes_are_bounded(load):
    """One large payload may fill it."""
    load.begun(2**20)
    assert load.full
    load.ended(2**20)
    assert not load.full


def test_uncommitted_bytes_are_bounded(load):
    """Until they are committed."""
    load.settled(2**20)
    assert load.full
    load.committed(1, 2**20, since=0.0)
    assert not load.full


def test_an_old_uncommitted_outcome_stops_everything(load, clock):
    """What was settled after the tick began counts from then on."""
    load.settled(1)
    clock.advance(timedelta(milliseconds=400))
    since = clock.monotonic()
    load.settled(1)
    clock.advance(timedelta(milliseconds=100))
    assert load.overdue
    load.committed(1, 1, since=since)
    assert not load.overdue
    clock.advance(timedelta(milliseconds=400))
    assert load.overdue
    load.committed(1, 1, since=since)
    assert not load.overdue
