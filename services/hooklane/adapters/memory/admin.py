"""An admin client in the twin."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hooklane.adapters.memory.cluster import Cluster
from hooklane.domain.errors import Misconfigured, Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition, TopicSpec


class MemoryAdmin:
    """What Hooklane asks of a cluster beside records."""

    def __init__(self, cluster: Cluster) -> None:
        """Ask this cluster."""
        self._cluster = cluster

    def check_broker(self) -> list[str]:
        """Give the warnings the cluster was told to give."""
        with self._cluster.operation("admin"):
            return list(self._cluster.warnings)

    def ensure(self, specs: Collection[TopicSpec], *, replication: int) -> None:
        """Create what is missing, and compare what was there."""
        assert replication > 0
        with self._cluster.operation("admin"):
            for spec in specs:
                topic = self._cluster.topics.get(spec.name)
                if topic is None:
                    self._cluster.create(
                        spec.name, partitions=spec.partitions, settings=spec.settings
                    )
                    continue
                if len(topic.logs) < spec.partitions:
                    raise Misconfigured(
                        f"topic {spec.name} has {len(topic.logs)} partitions, "
                        f"wanted {spec.partitions}"
                    )
                for setting, wanted in spec.settings.items():
                    found = topic.settings.get(setting)
                    if set((found or "").split(",")) != set(wanted.split(",")):
                        raise Misconfigured(
                            f"topic {spec.name} has {setting}={found}, wanted {wanted}"
                        )

    def topics(self) -> dict[str, int]:
        """Give every topic's partition count."""
        with self._cluster.operation("admin"):
            return {name: len(topic.logs) for name, topic in self._cluster.topics.items()}

    def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        """Give topic ids."""
        with self._cluster.operation("admin"):
            kept = self._cluster.topics
            return {name: kept[name].topic_id for name in topics if name in kept}

    def cluster_id(self) -> str:
        """Give the cluster's id."""
        with self._cluster.operation("admin"):
            return "memory"

    def delete_topics(self, topics: Collection[str]) -> None:
        """Delete topics; those that do not exist are passed over."""
        with self._cluster.operation("admin"):
            for topic in topics:
                self._cluster.delete(topic)

    def delete_records(self, before: Mapping[Partition, int]) -> None:
        """Delete the records below these offsets."""
        with self._cluster.operation("admin"):
            for partition, offset in before.items():
                log = self._cluster.log(partition)
                if log is None:
                    continue
                policy = self._cluster.topics[partition.topic].settings.get("cleanup.policy")
                if policy == "compact" or not 0 <= offset <= log.end:
                    raise Unavailable(f"Kafka: deleting records of {partition.topic} refused")
                log.delete_before(offset)

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, tuple[int, int]]:
        """Give each partition's log start and read_committed end."""
        with self._cluster.operation("admin"):
            return {p: self._cluster.ends(p) for p in partitions if self._cluster.log(p)}

    def log_ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Give each log's very end, past what open transactions wrote."""
        with self._cluster.operation("admin"):
            logs = {p: self._cluster.log(p) for p in partitions}
            return {p: log.end for p, log in logs.items() if log is not None}

    def offsets_for_times(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """Give each partition's first offset whose record has this time or a later one."""
        with self._cluster.operation("admin"):
            logs = {partition: self._cluster.log(partition) for partition in times}
            return {
                partition: min(log.offset_for_time(times[partition]), log.stable_end)
                for partition, log in logs.items()
                if log is not None
            }

    def committed(
        self, group: str, partitions: Collection[Partition]
    ) -> dict[Partition, Committed]:
        """Read a group's commits from outside."""
        with self._cluster.operation("admin"):
            commits = self._cluster.groups[group].commits
            return {p: commits[p] for p in partitions if p in commits}

    def members(self, group: str) -> set[str]:
        """Give the client ids that are members of the group now."""
        with self._cluster.operation("admin"):
            return {seat.client_id for seat in self._cluster.group(group).seats.values()}

    def partitions_of(self, group: str) -> dict[Partition, str]:
        """Give which client id each assigned partition of the group belongs to now."""
        with self._cluster.operation("admin"):
            seats = self._cluster.group(group).seats.values()
            return {p: seat.client_id for seat in seats for p in seat.owned}

    def close(self) -> None:
        """End."""
