from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.adapters.health_store import Observation
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.store import EndpointNote
from hooklane.domain.endpoint import Endpoint, EndpointState, Order
from hooklane.domain.endpoint import Placement as Place
from hooklane.domain.errors import Conflict
from hooklane.domain.health import Health
from hooklane.domain.placing import first_in_pool, in_own_lane, in_pool
from hooklane.domain.subscription import Subscription
from hooklane.domain.topics import PartitionCounts, Topics

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOPICS = Topics(prefix="test", counts=PartitionCounts(pool=2))


def endpoint(number, **fields):
    endpoint_id = f"ep_{number}"
    ready = Endpoint(
        endpoint_id=endpoint_id, tenant="acme", revision=1, state=EndpointState.ACTIVE,
        url="https://a.example/", subscription=Subscription(patterns=("*",)), secrets=(),
        sealed_headers=None, timeout=timedelta(seconds=15), retry_schedule=(),
        placement=Place(topic=TOPICS.lane(endpoint_id), partition=0),
    )  # fmt: skip
    return replace(ready, **fields)


@pytest.fixture
def store(engine):
    found = SqlControlStore(engine, TOPICS)
    found.add_tenant("acme", at=AT)
    return found


def add(store, number, *, lanes_max=9, pinned=False, at=AT, **fields):
    made = endpoint(number, **fields)
    pooled = first_in_pool(made, TOPICS)
    note = EndpointNote(pinned=pinned)
    return store.add_endpoint(made, at=at, lanes_max=lanes_max, pooled=pooled, note=note)


def change(store, number, how, *, at=AT):
    def decide(kept):
        changed = how(kept.endpoint)
        return replace(changed, revision=kept.endpoint.revision + 1)

    return store.change_endpoint(f"ep_{number}", decide, at=at)


def keep(store, number, *, at=AT, **fields):
    health = Health(endpoint_id=f"ep_{number}", tenant="acme", **fields)
    store.observe([f"ep_{number}"], lambda _: [Observation(health=health)], at=at)


def test_beyond_the_lanes_there_are_endpoints_share_the_pool(store):
    """One that needs its own is refused."""
    own, pooled = add(store, 1, lanes_max=1), add(store, 2, lanes_max=1)
    assert (own.lane_topic, pooled.lane_topic) == ("test.lane.1", None)
    assert pooled.endpoint.placement.topic == "test.pool"
    assert store.endpoint("ep_2") == pooled
    assert store.own_lanes() == 1
    assert store.pooled_counts() == {TOPICS.pool_partition("ep_2"): 1}
    with pytest.raises(Conflict, match="dedicated_lanes_max"):
        add(store, 3, lanes_max=1, order=Order.KEY)


def test_a_lane_is_remembered_until_it_is_gone(store):
    """As the placement, as a former one, and when no revision names it any more."""
    add(store, 1)
    moved = change(store, 1, lambda kept: in_pool(kept, TOPICS))
    assert (moved.lane_topic, moved.lanes_left) == (None, ())
    assert [kept.endpoint.former for kept in store.moved_endpoints()] == [moved.endpoint.former]
    left = change(store, 1, lambda kept: replace(kept, former=()))
    assert (left.lanes_left, store.endpoint("ep_1").lanes_left) == (("test.lane.1",),) * 2
    assert [kept.endpoint.endpoint_id for kept in store.moved_endpoints()] == ["ep_1"]
    store.forget_lanes("ep_1", ["test.lane.1"], at=AT)
    assert store.moved_endpoints() == []


def test_a_place_in_the_pool_is_no_lane_to_delete(store):
    """Others use it."""
    add(store, 1, lanes_max=0)
    moved = change(store, 1, lambda kept: in_own_lane(kept, TOPICS))
    assert moved.lane_topic == "test.lane.1.1"
    left = change(store, 1, lambda kept: replace(kept, former=()))
    assert (left.lane_topic, left.lanes_left) == ("test.lane.1.1", ())
    assert store.own_lanes() == 1


def test_a_deleted_endpoint_keeps_its_lane_until_it_is_forgotten(store):
    """Also the lanes it had before."""
    add(store, 1)
    change(store, 1, lambda kept: in_own_lane(in_pool(kept, TOPICS), TOPICS))
    deleted = {"state": EndpointState.DELETED, "placement": None, "former": ()}
    gone = change(store, 1, lambda kept: replace(kept, **deleted))
    assert (gone.lane_topic, gone.lanes_left) == ("test.lane.1.2", ("test.lane.1",))
    assert (store.moved_endpoints(), store.own_lanes()) == ([], 0)
    store.forget_lanes("ep_1", ["test.lane.1.2", "test.lane.1"], at=AT)
    assert (store.endpoint("ep_1").lane_topic, store.endpoint("ep_1").lanes_left) == (None, ())


def test_how_pooled_endpoints_do_is_told_where_it_changed(store):
    """Not of those in lanes of their own, placed by hand, or not active."""
    for number in range(1, 5):
        add(store, number, lanes_max=int(number == 1), pinned=number == 3)
        keep(store, number, consecutive_failures=number)
    change(store, 4, lambda kept: replace(kept, state=EndpointState.DISABLED))
    assert [h.consecutive_failures for h in store.pooled_health(since=AT)] == [2]
    assert store.pooled_health(since=AT + HOUR) == []


def test_the_quiet_are_those_that_lately_had_nothing_and_failed_nothing(store):
    """The quietest first; who came or changed lately is not among them."""
    for number in range(1, 8):
        order = Order.KEY if number == 5 else Order.NONE
        add(store, number, pinned=number == 4, order=order)
    keep(store, 2, last_success_at=AT + HOUR)
    keep(store, 3, last_success_at=AT, failing_since=AT)
    keep(store, 6, last_success_at=AT + 3 * HOUR)
    change(store, 7, lambda kept: kept, at=AT + 3 * HOUR)
    assert store.quiet_endpoints(since=AT + 2 * HOUR, limit=9) == ["ep_1", "ep_2"]
    assert store.quiet_endpoints(since=AT + 2 * HOUR, limit=1) == ["ep_1"]
