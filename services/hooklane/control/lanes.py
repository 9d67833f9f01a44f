"""How a deleted endpoint's lane goes, in steps, and its entry in the endpoint table after it.

state deleted → every process has read so, the lane is drained and the grace is over → a revision
without placement → every process has read that and no deliverer has the lane assigned → the topic
is deleted → at the earliest a week after the deletion the tombstone. Producing or committing to a
missing topic blocks a transaction for up to a minute: hence the waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Admin, Clock
from hooklane.adapters.store import ControlStore, KeptEndpoint
from hooklane.control.board import Positions
from hooklane.domain.endpoint import Endpoint, EndpointState, Placement
from hooklane.domain.topics import Partition, Topics

SERVICES = ("matcher", "retrier", "replayer")
BUCKETS = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSettings:
    """How long what stays."""

    lane_grace: timedelta = timedelta(hours=24)
    tombstone_after: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """Takes deleted endpoints' lanes away; every call is made by one thread."""

    store: ControlStore
    admin: Admin
    positions: Positions
    topics: Topics
    clock: Clock
    settings: LaneSettings = LaneSettings()
    log: Log = no_log

    def step(self) -> int:
        """Take each deleted endpoint one step further where it may go; give how many went."""
        deleted = self.store.deleted_endpoints()
        if not deleted:
            return 0
        members = self._members()
        return sum(self._advance(kept, members) for kept in deleted)

    def _members(self) -> set[str]:
        groups = [self.topics.group(name) for name in SERVICES]
        groups += [_deliverers(self.topics, bucket) for bucket in BUCKETS]
        found: set[str] = set()
        for group in groups:
            found |= self.admin.members(group)
        return found

    def _advance(self, kept: KeptEndpoint, members: set[str]) -> bool:
        now = self.clock.now()
        assert kept.deleted_at is not None, "only deleted endpoints have a lane to lose"
        announced = kept.announced
        if announced is None or not self.positions.passed(members, announced):
            return False
        if kept.endpoint.placement is not None:
            return self._unplace(kept, kept.endpoint.placement, now=now)
        if kept.lane_topic is not None:
            return self._delete_lane(kept, kept.lane_topic, now=now)
        if now - kept.deleted_at < self.settings.tombstone_after:
            return False
        self.store.bury(kept.endpoint.endpoint_id, at=now)
        return True

    def _unplace(self, kept: KeptEndpoint, placement: Placement, *, now: datetime) -> bool:
        assert kept.deleted_at is not None, "as the caller saw"
        if now - kept.deleted_at < self.settings.lane_grace:
            return False
        lane = Partition(placement.topic, placement.partition)
        if not self._drained(lane, group=_deliverers(self.topics, placement.bucket)):
            return False
        self.store.change_endpoint(kept.endpoint.endpoint_id, _without_placement, at=now)
        self.log("lane.unplaced", endpoint=kept.endpoint.endpoint_id, lane=lane.topic)
        return True

    def _drained(self, lane: Partition, *, group: str) -> bool:
        ends = self.admin.ends([lane])
        if lane not in ends:
            return True
        low, high = ends[lane]
        if low == high:
            return True
        committed = self.admin.committed(group, [lane]).get(lane)
        return committed is not None and committed.offset >= high

    def _delete_lane(self, kept: KeptEndpoint, lane: str, *, now: datetime) -> bool:
        groups = [_deliverers(self.topics, bucket) for bucket in BUCKETS]
        if any(_reads(self.admin, group, lane) for group in groups):
            return False
        self.admin.delete_topics([lane])
        self.store.forget_lane(kept.endpoint.endpoint_id, at=now)
        self.log("lane.deleted", endpoint=kept.endpoint.endpoint_id, lane=lane)
        return True


def _deliverers(topics: Topics, bucket: int) -> str:
    return topics.group(f"deliverer.{bucket}")


def _reads(admin: Admin, group: str, lane: str) -> bool:
    assigned: Sequence[Partition] = list(admin.partitions_of(group))
    return any(partition.topic == lane for partition in assigned)


def _without_placement(kept: KeptEndpoint) -> Endpoint | None:
    endpoint = kept.endpoint
    if endpoint.state is not EndpointState.DELETED or endpoint.placement is None:
        return None
    return replace(endpoint, revision=endpoint.revision + 1, placement=None)
