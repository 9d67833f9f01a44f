"""Which event makes transactions fail, found without blaming one for the cluster's trouble.

After an abort the batches shrink to a quarter each time, down to one event. An event that fails
alone is under suspicion; only if the cluster then takes a transaction without it, and it fails
alone once more, is it to be rejected. Any success lets the batches grow again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hooklane.domain.topics import Partition

Position = tuple[Partition, int]


@dataclass(slots=True)
class Suspicion:
    """How many events the next transaction may hold, and who is suspected."""

    events_max: int
    limit: int = 0
    _suspect: Position | None = None
    _cluster_works: bool = True
    _is_guilty: bool = False

    def __post_init__(self) -> None:
        """Begin without any."""
        self.limit = self.events_max

    @property
    def wants_proof(self) -> bool:
        """Tell whether a transaction without the suspect is due, to see that the cluster works."""
        return self._suspect is not None and not self._cluster_works and not self._is_guilty

    def is_guilty(self, position: Position) -> bool:
        """Tell whether this record failed alone twice."""
        return self._is_guilty and position == self._suspect

    def succeeded(self, done: Mapping[Partition, int]) -> None:
        """Take in that a transaction was committed which brought partitions so far."""
        self._cluster_works = True
        if self._suspect is not None:
            partition, offset = self._suspect
            if done.get(partition, -1) <= offset:
                return
            self._suspect, self._is_guilty = None, False
        self.limit = min(self.events_max, self.limit * 4)

    def failed(self, first: Position, *, events_count: int) -> None:
        """Take in that a batch which begins with this record was aborted."""
        if events_count > 1:
            self.limit = max(1, events_count // 4)
        elif self._suspect == first and self._cluster_works:
            self._is_guilty = True
        elif not self._is_guilty:
            self._suspect, self._cluster_works, self.limit = first, False, 1
