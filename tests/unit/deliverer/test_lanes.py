"""The lanes are the placements, whatever becomes of their endpoints."""

from dataclasses import replace

from hooklane.deliverer.lanes import Lanes
from hooklane.domain.endpoint import EndpointState, Placement
from hooklane.domain.topics import Partition
from support.deliveries import an_endpoint


def test_a_lane_lasts_as_long_as_its_placement():
    """A deleted endpoint's lane is read until a revision takes it away."""
    lanes = Lanes()
    endpoint = an_endpoint("ep_a", lane="t.lane.a")
    lanes.changed("ep_a", endpoint)
    lanes.changed("ep_b", an_endpoint("ep_b", lane=None))
    assert lanes.topics() == {"t.lane.a"}
    lanes.changed("ep_a", replace(endpoint, state=EndpointState.DELETED))
    assert lanes.topics() == {"t.lane.a"}
    lanes.changed("ep_a", replace(endpoint, placement=None))
    assert lanes.topics() == frozenset()


def test_a_tombstone_ends_a_lane_and_a_move_changes_it():
    """The topic's owner follows."""
    lanes = Lanes()
    endpoint = an_endpoint("ep_a", lane="t.lane.a")
    lanes.changed("ep_a", endpoint)
    assert lanes.endpoint_of("t.lane.a") == "ep_a"
    lanes.changed("ep_a", replace(endpoint, placement=Placement(topic="t.lane.b", partition=0)))
    assert (lanes.endpoint_of("t.lane.a"), lanes.endpoint_of("t.lane.b")) == ("", "ep_a")
    lanes.changed("ep_a", None)
    assert lanes.topics() == frozenset()


def test_changes_are_given_once_the_newest_of_each():
    """The loop's side needs no history."""
    lanes = Lanes()
    endpoint = an_endpoint("ep_a")
    newer = replace(endpoint, revision=2)
    lanes.changed("ep_a", endpoint)
    lanes.changed("ep_b", None)
    lanes.changed("ep_a", newer)
    assert dict(lanes.take_changes()) == {"ep_a": newer, "ep_b": None}
    assert lanes.take_changes() == []


def test_where_an_endpoint_had_its_place_is_read_too():
    """And the pool as long as anybody has or had a place in it."""
    lanes = Lanes()
    own, place = an_endpoint("ep_a", lane="t.lane.a"), Placement(topic="t.pool", partition=1)
    pooled = replace(own, placement=place, former=(own.placement,))
    lanes.changed("ep_a", own)
    lanes.changed("ep_a", pooled)
    lanes.changed("ep_b", replace(an_endpoint("ep_b"), placement=place))
    assert lanes.topics() == {"t.lane.a", "t.pool"}
    assert lanes.endpoint_of("t.lane.a") == "ep_a"
    assert lanes.is_of(Partition("t.pool", 1), "ep_a")
    assert not lanes.is_of(Partition("t.lane.a", 0), "ep_a")
    assert not lanes.is_of(Partition("t.pool", 1), "ep_c")
    lanes.changed("ep_a", replace(pooled, former=()))
    assert lanes.topics() == {"t.pool"}
    lanes.changed("ep_a", None)
    assert lanes.topics() == {"t.pool"}
    lanes.changed("ep_b", None)
    assert lanes.topics() == frozenset()
