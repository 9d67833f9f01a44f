"""How lanes go that nobody needs: of endpoints that moved, and of deleted ones.

A deleted endpoint: state deleted → every process has read so, its lanes are drained and the grace
is over → a revision without placement → every process has read that and no deliverer has the lane
assigned → the topic is deleted → at the earliest a week after the deletion the tombstone. One that
moved: every process has read its new placement and the lane it had is drained → a revision without
it among `former` → likewise. Producing or committing to a missing topic blocks a transaction for up
to a minute: hence the waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.ports import Admin, Clock
from hooklane.adapters.store import ControlStore, KeptEndpoint
from hooklane.control.board import Positions
from hooklane.domain.endpoint import Endpoint, EndpointState, Placement
from hooklane.domain.placing import without_former
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
    """Takes lanes away; every call is made by one thread."""

    store: ControlStore
    admin: Admin
    positions: Positions
    topics: Topics
    clock: Clock
    settings: LaneSettings = LaneSettings()
    log: Log = no_log
    # Where whose lane ended when nobody wrote to it for them any more: what is committed to there
    # is drained, also in a partition that others go on using.
    _ends: dict[tuple[str, Placement], int] = field(default_factory=dict)

    def step(self) -> int:
        """Take each endpoint one step further where it may go; give how many went."""
        kept = [*self.store.deleted_endpoints(), *self.store.moved_endpoints()]
        known = {
            (one.endpoint.endpoint_id, lane)
            for one in kept
            for lane in (*one.endpoint.former, one.endpoint.placement)
        }
        for key in self._ends.keys() - known:
            del self._ends[key]
        if not kept:
            return 0
        members = self._members()
        return sum(self._advance(one, members) for one in kept)

    def _members(self) -> set[str]:
        groups = [self.topics.group(name) for name in SERVICES]
        groups += [_deliverers(self.topics, bucket) for bucket in BUCKETS]
        found: set[str] = set()
        for group in groups:
            found |= self.admin.members(group)
        return found

    def _advance(self, kept: KeptEndpoint, members: set[str]) -> bool:
        announced = kept.announced
        if announced is None or not self.positions.passed(members, announced):
            return False
        left = list(kept.lanes_left)
        if kept.endpoint.placement is None and kept.lane_topic is not None:
            left.append(kept.lane_topic)
        if left and self._delete_lanes(kept, left):
            return True
        if kept.deleted_at is None:
            return self._leave(kept)
        return self._bury(kept, kept.deleted_at, is_bare=not left)

    def _bury(self, kept: KeptEndpoint, deleted_at: datetime, *, is_bare: bool) -> bool:
        now = self.clock.now()
        if kept.endpoint.placement is not None:
            return now - deleted_at >= self.settings.lane_grace and self._unplace(kept)
        if not is_bare or now - deleted_at < self.settings.tombstone_after:
            return False
        self.store.bury(kept.endpoint.endpoint_id, at=now)
        return True

    def _unplace(self, kept: KeptEndpoint) -> bool:
        endpoint = kept.endpoint
        assert endpoint.placement is not None, "as the caller saw"
        lanes = (*endpoint.former, endpoint.placement)
        if not all(self._drained(kept, lane) for lane in lanes):
            return False
        self.store.change_endpoint(endpoint.endpoint_id, _without_placement, at=self.clock.now())
        lane = endpoint.placement.topic
        self.log("lane.unplaced", endpoint=endpoint.endpoint_id, lane=lane)
        return True

    def _leave(self, kept: KeptEndpoint) -> bool:
        """Let one that moved forget the lanes that are drained."""
        drained = [lane for lane in kept.endpoint.former if self._drained(kept, lane)]
        if not drained:
            return False
        revision = kept.endpoint.revision

        def decide(newest: KeptEndpoint) -> Endpoint | None:
            # Only what was judged: somebody may have moved it back meanwhile.
            endpoint = newest.endpoint
            if endpoint.revision != revision:
                return None
            for lane in drained:
                endpoint = without_former(endpoint, lane)
            return replace(endpoint, revision=revision + 1)

        self.store.change_endpoint(kept.endpoint.endpoint_id, decide, at=self.clock.now())
        lanes = [f"{lane.topic}/{lane.partition}" for lane in drained]
        self.log("lane.drained", endpoint=kept.endpoint.endpoint_id, lanes=lanes)
        return True

    def _drained(self, kept: KeptEndpoint, place: Placement) -> bool:
        """Tell whether all is finished that was written before every process had read so far."""
        endpoint, lane = kept.endpoint, Partition(place.topic, place.partition)
        key = (endpoint.endpoint_id, place)
        # The very end: a dead process's open transaction hides what others committed behind it.
        ends = self.admin.log_ends([lane])
        if lane not in ends:
            return self._is_gone(place.topic)
        end = self._ends.setdefault(key, ends[lane])
        if end == 0:
            return True
        group = _deliverers(self.topics, place.bucket)
        committed = self.admin.committed(group, [lane]).get(lane)
        return committed is not None and committed.offset >= end

    def _is_gone(self, topic: str) -> bool:
        """Tell whether there is no such topic, by more than the word of one broker.

        One that just started, or leads it no more, does not know it for a moment; the topic would
        be deleted with its backlog.
        """
        return topic not in self.admin.topics() and not self.admin.topic_ids([topic])

    def _delete_lanes(self, kept: KeptEndpoint, lanes: Sequence[str]) -> bool:
        groups = [_deliverers(self.topics, bucket) for bucket in BUCKETS]
        read = {part.topic for group in groups for part in self.admin.partitions_of(group)}
        free = [lane for lane in lanes if lane not in read]
        if not free:
            return False
        self.admin.delete_topics(free)
        endpoint_id = kept.endpoint.endpoint_id
        self.store.forget_lanes(endpoint_id, free, at=self.clock.now())
        for lane in free:
            self.log("lane.deleted", endpoint=endpoint_id, lane=lane)
        return True


def _deliverers(topics: Topics, bucket: int) -> str:
    return topics.group(f"deliverer.{bucket}")


def _without_placement(kept: KeptEndpoint) -> Endpoint | None:
    endpoint = kept.endpoint
    if endpoint.state is not EndpointState.DELETED or endpoint.placement is None:
        return None
    return replace(endpoint, revision=endpoint.revision + 1, placement=None, former=())
