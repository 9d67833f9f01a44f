"""Names of topics, groups and transactional ids, and how each topic must be set up.

All start with the deployment's prefix, so that deployments and tests share a cluster.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from hooklane.domain.retry import format_delay

_DAY_MS = 86_400_000
_SEGMENT = {"segment.bytes": str(16 * 1024 * 1024)}
# Time must not eat live deliveries: their owner trims what is finished.
_KEPT = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", **_SEGMENT}
_COMPACTED = {"cleanup.policy": "compact", **_SEGMENT}


class Partition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """A topic as Hooklane needs it: partitions and the settings that must hold."""

    name: str
    partitions: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionCounts:
    """How many partitions each topic has."""

    pool: int = 64
    retry: int = 12
    dead_letters: int = 12
    attempts: int = 12
    matches: int = 12
    commands: int = 6
    rejected_events: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Every name under one prefix."""

    prefix: str = "hooklane"
    counts: PartitionCounts = field(default_factory=PartitionCounts)
    replication: int = 3

    @property
    def endpoints(self) -> str:
        """Endpoint records by id, compacted."""
        return f"{self.prefix}.endpoints"

    @property
    def schemas(self) -> str:
        """Schemas once seen, by registry id, compacted."""
        return f"{self.prefix}.schemas"

    @property
    def positions(self) -> str:
        """How far each process has read the endpoint table, compacted."""
        return f"{self.prefix}.positions"

    @property
    def dead_letters(self) -> str:
        """Deliveries that are Dead, compacted."""
        return f"{self.prefix}.dead-letters"

    @property
    def rejected_events(self) -> str:
        """Events that could not be matched, with the error in headers."""
        return f"{self.prefix}.rejected-events"

    @property
    def attempts(self) -> str:
        """The attempt log."""
        return f"{self.prefix}.attempts"

    @property
    def matches(self) -> str:
        """The receipts."""
        return f"{self.prefix}.matches"

    @property
    def commands(self) -> str:
        """What control asks of the data plane, and Disable the other way."""
        return f"{self.prefix}.commands"

    @property
    def operational(self) -> str:
        """Operational events, ordinary ones that a tenant can subscribe to."""
        return f"events.{self.prefix}"

    @property
    def pool(self) -> str:
        """The lane that endpoints without one of their own share, by partition."""
        return f"{self.prefix}.pool"

    def lane(self, endpoint_id: str, *, epoch: int = 0) -> str:
        """Give an endpoint's own lane; afterwards only its placement names it.

        Each epoch has a topic of its own: one that went never comes again, with its old commits.
        """
        name = f"{self.prefix}.lane.{endpoint_id.removeprefix('ep_')}"
        return f"{name}.{epoch}" if epoch else name

    def is_lane(self, topic: str) -> bool:
        """Tell whether a topic is one endpoint's own lane."""
        return topic.startswith(f"{self.prefix}.lane.")

    def pool_partition(self, endpoint_id: str) -> int:
        """Say which partition of the pool a new endpoint gets; its placement keeps it."""
        return zlib.crc32(endpoint_id.encode()) % self.counts.pool

    def retry(self, tier: timedelta) -> str:
        """Give a tier's topic."""
        return f"{self.prefix}.retry.{format_delay(tier)}"

    def group(self, name: str) -> str:
        """Give a consumer group's name."""
        return f"{self.prefix}.{name}"

    def transactional_id(self, process: str, ordinal: int) -> str:
        """Give a process's transactional id, stable across its restarts."""
        return f"{self.prefix}.{process}.{ordinal}"

    def matcher_ids(self, ordinal: int) -> tuple[str, str, str]:
        """Give the transactional ids of a matcher, whose transactions take turns."""
        first = self.transactional_id("matcher", ordinal)
        return first, f"{first}.b", f"{first}.c"

    def lane_spec(self, topic: str) -> TopicSpec:
        """Say how a lane is set up."""
        return TopicSpec(name=topic, partitions=1, settings=self._safe(_KEPT))

    def operational_spec(self) -> TopicSpec:
        """Say how the topic of operational events is set up."""
        kept = {"cleanup.policy": "delete", "retention.ms": str(14 * _DAY_MS)}
        partitions = self.counts.commands
        return TopicSpec(name=self.operational, partitions=partitions, settings=self._safe(kept))

    def specs(self, tiers: Sequence[timedelta]) -> tuple[TopicSpec, ...]:
        """Say how every topic is set up, lanes aside."""
        counts = self.counts
        month, fortnight = str(30 * _DAY_MS), str(14 * _DAY_MS)
        dead = {**_COMPACTED, "cleanup.policy": "compact,delete", "retention.ms": month,
                "delete.retention.ms": month}  # fmt: skip
        log = {"cleanup.policy": "delete", "retention.ms": fortnight}
        set_aside = {"cleanup.policy": "delete", "retention.ms": month}
        rows: list[tuple[str, int, Mapping[str, str]]] = [
            (self.endpoints, 1, _COMPACTED),
            (self.schemas, 1, _COMPACTED),
            (self.positions, 1, _COMPACTED),
            (self.dead_letters, counts.dead_letters, dead),
            (self.rejected_events, counts.rejected_events, set_aside),
            (self.pool, counts.pool, _KEPT),
            (self.attempts, counts.attempts, log),
            (self.matches, counts.matches, log),
            (self.commands, counts.commands, log),
            *((self.retry(tier), counts.retry, _KEPT) for tier in tiers),
        ]
        return tuple(
            TopicSpec(name=name, partitions=partitions, settings=self._safe(settings))
            for name, partitions, settings in rows
        )

    def _safe(self, settings: Mapping[str, str]) -> dict[str, str]:
        # An acknowledged record is on two replicas where there are two; the broker stamps times,
        # so that producers' clocks neither age records nor reorder a tier.
        return {
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": str(min(2, self.replication)),
            "unclean.leader.election.enable": "false",
            **settings,
        }
