"""Which event makes transactions fail, found without blaming one for the cluster's trouble.

After an abort the batches shrink to a quarter each time, down to one event. An event that fails
alone is under suspicion. Only if the cluster takes transactions without it, and goes on to for
`PROVEN_FOR_S`, while it fails alone every time, is it to be rejected: for some seconds after a
broker came back a client's transactions fail one and succeed the other. What Kafka refuses by
definition needs no such time. Any success lets the batches grow again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hooklane.domain.topics import Partition

Position = tuple[Partition, int]
PROVEN_FOR_S = 30.0


@dataclass(slots=True)
class Suspicion:
    """How many events the next transaction may hold, and who is suspected."""

    events_max: int
    limit: int = 0
    _suspect: Position | None = None
    _cluster_works: bool = True
    _proven_since_s: float | None = None
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

    def succeeded(self, done: Mapping[Partition, int], *, at_s: float) -> None:
        """Take in that a transaction was committed which brought partitions so far."""
        self._cluster_works = True
        if self._suspect is not None:
            partition, offset = self._suspect
            if done.get(partition, -1) <= offset:
                if self._proven_since_s is None:
                    self._proven_since_s = at_s
                return
            self._suspect, self._is_guilty = None, False
        self.limit = min(self.events_max, self.limit * 4)

    def unproven(self) -> None:
        """Take in that the cluster did not take a transaction without the suspect."""
        self._proven_since_s = None

    def failed(
        self, first: Position, *, events_count: int, at_s: float, is_certain: bool = False
    ) -> None:
        """Take in that a batch which begins with this record was aborted.

        Args:
            first: its first record.
            events_count: how many events it held.
            at_s: when, by the monotonic clock.
            is_certain: whether a record of it was refused for what it is.
        """
        if events_count > 1:
            self.limit = max(1, events_count // 4)
            return
        if self._is_guilty:
            return
        if self._suspect != first:
            self._suspect, self._proven_since_s, self.limit = first, None, 1
        elif self._cluster_works and self._proven_since_s is not None:
            self._is_guilty = is_certain or at_s - self._proven_since_s >= PROVEN_FOR_S
        self._cluster_works = False
