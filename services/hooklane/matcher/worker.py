"""Poll, read the endpoint table, match, write it all in one transaction with the offsets."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from datetime import timedelta

from hooklane.adapters.endpoint_table import PositionReport
from hooklane.adapters.fan_out import FanOut
from hooklane.adapters.metrics import (
    DELIVERIES_CREATED,
    EVENTS_MATCHED,
    EVENTS_REJECTED,
    MATCH_LATENCY,
    TABLE_OFFSET,
    TRANSACTIONS_ABORTED,
)
from hooklane.adapters.ports import Record, TransactionalProducer
from hooklane.adapters.rejected import reason_of, set_aside
from hooklane.adapters.schema_cache import SchemaCache
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import first_headers, to_ms
from hooklane.domain.errors import BrokenContract, Fenced, TransactionAborted, Unavailable
from hooklane.domain.sources import Sources
from hooklane.domain.topics import Partition
from hooklane.matcher.batch import Batch, Limits
from hooklane.matcher.partitions import Partitions, Surroundings
from hooklane.matcher.settings import MatcherSettings
from hooklane.matcher.suspicion import Suspicion

# How long nothing may come before the endpoint table is looked at again.
POLL_MAX = timedelta(milliseconds=20)
LIST_TOPICS_EVERY_S = 1.0
COMMIT_IDLE_EVERY_S = 3600.0


class Matcher:
    """The worker."""

    def __init__(
        self,
        around: Surroundings,
        *,
        producer: TransactionalProducer,
        schemas: SchemaCache,
        positions: PositionReport,
        sources: Sources,
        kafka: KafkaSettings,
        settings: MatcherSettings,
    ) -> None:
        """Begin with nothing subscribed."""
        self._around, self._producer = around, producer
        self._schemas, self._positions = schemas, positions
        self._sources, self._kafka, self._settings = sources, kafka, settings
        self._partitions = Partitions(around, sources)
        self._fan_out = FanOut(kafka.topics)
        self._suspicion = Suspicion(settings.read_records_max)
        self._subscribed: frozenset[str] = frozenset()
        self._receipts_count, self._transactions_begun = 1, 0
        self._listed_at = self._idle_at = float("-inf")
        self._must_rewind = False
        self._started = False

    def start(self) -> None:
        """Check the topics, read schemas and endpoint table, join the group."""
        around, topics = self._around, self._kafka.topics
        for warning in around.admin.check_broker():
            around.log("broker.warned", level="warning", text=warning)
        specs = (*topics.specs(self._kafka.retry_tiers), topics.operational_spec())
        around.admin.ensure(specs, replication=self._kafka.replication)
        # Alone in the group, matcher 0 has every partition of the deployment's beginning.
        self._partitions.look_for_first_start(topics.group("matcher"))
        if self._settings.ordinal != 0 and not self._partitions.first_start_is_over:
            raise Unavailable("matcher 0 has not yet made the deployment's first start")
        # Whatever an earlier process left open under our ids ends here, not at the next event.
        self._producer.begin()
        self._producer.abort()
        self._schemas.start()
        around.table.start()
        self._follow_topics()
        self._started = True

    def step(self) -> None:
        """Do one round; at most POLL_MAX where nothing comes."""
        around, partitions = self._around, self._partitions
        moment = around.clock.monotonic()
        if moment - self._listed_at >= LIST_TOPICS_EVERY_S:
            self._follow_topics()
        records = around.member.consume(self._settings.read_records_max, timeout=POLL_MAX)
        # After consume: of a lost membership, under which no commit is read, only consume tells.
        if self._must_rewind:
            partitions.rewind()
            self._must_rewind, records = False, []
        try:
            # After consume: an event appended after a change was effective meets no older table.
            if around.table.poll():
                TABLE_OFFSET.set(around.table.offset)
            if partitions.first_start_is_over:
                self._positions.tell(around.table.offset)
            if records:
                self._match(records)
        except Unavailable:
            # What was consumed and not committed has to be read again.
            self._must_rewind = True
            raise
        partitions.adopt()
        if partitions.waiting:
            partitions.resume()
        if moment - self._idle_at >= COMMIT_IDLE_EVERY_S:
            partitions.commit_idle()
            self._idle_at = moment

    def stop(self) -> None:
        """Leave the group; between two steps nothing is under way."""
        self._around.member.close()
        self._producer.close()

    def not_ready(self) -> str | None:
        """Say why nothing is matched now."""
        return None if self._started else "the endpoint table is not read"

    def _follow_topics(self) -> None:
        around = self._around
        self._listed_at = around.clock.monotonic()
        counts = around.admin.topics()
        self._receipts_count = counts.get(self._kafka.topics.matches, 1)
        topics = self._sources.among(counts)
        if topics != self._subscribed:
            around.member.subscribe(topics, self._partitions)
            self._subscribed = topics
            around.log("sources.subscribed", topics=sorted(topics))

    def _match(self, records: Sequence[Record]) -> None:
        """Match what was read, in as many transactions as the limits ask for."""
        left = deque(records)
        while left:
            if self._suspicion.wants_proof:
                self._prove()
            batch = self._next_batch(left)
            if batch.done:
                self._write(batch)

    def _next_batch(self, left: deque[Record]) -> Batch:
        """Decide about records from the left until a transaction is full. Opens none."""
        settings, reader, index = self._settings, self._around.reader, self._around.table.index
        limits = Limits(
            records_max=settings.transaction_records_max,
            bytes_max=settings.transaction_bytes_max,
            events_max=self._suspicion.limit,
        )
        batch, room = Batch(limits), limits.room
        waiting, ours = self._partitions.waiting, self._partitions.done
        while left and not batch.is_full:
            record = left[0]
            partition = Partition(record.topic(), record.partition())
            # What was fetched ahead of a partition that stopped or left is read again elsewhere.
            if partition in waiting or partition not in ours:
                left.popleft()
                continue
            try:
                if self._suspicion.is_guilty((partition, record.offset())):
                    raise BrokenContract("it alone made transactions fail", reason="failed_twice")
                event = reader.read(record)
                match = index.match(event.tenant, event.event_type)
                after, before = None, self._partitions.begun_at(partition, record.offset())
                if before is not None or not room.holds(event, match):
                    match, after = room.next_part(event, match, begun=before)
                if not batch.has_room(event, match):
                    break
                batch.add(record, partition, event=event, match=match, begun=after)
                if after is not None:
                    break  # the record stays where it is: its next part is the next batch's
            except BrokenContract as error:
                batch.reject(record, partition, error=error)
            except Unavailable as error:
                self._partitions.wait(partition, record, error=error)
            left.popleft()
        return batch

    def _write(self, batch: Batch) -> None:
        around, producer = self._around, self._producer
        headers = first_headers(at=around.clock.now())
        rejected = self._kafka.topics.rejected_events
        table_offset, write = around.table.offset, self._fan_out.write
        self._transactions_begun += 1
        self._fan_out.receipts_partition = self._transactions_begun % self._receipts_count
        producer.begin()
        try:
            for event, match in batch.events:
                write(producer, event, match=match, table_offset=table_offset, headers=headers)
            for record, error in batch.rejected:
                partition = Partition(record.topic(), record.partition())
                begun = self._partitions.begun_at(partition, record.offset())
                set_aside(producer, record, topic=rejected, error=error, begun=begun)
            # Last: the records are under way while the coordinators take the offsets. The commit
            # waits for both, and covers both or neither. (Of one id whose last transaction's
            # markers are not yet written a record waits 20 ms, offsets 1: hence the three ids.)
            offsets = self._partitions.offsets(batch.done, batch.begun)
            producer.send_offsets(offsets, around.member)
            producer.commit()
        except TransactionAborted as error:
            self._aborted(batch, error=error)
            raise
        except BrokenContract as error:
            # One of its records is larger than Kafka takes.
            producer.abort()
            self._aborted(batch, error=error, is_certain=True)
            raise TransactionAborted(error.detail) from error
        except Fenced:
            raise
        except BaseException:
            producer.abort()
            raise
        self._partitions.committed(batch.done, batch.begun)
        self._suspicion.succeeded(batch.reached, at_s=around.clock.monotonic())
        self._count(batch)

    def _aborted(
        self,
        batch: Batch,
        *,
        error: TransactionAborted | BrokenContract,
        is_certain: bool = False,
    ) -> None:
        TRANSACTIONS_ABORTED.inc()
        events_count = len(batch.events) + len(batch.rejected)
        self._suspicion.failed(
            batch.first,
            events_count=events_count,
            at_s=self._around.clock.monotonic(),
            is_certain=is_certain,
        )
        self._around.log(
            "transaction.aborted", level="warning", events=events_count, error=str(error)
        )

    def _prove(self) -> None:
        """See that the cluster takes transactions without the suspect."""
        producer = self._producer
        offsets = self._partitions.offsets_now(tuple(self._partitions.done)[:1])
        # Under each id, in turn: a client that is ill by itself must not blame an event.
        for _ in self._kafka.topics.matcher_ids(self._settings.ordinal):
            try:
                producer.begin()
                producer.send_offsets(offsets, self._around.member)
                producer.commit()
            except Unavailable:
                producer.abort()
                self._suspicion.unproven()
                raise
        self._suspicion.succeeded({}, at_s=self._around.clock.monotonic())

    def _count(self, batch: Batch) -> None:
        now_ms = to_ms(self._around.clock.now())
        EVENTS_MATCHED.inc(len(batch.events) - len(batch.begun))
        DELIVERIES_CREATED.inc(batch.records_count - len(batch.events) - len(batch.rejected))
        MATCH_LATENCY.observe_all([(now_ms - at_ms) / 1_000 for at_ms in batch.appended_ms])
        for reason, count in Counter(reason_of(error) for _, error in batch.rejected).items():
            EVENTS_REJECTED.labels(reason).inc(count)
        for begun in batch.begun.values():
            event, match = batch.events[-1]
            self._around.log(
                "fan_out.split",
                event=event.event_id,
                tenant=event.tenant,
                part=match.part,
                endpoints=len(match.matched),
                last=begun.last_id,
            )
        for record, error in batch.rejected:
            self._around.log(
                "event.rejected",
                level="warning",
                topic=record.topic(),
                partition=record.partition(),
                offset=record.offset(),
                reason=reason_of(error),
                error=error.detail,
            )
