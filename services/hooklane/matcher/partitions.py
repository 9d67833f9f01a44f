"""The source partitions this matcher has: where each begins, how far it is, which of them wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hooklane.adapters.endpoint_table import EndpointTable
from hooklane.adapters.events import EventReader
from hooklane.adapters.log import Log
from hooklane.adapters.metrics import GAPS, PARTITIONS_WAITING
from hooklane.adapters.ports import Admin, Clock, Member, Record
from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import Committed, decode_metadata, encode_metadata
from hooklane.domain.parts import Begun, begun_of
from hooklane.domain.sources import Sources
from hooklane.domain.topics import Partition

TABLE_OFFSET_FIELD = "t"
BEGUN_FIELD = "p"
# Offsets age from their commit time, also where nothing moves.
COMMIT_IDLE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the matcher stands in, each part behind its port or built upon one."""

    member: Member
    admin: Admin
    table: EndpointTable
    reader: EventReader
    clock: Clock
    log: Log


class Partitions:
    """What is assigned; the group's Listener.

    Args:
        around: the outside world.
        sources: which topics hold events.
    """

    def __init__(self, around: Surroundings, sources: Sources) -> None:
        """Begin with nothing assigned."""
        self._around, self._sources = around, sources
        # Until then no event of before counts, and no change can be effective.
        self.first_start_is_over = False
        self._incoming: set[Partition] = set()
        self._committed_at: dict[Partition, datetime] = {}
        # By partition: below it everything is written and committed.
        self.done: dict[Partition, int] = {}
        # By partition: the event there of which the first parts are written and committed.
        self.begun: dict[Partition, Begun] = {}
        # By partition: the record whose schema can't be had now.
        self.waiting: dict[Partition, Record] = {}

    def look_for_first_start(self, group: str) -> None:
        """See whether the deployment's first start is over, which only matcher 0 makes.

        Raises:
            Unavailable: that can't be told now.
        """
        marker = Partition(self._sources.operational, 0)
        self.first_start_is_over = marker in self._around.admin.committed(group, (marker,))

    def on_assigned(self, partitions: Sequence[Partition]) -> None:
        """Start them at once; where that can't be done now, `adopt` does it later."""
        self._incoming.update(partitions)
        try:
            self.adopt()
        except Unavailable as error:
            self._around.log("partitions.waiting", level="warning", error=str(error))

    def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """Forget them: between two steps nothing is under way."""
        self._forget(partitions)

    def on_lost(self, partitions: Sequence[Partition]) -> None:
        """Forget them."""
        self._forget(partitions)

    def on_gap(self, partition: Partition, *, log_start: int) -> None:
        """Record that events were deleted before they were matched."""
        GAPS.inc()
        self._around.log(
            "gap.found",
            level="error",
            topic=partition.topic,
            partition=partition.partition,
            committed=self.done.get(partition),
            log_start=log_start,
        )

    def adopt(self) -> None:
        """Start what was newly assigned, its commits and the endpoint table read before.

        Raises:
            Unavailable: something can't be read now; what is not started stays so until it is.
        """
        if not self._incoming:
            return
        around, incoming = self._around, tuple(sorted(self._incoming))
        around.table.read_to_end()
        self._finish_first_start()
        self._learn_ids({partition.topic for partition in incoming})
        commits = around.member.committed(incoming)
        fields = {partition: decode_metadata(c.metadata) for partition, c in commits.items()}
        tables = (found.get(TABLE_OFFSET_FIELD) for found in fields.values())
        around.table.read_to(max((int(t) for t in tables if t), default=0))
        starts = {partition: commits[partition].offset for partition in commits}
        for partition in incoming:
            if partition not in starts:
                starts[partition], _ = around.member.ends(partition)
        for partition in incoming:
            self._begin(partition, fields.get(partition, {}))
        self._commit(starts)
        around.member.assign(starts)
        self._incoming.difference_update(incoming)
        around.log("partitions.started", partitions=len(starts), table_offset=around.table.offset)

    def begun_at(self, partition: Partition, offset: int) -> Begun | None:
        """Give how far the event there is done, where it has begun."""
        begun = self.begun.get(partition)
        return begun if begun is not None and begun.offset == offset else None

    def offsets(
        self, done: Mapping[Partition, int], begun: Mapping[Partition, Begun]
    ) -> dict[Partition, Committed]:
        """Give what to commit where partitions are so far, and within an event where one is."""
        fields = {TABLE_OFFSET_FIELD: str(self._around.table.offset)}
        metadata = encode_metadata(fields)
        commits = {p: Committed(offset=end, metadata=metadata) for p, end in done.items()}
        for partition in done.keys() & begun.keys():
            within = encode_metadata({**fields, BEGUN_FIELD: begun[partition].text})
            commits[partition] = Committed(offset=done[partition], metadata=within)
        return commits

    def offsets_now(self, partitions: Iterable[Partition]) -> dict[Partition, Committed]:
        """Give what to commit where these partitions are."""
        return self.offsets(
            {partition: self.done[partition] for partition in partitions}, self.begun
        )

    def committed(self, done: Mapping[Partition, int], begun: Mapping[Partition, Begun]) -> None:
        """Take in what a transaction committed."""
        self.done.update(done)
        for partition in done:
            self.begun.pop(partition, None)
        self.begun.update(begun)
        now = self._around.clock.now()
        self._committed_at.update(dict.fromkeys(done, now))

    def commit_idle(self) -> None:
        """Commit again what was not committed for a day."""
        old = self._around.clock.now() - COMMIT_IDLE_AFTER
        idle = [partition for partition, at in self._committed_at.items() if at <= old]
        if idle:
            self._commit({partition: self.done[partition] for partition in idle})

    def rewind(self) -> None:
        """Go back to the last commit everywhere, whatever it turned out to be.

        Raises:
            Unavailable: the commits can't be read now.
        """
        member = self._around.member
        commits = member.committed(tuple(self.done))
        for partition in self.done:
            if partition in commits:
                self.done[partition] = commits[partition].offset
                self._begin(partition, decode_metadata(commits[partition].metadata))
            member.seek(partition, self.done[partition])
        member.resume(tuple(self.waiting))
        self.waiting.clear()
        PARTITIONS_WAITING.set(0)

    def wait(self, partition: Partition, record: Record, *, error: Unavailable) -> None:
        """Stop a partition at a record until its schema can be had."""
        self._around.member.pause((partition,))
        self.waiting[partition] = record
        PARTITIONS_WAITING.set(len(self.waiting))
        self._around.log(
            "partition.waits",
            level="warning",
            topic=partition.topic,
            partition=partition.partition,
            offset=record.offset(),
            error=str(error),
        )

    def resume(self) -> None:
        """Let partitions go on whose schema can be had now."""
        for partition, record in tuple(self.waiting.items()):
            if not self._around.reader.is_readable(record):
                continue
            self._around.member.seek(partition, record.offset())
            self._around.member.resume((partition,))
            # Only now: a seek may be refused, and what does not wait nobody resumes again.
            del self.waiting[partition]
            PARTITIONS_WAITING.set(len(self.waiting))
            self._around.log(
                "partition.resumed", topic=partition.topic, partition=partition.partition
            )

    def _learn_ids(self, topics: set[str]) -> None:
        ids = self._around.admin.topic_ids(topics)
        if unknown := topics.difference(ids):
            raise Unavailable(f"the ids of topics {sorted(unknown)} can't be read")
        self._around.reader.know(cluster=self._around.admin.cluster_id(), topic_ids=ids)

    def _begin(self, partition: Partition, fields: Mapping[str, str]) -> None:
        """Go on within an event, where the commit says so."""
        begun = begun_of(fields.get(BEGUN_FIELD))
        if begun is None:
            self.begun.pop(partition, None)
        else:
            self.begun[partition] = begun

    def _commit(self, done: Mapping[Partition, int]) -> None:
        self.done.update(done)
        self._around.member.commit(self.offsets_now(done))
        now = self._around.clock.now()
        self._committed_at.update(dict.fromkeys(done, now))

    def _finish_first_start(self) -> None:
        if self.first_start_is_over:
            return
        marker = Partition(self._sources.operational, 0)
        if marker not in self._around.member.committed((marker,)):
            self._start_deployment(marker)
        self.first_start_is_over = True

    def _start_deployment(self, marker: Partition) -> None:
        around, counts = self._around, self._around.admin.topics()
        sources = [
            Partition(topic, number)
            for topic in sorted(self._sources.among(counts))
            for number in range(counts[topic])
        ]
        # What has a commit keeps it: without its marker this may be no first start at all.
        begun = around.member.committed(sources)
        found = around.admin.ends(sources).items()
        ends = {partition: end for partition, (_, end) in found if partition not in begun}
        metadata = encode_metadata({TABLE_OFFSET_FIELD: str(around.table.offset)})
        # The marker's commit says that all the others are there: it is the last.
        last = {marker: ends.pop(marker, 0)}
        for part in (ends, last):
            around.member.commit(
                {p: Committed(offset=end, metadata=metadata) for p, end in part.items()}
            )
        around.log("deployment.started", partitions=len(ends) + 1)

    def _forget(self, partitions: Sequence[Partition]) -> None:
        self._incoming.difference_update(partitions)
        for partition in partitions:
            self.done.pop(partition, None)
            self.begun.pop(partition, None)
            self._committed_at.pop(partition, None)
            self.waiting.pop(partition, None)
        PARTITIONS_WAITING.set(len(self.waiting))
