"""Control's part in placement: endpoints move between the pool and lanes, and lanes go.

As `control.lanes` does it, with what is known from outside: reported positions, ends and commits.
"""

import random
from dataclasses import replace

from hooklane.domain.endpoint import EndpointState, Placement
from hooklane.domain.placing import in_own_lane, in_pool, is_pooled, may_leave_lane
from hooklane.domain.topics import Partition


class Places:
    """Moves endpoints of a world, by a chance of its own."""

    def __init__(self, world, seed):
        self.world, self.chance = world, random.Random(f"places {seed}")
        self._ends, self._left, self.moves = {}, {}, 0

    def first(self, endpoint):
        """Choose where a new endpoint has its place."""
        topics = self.world.topics
        if self.chance.random() < 0.5:
            place = Placement(
                topic=topics.pool, partition=topics.pool_partition(endpoint.endpoint_id)
            )
            return replace(endpoint, placement=place)
        return endpoint

    def out_of_pool(self, endpoint):
        """Give it, within the same revision, a lane that exists."""
        moved = in_own_lane(endpoint, self.world.topics)
        if moved is not endpoint:
            spec = self.world.topics.lane_spec(moved.placement.topic)
            self.world.admin.ensure([spec], replication=1)
        return moved

    def move(self):
        """Move somebody."""
        topics, endpoints = self.world.topics, list(self.world.endpoints.values())
        if not endpoints:
            return
        endpoint = self.chance.choice(endpoints)
        moved = endpoint
        if endpoint.state is EndpointState.ACTIVE and is_pooled(endpoint, topics):
            moved = self.out_of_pool(endpoint)
        elif may_leave_lane(endpoint):
            moved = in_pool(endpoint, topics)
        if moved is not endpoint:
            self.moves += 1
            self.world.put(replace(moved, revision=endpoint.revision + 1))

    def tend(self):
        """Let lanes that were left go, in the steps that keep everybody safe."""
        for endpoint in list(self.world.endpoints.values()):
            if endpoint.state is EndpointState.DELETED or not endpoint.former:
                continue
            gone = [lane for lane in endpoint.former if self.is_drained(endpoint, lane)]
            if gone:
                former = tuple(lane for lane in endpoint.former if lane not in gone)
                revision = endpoint.revision + 1
                self.world.put(replace(endpoint, former=former, revision=revision))
                self.leave(endpoint.endpoint_id, gone)
        self.delete()

    def leave(self, endpoint_id, lanes):
        """Remember lanes that no revision names any more."""
        at = self.world._announced[endpoint_id]
        topics = self.world.topics
        self._left |= {lane.topic: at for lane in lanes if topics.is_lane(lane.topic)}

    def delete(self):
        """Delete what everybody knows is left, and nobody reads."""
        world = self.world
        group = world.cluster.groups[world.topics.group("deliverer.0")]
        for topic, at in list(self._left.items()):
            read = any(Partition(topic, 0) in seat.owned for seat in group.seats.values())
            if not read and world.everybody_is_past(at):
                world.admin.delete_topics([topic])
                del self._left[topic]

    def is_drained(self, endpoint, place):
        """Tell whether what was written before everybody knew is finished."""
        world, part = self.world, Partition(place.topic, place.partition)
        if not world.everybody_is_past(world._announced[endpoint.endpoint_id]):
            return False
        log = world.cluster.log(part)
        end = self._ends.setdefault((endpoint.endpoint_id, place), log.end)
        committed = world.cluster.groups[world.topics.group("deliverer.0")].commits.get(part)
        return end == 0 or (committed is not None and committed.offset >= end)
