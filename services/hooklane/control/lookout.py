"""What the API tells of topics: rejected events, and the status of lanes, tiers and clocks.

Reads ends, commits and tails, bounded, on request only; nothing is kept and nothing written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hooklane.adapters.ports import Admin, Clock, Reader, Record
from hooklane.adapters.store import ControlStore, EndpointFilter, KeptEndpoint, PageRequest, Row
from hooklane.control.answers import flow_answer, rfc3339
from hooklane.control.board import TOLD_WITHIN, Positions
from hooklane.control.past_log import PastLog
from hooklane.control.replays import Replays
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.endpoint import EndpointState, Placement
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.guard import Guard
from hooklane.domain.offsets import Committed, finished_in
from hooklane.domain.retry import format_delay
from hooklane.domain.sources import Source, Sources
from hooklane.domain.topics import Partition, Topics

_SHORT_WAIT = timedelta(milliseconds=100)
_TAIL = 20
_LANES_MAX = 5_000
_READ_BATCH = 1_000
_READ_S = 5.0

Ends = Mapping[Partition, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """Looks at the cluster for whoever asks."""

    store: ControlStore
    admin: Admin
    positions: Positions
    topics: Topics
    tiers: Sequence[timedelta]
    open_reader: Callable[[], Reader]
    clock: Clock
    release: str
    sources: Sources | None = None
    guard: Callable[[], Guard | None] = lambda: None

    @property
    def past(self) -> PastLog:
        """Look at the event log."""
        default = Sources([Source(pattern="events.*")], prefix=self.topics.prefix)
        return PastLog(admin=self.admin, sources=self.sources or default)

    @property
    def replays(self) -> Replays:
        """Look after replays."""
        return Replays(self.store, self.admin, topics=self.topics, clock=self.clock)

    def rejected(self, limit: int) -> list[Row]:
        """List the newest rejected events, newest first."""
        topic = self.topics.rejected_events
        count = self.topics.counts.rejected_events
        ends = self.admin.ends([Partition(topic, number) for number in range(count)])
        # Markers take offsets too: look at somewhat more of them than records are asked for.
        starts = {part: max(low, high - 3 * limit) for part, (low, high) in ends.items()}
        records = self._tails(starts, ends)
        records.sort(key=lambda record: record.timestamp()[1], reverse=True)
        return [_rejected_answer(record) for record in records[:limit]]

    def status(self) -> dict[str, Any]:
        """Tell what waits where and until when, what died of what, and whose clock is off."""
        kept = [*self._kept(None), *self._kept(EndpointState.DELETED)]
        return {
            "release": self.release,
            "at": rfc3339(self.clock.now()),
            "lanes": self._lanes(kept),
            "former_lanes": self._former(kept),
            "flows": self._flows(),
            "pool": self._pool(),
            "tiers": self._tiers(),
            "dead_letters": self.store.dead_letters_by_reason(),
            "exhaustion_guard": _guard_answer(self.guard()),
            "outbox_unpublished": self.store.unpublished_count(),
            "clocks": self._clocks(),
        }

    def _lanes(self, kept: Sequence[KeptEndpoint]) -> list[Row]:
        placed = {
            _part(placement): endpoint
            for endpoint in kept
            if (placement := endpoint.endpoint.placement) is not None
            and endpoint.lane_topic is not None
        }
        buckets = {e.endpoint.placement.bucket for e in placed.values() if e.endpoint.placement}
        waits = self._waits(placed, buckets)
        return [_lane_answer(endpoint, waits=waits[part]) for part, endpoint in placed.items()]

    def _former(self, kept: Sequence[KeptEndpoint]) -> list[Row]:
        """Tell of the lanes that endpoints left and that are not known to be drained.

        Of one in the pool the lag is the partition's, whosever it is.
        """
        left = [(endpoint, lane) for endpoint in kept for lane in endpoint.endpoint.former]
        waits = self._waits({_part(lane) for _, lane in left}, {lane.bucket for _, lane in left})
        return [
            {
                "endpoint_id": endpoint.endpoint.endpoint_id,
                "tenant": endpoint.endpoint.tenant,
                "lane": lane.topic,
                "partition": lane.partition,
                "lag": waits[_part(lane)] or 0,
            }
            for endpoint, lane in left
        ]

    def _waits(
        self, parts: Collection[Partition], buckets: Collection[int]
    ) -> Mapping[Partition, int | None]:
        """Count what waits in each; None where it does not exist."""
        if not parts:
            return {}
        ends = self.admin.ends(parts)
        commits: dict[Partition, Committed] = {}
        for bucket in sorted(buckets):
            commits |= self.admin.committed(self.topics.group(f"deliverer.{bucket}"), parts)
        return {part: unfinished(part, ends=ends, commits=commits) for part in parts}

    def _flows(self) -> list[Row]:
        """Tell of the lanes that flow less than they may."""
        found = self.positions.flows(since_ms=to_ms(self.clock.now() - TOLD_WITHIN))
        answers = {endpoint_id: flow_answer(flow) for endpoint_id, flow in found.items()}
        return [
            {"endpoint_id": endpoint_id, **answer.model_dump()}
            for endpoint_id, answer in sorted(answers.items())
        ]

    def _pool(self) -> list[Row]:
        """Tell of the pool's partitions that anybody has a place in."""
        counts = self.store.pooled_counts()
        parts = {number: Partition(self.topics.pool, number) for number in sorted(counts)}
        if not parts:
            return []
        ends = self.admin.ends(list(parts.values()))
        group = self.topics.group("deliverer.0")
        commits = self.admin.committed(group, list(parts.values()))
        return [
            {
                "partition": number,
                "endpoints": counts[number],
                "lag": unfinished(part, ends=ends, commits=commits) or 0,
            }
            for number, part in parts.items()
        ]

    def _kept(self, state: EndpointState | None) -> list[KeptEndpoint]:
        return self.store.endpoints(EndpointFilter(state=state), PageRequest(limit=_LANES_MAX))

    def _tiers(self) -> list[Row]:
        count = self.topics.counts.retry
        parts = {
            tier: [Partition(self.topics.retry(tier), number) for number in range(count)]
            for tier in self.tiers
        }
        everything = [part for tier in parts.values() for part in tier]
        ends = self.admin.ends(everything)
        commits = self.admin.committed(self.topics.group("retrier"), everything)
        answers = []
        for tier, own in parts.items():
            waits = sum(unfinished(part, ends=ends, commits=commits) or 0 for part in own)
            until = self._last_due(own, ends, tier) if waits else None
            answers.append({"tier": format_delay(tier), "waiting": waits, "until": until})
        return answers

    def _last_due(self, parts: Collection[Partition], ends: Ends, tier: timedelta) -> str | None:
        own = {part: ends[part] for part in parts if part in ends}
        starts = {part: max(low, high - _TAIL) for part, (low, high) in own.items()}
        appended = [record.timestamp()[1] for record in self._tails(starts, own)]
        return rfc3339(from_ms(max(appended)) + tier) if appended else None

    def _tails(self, starts: Mapping[Partition, int], ends: Ends) -> list[Record]:
        wanted = {part: start for part, start in starts.items() if start < ends[part][1]}
        if not wanted:
            return []
        reader = self.open_reader()
        try:
            reader.start(wanted)
            found: list[Record] = []
            deadline = self.clock.monotonic() + _READ_S
            while any(reader.position(part) < ends[part][1] for part in wanted):
                found += reader.read(_READ_BATCH, timeout=_SHORT_WAIT)
                if self.clock.monotonic() >= deadline:
                    raise Unavailable("the topics' ends could not be read in time")
            return found
        finally:
            reader.close()

    def _clocks(self) -> list[Row]:
        # A report's own time less the broker's append: what they differ by, a few ms early.
        return [
            {"instance": instance, "ahead_ms": report.clock_skew_ms}
            for instance, report in sorted(self.positions.all().items())
        ]


def unfinished(
    part: Partition, *, ends: Ends, commits: Mapping[Partition, Committed]
) -> int | None:
    """Count what of a partition is not finished by its commit; None where it does not exist.

    Transaction markers not yet passed count too: it is never less than what waits.
    """
    if part not in ends:
        return None
    low, high = ends[part]
    committed = commits.get(part)
    if committed is None:
        return high - low
    waits = high - max(low, committed.offset)
    try:
        return max(0, waits - sum(1 for offset in finished_in(committed) if offset < high))
    except BrokenContract:
        return max(0, waits)


def _part(lane: Placement) -> Partition:
    return Partition(lane.topic, lane.partition)


def _lane_answer(kept: KeptEndpoint, *, waits: int | None) -> Row:
    endpoint = kept.endpoint
    return {
        "endpoint_id": endpoint.endpoint_id,
        "tenant": endpoint.tenant,
        "state": endpoint.state.value,
        "lane": kept.lane_topic,
        "exists": waits is not None,
        "lag": waits or 0,
    }


def _guard_answer(guard: Guard | None) -> Row | None:
    if guard is None:
        return None
    return {
        "since": rfc3339(guard.since),
        "until": rfc3339(guard.until),
        "attempted": guard.reach.attempted,
        "succeeded": guard.reach.succeeded,
    }


def _rejected_answer(record: Record) -> Row:
    key, value = record.key(), record.value()
    ours = {
        name.removeprefix("rejected-"): (content or b"").decode(errors="replace")
        for name, content in record.headers() or ()
        if name.startswith("rejected-") and name != "rejected-key"
    }
    return {
        "partition": record.partition(),
        "offset": record.offset(),
        "rejected_at": rfc3339(from_ms(record.timestamp()[1])),
        "source": None if key is None else key.decode(errors="replace"),
        "reason": ours.get("reason", ""),
        "error": ours.get("error", ""),
        "bytes": int(ours["bytes"]) if ours.get("bytes", "").isdigit() else len(value or b""),
    }
