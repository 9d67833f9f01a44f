from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.adapters.memory.admin import MemoryAdmin
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition
from support.control import Nobody, draft

DAY = timedelta(days=1)


@pytest.fixture
def deleted(api, bench):
    """A deleted endpoint, its empty lane read by a deliverer."""
    made = api.post("/v1/endpoints", json=draft()).json()
    bench.follower("deliverer.0")
    api.delete(f"/v1/endpoints/{made['id']}")
    return made["id"]


def newest(bench):
    return bench.announced()[-1][1]


def test_a_lane_goes_in_steps(bench, deleted):
    """Grace, a revision without placement, the topic's deletion, and a tombstone at last."""
    lane = bench.topics.lane(deleted)
    assert bench.lanes.step() == 0
    bench.clock.advance(DAY)
    assert bench.lanes.step() == 1
    bench.ring()
    assert (newest(bench)["placement"], newest(bench)["state"]) == (None, "deleted")
    assert lane in bench.admin.topics()
    assert bench.lanes.step() == 1
    assert lane not in bench.admin.topics()
    assert bench.lanes.step() == 0
    bench.clock.advance(6 * DAY)
    assert bench.lanes.step() == 1
    bench.ring()
    assert (deleted, None) == bench.announced()[-1]
    assert (bench.lanes.step(), bench.store.deleted_endpoints()) == (0, [])


def test_a_lane_that_is_not_drained_stays(bench, deleted):
    """Its deliveries are first cancelled by the deliverer, which commits past them."""
    lane = Partition(bench.topics.lane(deleted), 0)
    bench.cluster.producer(instance="x").produce(lane.topic, b"delivery", key=None)
    bench.clock.advance(DAY)
    assert bench.lanes.step() == 0
    group = bench.cluster.groups[bench.topics.group("deliverer.0")]
    group.commits[lane] = Committed(offset=1)
    assert bench.lanes.step() == 1


def test_a_process_that_has_not_read_the_deletion_stops_it(bench, deleted):
    """It might still write to the lane."""
    slow = bench.follower("retrier")
    bench.followers.remove(slow)
    bench.clock.advance(DAY)
    assert bench.lanes.step() == 0
    slow.member.subscribe([bench.topics.matches], Nobody(slow.member))
    slow.member.consume(1, timeout=timedelta(0))
    slow.follow()
    bench.positions.step()
    assert bench.lanes.step() == 1


def test_a_lane_still_assigned_is_not_deleted(bench, deleted):
    """Committing to a missing topic would block a deliverer's transaction."""
    lane = bench.topics.lane(deleted)
    member = bench.followers[-1].member
    member.subscribe([lane], Nobody(member))
    member.consume(1, timeout=timedelta(0))
    bench.clock.advance(DAY)
    member.consume(1, timeout=timedelta(0))
    assert bench.lanes.step() == 1
    bench.ring()
    assert bench.lanes.step() == 0
    member.subscribe([bench.topics.matches], Nobody(member))
    member.consume(1, timeout=timedelta(0))
    assert bench.lanes.step() == 1
    assert lane not in bench.admin.topics()


def test_endpoints_that_live_are_left_alone(api, bench):
    """Nothing happens without a deletion."""
    api.post("/v1/endpoints", json=draft())
    bench.clock.advance(30 * DAY)
    assert bench.lanes.step() == 0


@pytest.fixture
def moved(api, bench):
    """An endpoint that left the lane it had; a deliverer has read so."""
    made = api.post("/v1/endpoints", json=draft()).json()
    bench.follower("deliverer.0")
    api.post(f"/v1/endpoints/{made['id']}/placement", json={"lane": "pool"})
    return made["id"]


def test_a_lane_that_was_left_goes_when_it_is_drained(bench, moved):
    """A revision without it, then its topic; the pool stays."""
    lane = Partition(bench.topics.lane(moved), 0)
    bench.cluster.producer(instance="x").produce(lane.topic, b"delivery", key=None)
    assert bench.lanes.step() == 0
    group = bench.cluster.groups[bench.topics.group("deliverer.0")]
    group.commits[lane] = Committed(offset=1)
    assert bench.lanes.step() == 1
    bench.ring()
    assert (newest(bench)["former"], newest(bench)["state"]) == ([], "active")
    assert lane.topic in bench.admin.topics()
    assert bench.lanes.step() == 1
    assert lane.topic not in bench.admin.topics()
    assert bench.lanes.step() == 0


class Unknowing(MemoryAdmin):
    """Asks a broker that knows no log, for a moment."""

    def log_ends(self, partitions):
        return {}


def test_a_lane_that_a_broker_does_not_know_for_a_moment_is_not_drained(bench, moved):
    """Its topic would be deleted with its backlog; one that is gone has none."""
    lane = Partition(bench.topics.lane(moved), 0)
    bench.cluster.producer(instance="x").produce(lane.topic, b"delivery", key=None)
    lanes = replace(bench.lanes, admin=Unknowing(bench.cluster))
    assert lanes.step() == 0
    bench.admin.delete_topics([lane.topic])
    assert lanes.step() == 1
    bench.ring()
    assert newest(bench)["former"] == []


def test_a_place_in_the_pool_is_drained_though_others_go_on_using_it(api, bench, moved):
    """What was there when everybody knew is finished; what comes after is others'."""
    part = Partition(bench.topics.pool, bench.topics.pool_partition(moved))
    writer = bench.cluster.producer(instance="x")
    writer.produce(part.topic, b"theirs", key=None, partition=part.partition)
    api.post(f"/v1/endpoints/{moved}/placement", json={"lane": "dedicated"})
    bench.lanes.step()
    bench.ring()
    writer.produce(part.topic, b"another's", key=None, partition=part.partition)
    group = bench.cluster.groups[bench.topics.group("deliverer.0")]
    assert part.topic in [lane["topic"] for lane in newest(bench)["former"]]
    bench.lanes.step()
    group.commits[part] = Committed(offset=1)
    while bench.lanes.step():
        bench.ring()
    assert newest(bench)["former"] == []
    assert bench.topics.pool in bench.admin.topics()


def test_a_pooled_endpoint_that_is_deleted_leaves_no_topic_behind(bench, api, moved):
    """Neither the lane it had before, nor the pool taken with it."""
    api.delete(f"/v1/endpoints/{moved}")
    bench.clock.advance(DAY)
    for _ in range(4):
        bench.lanes.step()
        bench.ring()
    assert newest(bench)["placement"] is None
    assert bench.topics.lane(moved) not in bench.admin.topics()
    assert bench.topics.pool in bench.admin.topics()
    bench.clock.advance(7 * DAY)
    assert bench.lanes.step() == 1
    assert bench.store.deleted_endpoints() == []
