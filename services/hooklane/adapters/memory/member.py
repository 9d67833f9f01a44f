"""A member of a group in the twin; callbacks run inside `consume`, as the port says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

from hooklane.adapters.memory.cluster import SESSION_TIMEOUT, Cluster
from hooklane.adapters.memory.group import Seat
from hooklane.adapters.ports import Listener, Record
from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

# What the broker's offset.metadata.max.bytes lets pass.
METADATA_BYTES_MAX = 4_095


class MemoryMember:
    """One process's place in a group."""

    def __init__(self, cluster: Cluster, *, group: str, instance: str) -> None:
        """Prepare; the group is joined at `subscribe`."""
        self._cluster, self.group, self._instance = cluster, group, instance
        self._number: int | None = None
        self._topics: frozenset[str] = frozenset()
        self._listener: Listener | None = None
        # None where the owner has yet to say where to start.
        self._positions: dict[Partition, int | None] = {}
        self._paused: set[Partition] = set()
        self._offer_again = False
        self._turn = 0
        self._is_dead = False

    def subscribe(self, topics: Collection[str], listener: Listener) -> None:
        """Ask for these topics."""
        with self._operation("subscribe"):
            self._topics, self._listener = frozenset(topics), listener

    def consume(self, records_max: int, *, timeout: timedelta) -> list[Record]:
        """Follow the group, then take what is there; the clock is slept on where nothing is."""
        with self._operation("consume"):
            called = self._follow_group()
            self._pass_gaps()
            records = self._take(records_max)
        if not records and not called and timeout > timedelta(0):
            self._cluster.idle(timeout)
        return records

    def committed(self, partitions: Collection[Partition]) -> dict[Partition, Committed]:
        """Read commits with their metadata."""
        with self._operation("committed"):
            if refusal := self.refusal({}):
                raise Unavailable(f"Kafka: reading commits: {refusal}")
            for partition in partitions:
                if self._cluster.is_unsettled(self.group, partition):
                    raise Unavailable(f"Kafka: the commit of {partition.topic} is not settled")
            commits = self._cluster.groups[self.group].commits
            return {p: commits[p] for p in partitions if p in commits}

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """Begin reading newly assigned partitions at these offsets."""
        self._positions.update({p: o for p, o in starts.items() if p in self._positions})

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from another offset of an assigned partition."""
        self.assign({partition: offset})

    def pause(self, partitions: Collection[Partition]) -> None:
        """Fetch nothing from these until resumed."""
        self._paused |= {p for p in partitions if p in self._positions}

    def resume(self, partitions: Collection[Partition]) -> None:
        """Fetch again, from the position."""
        self._paused.difference_update(partitions)

    def position(self, partition: Partition) -> int | None:
        """Give the next offset to be consumed."""
        return self._positions.get(partition)

    def ends(self, partition: Partition) -> tuple[int, int]:
        """Give the log's start and its read_committed end."""
        with self._operation("ends"):
            return self._cluster.ends(partition)

    def commit(self, offsets: Mapping[Partition, Committed]) -> None:
        """Commit outside a transaction; topics that do not exist (any more) are passed over."""
        with self._operation("commit_offsets"):
            if refusal := self.refusal(offsets):
                raise Unavailable(f"Kafka: commit: {refusal}")
            commits = self._cluster.groups[self.group].commits
            commits.update({p: c for p, c in offsets.items() if self._cluster.log(p)})

    def close(self) -> None:
        """Leave the group."""
        if (seat := self._seat()) is not None:
            try:
                self._let_go(seat, set(self._positions), self._on_revoked)
            finally:
                self._cluster.groups[self.group].leave(self._number or 0)
        self._is_dead = True

    def refusal(self, offsets: Mapping[Partition, Committed]) -> str | None:
        """Say why a broker would not take these commits from this member."""
        if self._number is not None and self._seat() is None:
            return "the member is not known (any more)"
        if any(len(c.metadata.encode()) > METADATA_BYTES_MAX for c in offsets.values()):
            return "the offset metadata is too large"
        return None

    def die(self) -> None:
        """End without telling anybody."""
        self._is_dead = True
        if (seat := self._seat()) is not None:
            seat.lapses_at = self._cluster.clock.now() + SESSION_TIMEOUT

    def lapse(self) -> None:
        """Lose the membership without noticing."""
        if self._number is not None:
            self._cluster.groups[self.group].leave(self._number)

    def _operation(self, name: str) -> AbstractContextManager[None]:
        assert not self._is_dead, "killed or closed"
        return self._cluster.operation(name)

    def _seat(self) -> Seat | None:
        if self._number is None:
            return None
        return self._cluster.groups[self.group].seats.get(self._number)

    def _follow_group(self) -> bool:
        """Do what the group asks for; tell whether any callback ran."""
        if self._listener is None:
            return False
        called = self._rejoin_if_lost()
        group = self._cluster.groups[self.group]
        if self._number is None:
            self._number = group.join(self._instance)
        seat = group.seats[self._number]
        seat.topics = self._topics
        self._cluster.group(self.group)
        leaving = set(self._positions) - seat.target
        if leaving:
            self._let_go(seat, leaving, self._on_revoked)
            called = True
        if arriving := group.free(seat.target - set(self._positions)):
            seat.owned |= arriving
            self._positions.update(dict.fromkeys(sorted(arriving)))
            self._offer(sorted(arriving))
            called = True
        elif self._offer_again:
            self._offer([p for p, position in self._positions.items() if position is None])
            called = True
        return called

    def _rejoin_if_lost(self) -> bool:
        if self._number is None or self._seat() is not None:
            return False
        self._number = None
        lost = sorted(self._positions)
        try:
            if lost and self._listener is not None:
                self._listener.on_lost(lost)
        finally:
            self._positions.clear()
            self._paused.clear()
        return bool(lost)

    def _offer(self, partitions: Sequence[Partition]) -> None:
        self._offer_again = True
        if partitions and self._listener is not None:
            self._listener.on_assigned(partitions)
        self._offer_again = False

    def _on_revoked(self, partitions: Sequence[Partition]) -> None:
        if self._listener is not None:
            self._listener.on_revoked(partitions)

    def _let_go(
        self, seat: Seat, leaving: set[Partition], tell: Callable[[Sequence[Partition]], None]
    ) -> None:
        try:
            if leaving:
                tell(sorted(leaving))
        finally:
            seat.owned -= leaving
            self._paused -= leaving
            for partition in leaving:
                self._positions.pop(partition, None)

    def _take(self, records_max: int) -> list[Record]:
        records: list[Record] = []
        live = sorted(self._positions)
        self._turn += 1
        # Partitions take turns at being first, so that none starves behind a full one.
        for index in range(len(live)):
            partition = live[(self._turn + index) % len(live)]
            position, log = self._positions[partition], self._cluster.log(partition)
            if position is None or log is None or partition in self._paused:
                continue
            if len(records) < records_max:
                found, self._positions[partition] = log.read(position, records_max - len(records))
                records.extend(found)
        return records

    def _pass_gaps(self) -> None:
        for partition, position in list(self._positions.items()):
            log = self._cluster.log(partition)
            if position is None or log is None or partition in self._paused:
                continue
            if not log.start <= position <= log.end:
                self._positions[partition] = log.start
                assert self._listener is not None
                self._listener.on_gap(partition, log_start=log.start)
