"""A reader without a group in the twin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from hooklane.adapters.memory.cluster import Cluster
from hooklane.adapters.ports import Record
from hooklane.domain.topics import Partition


class MemoryReader:
    """Partitions read from where the owner says."""

    def __init__(self, cluster: Cluster, *, instance: str) -> None:
        """Prepare; nothing is read before `start`."""
        self._cluster, self._instance = cluster, instance
        self._positions: dict[Partition, int] = {}
        self._is_dead = False

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from these offsets."""
        self._positions = dict(offsets)

    def read(self, records_max: int, *, timeout: timedelta) -> list[Record]:
        """Take what is there; the clock is slept on where nothing is."""
        assert not self._is_dead, "killed or closed"
        records: list[Record] = []
        with self._cluster.operation("read"):
            for partition, position in self._positions.items():
                log = self._cluster.log(partition)
                if log is None or len(records) >= records_max:
                    continue
                start = position if log.start <= position <= log.end else log.start
                found, self._positions[partition] = log.read(start, records_max - len(records))
                records.extend(found)
        if not records and timeout > timedelta(0):
            self._cluster.idle(timeout)
        return records

    def position(self, partition: Partition) -> int:
        """Give the next offset to be read."""
        return self._positions[partition]

    def ends(self, partition: Partition) -> tuple[int, int]:
        """Give the log's start and its read_committed end."""
        with self._cluster.operation("ends"):
            return self._cluster.ends(partition)

    def close(self) -> None:
        """End."""
        self._is_dead = True

    die = close
