"""Moves between the pool and lanes of their own, as revisions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import EndpointState, Order, Placement
from hooklane.domain.errors import Conflict
from hooklane.domain.health import SLOT, Health
from hooklane.domain.placing import (
    PlacingRules,
    first_in_pool,
    in_own_lane,
    in_pool,
    is_pooled,
    may_leave_lane,
    wants_own_lane,
    without_former,
)
from hooklane.domain.topics import PartitionCounts, Topics
from support.deliveries import START, an_endpoint

TOPICS = Topics(prefix="p", counts=PartitionCounts(pool=4))
OWN = replace(an_endpoint("ep_a"), placement=Placement(topic="p.lane.a", partition=0))
POOLED = first_in_pool(OWN, TOPICS)
NOWHERE = replace(OWN, placement=None)
HEALTHY = Health(endpoint_id="ep_a", tenant="acme")
FAILS = replace(HEALTHY, failing_since=START, consecutive_failures=1, last_status=500)
RULES = PlacingRules(failures=3, busy_attempts=10)


def test_a_new_endpoint_has_a_partition_of_the_pool_by_its_id():
    """And none where its events come in order."""
    assert POOLED.placement == Placement(topic="p.pool", partition=TOPICS.pool_partition("ep_a"))
    assert is_pooled(POOLED, TOPICS)
    assert first_in_pool(replace(OWN, order=Order.KEY), TOPICS) is None


def test_a_lane_of_its_own_is_new_and_the_place_before_is_former():
    """So that what was written there is still read."""
    moved = in_own_lane(POOLED, TOPICS)

    assert moved.placement == Placement(topic="p.lane.a.1", partition=0, epoch=1)
    assert (moved.former, moved.revision) == ((POOLED.placement,), POOLED.revision)
    assert in_own_lane(moved, TOPICS) is moved


def test_the_way_back_is_a_move_like_the_one_out():
    """Each has an epoch of its own; a place it has again is no former one."""
    back = in_pool(in_own_lane(POOLED, TOPICS), TOPICS)

    assert (back.placement.topic, back.placement.epoch) == ("p.pool", 2)
    assert [lane.topic for lane in back.former] == ["p.lane.a.1"]
    assert in_pool(back, TOPICS) is back
    assert without_former(back, back.former[0]).former == ()
    assert in_pool(NOWHERE, TOPICS) is NOWHERE


@pytest.mark.parametrize("fields", [{"order": Order.KEY}, {"state": EndpointState.PAUSED}])
def test_who_would_hold_the_pool_is_kept_out(fields):
    """Nothing in the pool waits; the refusal names the body's field."""
    with pytest.raises(Conflict, match=": lane: "):
        in_pool(replace(OWN, **fields), TOPICS)
    assert not may_leave_lane(replace(OWN, **fields))


def test_who_has_no_other_lane_left_may_leave_its_own():
    """One move at a time."""
    assert may_leave_lane(OWN)
    assert not may_leave_lane(replace(OWN, former=(POOLED.placement,)))
    assert not may_leave_lane(NOWHERE)


def busy(count, *, ago=timedelta(0)):
    slot = to_ms(START - ago) // (SLOT // timedelta(milliseconds=1))
    return replace(HEALTHY, slots={slot: (count - 1, 1)})


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (HEALTHY, None),
        (FAILS, None),
        (replace(FAILS, consecutive_failures=3), "failing"),
        (replace(FAILS, last_status=429), "held"),
        (replace(HEALTHY, last_status=429), None),
        (busy(9), None),
        (busy(10), "busy"),
        (busy(10, ago=SLOT), "busy"),
        (busy(10, ago=2 * SLOT), None),
    ],
)
def test_who_fails_is_held_or_busy_is_to_leave_the_pool(health, expected):
    """By its last attempts alone."""
    assert expected == wants_own_lane(health, rules=RULES, now=START)
