"""The state table's column of retries that fall due."""

from datetime import timedelta

import pytest

from hooklane.domain.delivery import Progress
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.topics import Partition
from hooklane.domain.verdict import Cancelled, Dead, Reason
from hooklane.retrier.fate import LANE_WAIT, Copy, Hop, Stay, fate
from hooklane.retrier.waiting import Place, Waiting
from support.deliveries import START, an_endpoint, delivery_value

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TIERS = (5 * SECOND, 5 * MINUTE, HOUR)
TIER_OVER = START + 5 * MINUTE


def decided(*, now=TIER_OVER, due=TIER_OVER, endpoint=None, hops=1, since=START):
    waiting = Waiting(
        place=Place(partition=Partition("t.retry.5m", 0), offset=0),
        value=b"",
        headers=[],
        progress=Progress(waiting_since=since, not_before=due, hops=hops),
        delivery=delivery_value(),
        tier_over_at=TIER_OVER,
    )
    return fate(waiting, endpoint=endpoint, now=now, tiers=TIERS, age_max=30 * 24 * HOUR)


@pytest.mark.parametrize("state", [EndpointState.ACTIVE, EndpointState.PAUSED])
def test_an_active_or_paused_endpoint_gets_it_in_its_lane(state):
    """The placement says where that is."""
    endpoint = an_endpoint(state=state)

    assert decided(endpoint=endpoint) == Copy(placement=endpoint.placement)


def test_a_disabled_endpoint_makes_it_a_dead_letter():
    """It can be redriven once the endpoint is enabled."""
    endpoint = an_endpoint(state=EndpointState.DISABLED)

    assert decided(endpoint=endpoint) == Dead(reason=Reason.ENDPOINT_DISABLED)


@pytest.mark.parametrize("endpoint", [None, an_endpoint(state=EndpointState.DELETED, lane=None)])
def test_a_deleted_or_absent_endpoint_cancels_it(endpoint):
    """Absent means deleted, once the table was read."""
    assert decided(endpoint=endpoint) == Cancelled(reason=Reason.ENDPOINT_DELETED)


def test_a_delivery_unfinished_too_long_expires():
    """To the second."""
    since = TIER_OVER - 30 * 24 * HOUR

    assert decided(endpoint=an_endpoint(), since=since) == Dead(reason=Reason.EXPIRED)
    assert decided(endpoint=an_endpoint(), since=since + SECOND) == Copy(
        placement=an_endpoint().placement
    )


def test_the_state_comes_before_the_age():
    """A deleted endpoint's old delivery is cancelled."""
    since = TIER_OVER - 60 * 24 * HOUR

    assert decided(since=since) == Cancelled(reason=Reason.ENDPOINT_DELETED)


def test_an_endpoint_without_a_lane_is_waited_for():
    """It will have one, or be deleted."""
    endpoint = an_endpoint(lane=None)

    assert decided(endpoint=endpoint) == Stay(until=TIER_OVER + LANE_WAIT)


def test_what_is_not_due_stays():
    """Up to a minute after its tier is over."""
    due = TIER_OVER + MINUTE

    assert decided(due=due, endpoint=an_endpoint()) == Stay(until=due)


def test_what_is_due_much_later_hops():
    """It never waits at the head."""
    due = TIER_OVER + 10 * MINUTE

    assert decided(due=due) == Hop(tier=5 * MINUTE)
    assert decided(due=due, hops=2) == Hop(tier=HOUR)


def test_what_would_hop_stays_while_its_tier_lasts():
    """Read early, it is not handed out early."""
    due = TIER_OVER + 10 * MINUTE

    assert decided(due=due, now=TIER_OVER - SECOND) == Stay(until=due)


def test_what_would_have_hopped_but_is_due_by_now_is_copied():
    """A retrier that was away does not make it wait longer."""
    due = TIER_OVER + 10 * MINUTE
    endpoint = an_endpoint()

    assert decided(due=due, now=due, endpoint=endpoint) == Copy(placement=endpoint.placement)


def test_a_released_one_goes_at_once():
    """However long it would have waited; the endpoint's state counts as ever."""
    waiting = Waiting(
        place=Place(partition=Partition("t.retry.1h", 0), offset=0),
        value=b"",
        headers=[],
        progress=Progress(waiting_since=START, not_before=START + HOUR, hops=1),
        delivery=delivery_value(),
        tier_over_at=START + HOUR,
        released=True,
    )
    now = {"now": START, "tiers": TIERS, "age_max": 30 * 24 * HOUR}
    disabled = an_endpoint(state=EndpointState.DISABLED)

    assert fate(waiting, endpoint=an_endpoint(), **now) == Copy(placement=an_endpoint().placement)
    assert fate(waiting, endpoint=disabled, **now) == Dead(reason=Reason.ENDPOINT_DISABLED)
