"""One raw record of a source topic to an Event: identified, typed, rendered.

The matcher reads its events through this, and the replayer a rejected one that is submitted again,
so that both come to the same event with the same id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from hooklane.adapters.metrics import EVENT_TYPES_DIFFERING
from hooklane.adapters.ports import Clock, Record
from hooklane.adapters.rendering import EventSchema, render
from hooklane.adapters.schema_cache import SchemaCache
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.errors import BrokenContract, NotFound, Unavailable
from hooklane.domain.event import Event, SourcePosition
from hooklane.domain.framing import SchemaRef, frame_of
from hooklane.domain.ids import event_id_by_metadata, event_id_by_position
from hooklane.domain.metadata import Metadata, metadata_of
from hooklane.domain.sources import Source, Sources
from hooklane.domain.topics import Partition

# A registry's not-found is final only for a record older than this: its replicas may lag.
NOT_FOUND_AFTER = timedelta(seconds=60)
PAYLOAD_BYTES_MAX = 256 * 1024
# A key travels twice in a delivery: in its value and as the record's key.
KEY_BYTES_MAX = 16 * 1024


class EventReader:
    """Turns records into events.

    Args:
        schemas: where schemas come from.
        sources: which topics are events, and whose.
        payload_bytes_max: the longest payload that is delivered.
    """

    def __init__(
        self,
        schemas: SchemaCache,
        sources: Sources,
        *,
        clock: Clock,
        payload_bytes_max: int = PAYLOAD_BYTES_MAX,
    ) -> None:
        """Know no topic's id yet; `know` tells them."""
        self._schemas, self._sources, self._cluster = schemas, sources, ""
        self._clock, self._payload_bytes_max = clock, payload_bytes_max
        self._topic_ids: dict[str, str] = {}
        self._source_of: dict[str, Source | None] = {}
        # By partition: the last record whose schema was not found, and when that was first seen.
        self._missed: dict[Partition, tuple[int, datetime]] = {}

    def know(self, *, cluster: str, topic_ids: Mapping[str, str]) -> None:
        """Learn the ids of the cluster and of source topics: they identify a position."""
        self._cluster = cluster
        self._topic_ids.update(topic_ids)

    def is_readable(self, record: Record) -> bool:
        """Tell whether everything is at hand to read a record, or to say that it can't be read."""
        try:
            self.read(record)
        except Unavailable:
            return False
        except BrokenContract:
            return True
        return True

    def read(self, record: Record) -> Event:
        """Give the event a record holds.

        Raises:
            BrokenContract: it holds none; field `reason` says which part of the contract broke.
            Unavailable: its schema can't be had now.
        """
        value, topic, key = record.value(), record.topic(), record.key()
        if key is not None and len(key) > KEY_BYTES_MAX:
            raise BrokenContract(
                f"key of {len(key)} bytes, more than {KEY_BYTES_MAX}", reason="key_too_large"
            )
        metadata = metadata_of(record.headers())
        ref, start = frame_of(value, metadata.schema)
        assert value is not None  # frame_of refused it
        schema = self._schema(ref, record)
        event_type, version = schema.event_type, schema.version
        if metadata.event_type is not None and metadata.event_type != event_type:
            EVENT_TYPES_DIFFERING.inc()
        tenant = self._tenant(topic, metadata)
        event_time = metadata.time or from_ms(record.timestamp()[1])
        event_id = self._event_id(record, tenant, event_type, metadata)
        payload = render(
            schema.decode(value, start),
            event_id=event_id,
            event_type=event_type,
            version=version,
            event_time=event_time,
        )
        if len(payload) > self._payload_bytes_max:
            raise BrokenContract(
                f"payload of {len(payload)} bytes, more than {self._payload_bytes_max}",
                reason="payload_too_large",
            )
        return Event(
            event_id=event_id,
            tenant=tenant,
            event_type=event_type,
            version=version,
            key=key,
            event_time=event_time,
            source=SourcePosition(
                topic=topic, partition=record.partition(), offset=record.offset()
            ),
            payload=payload,
        )

    def _schema(self, ref: SchemaRef, record: Record) -> EventSchema:
        try:
            return self._schemas.get(ref, record.topic())
        except NotFound as error:
            if self._age(record) > NOT_FOUND_AFTER:
                raise BrokenContract(error.detail, reason="schema_not_found") from None
            raise Unavailable(f"the registry does not know {error.detail} (yet)") from None

    def _age(self, record: Record) -> timedelta:
        # A producer's own clock may be ahead: then it is since we first missed the schema.
        now, partition = self._clock.now(), Partition(record.topic(), record.partition())
        offset, missed_at = self._missed.get(partition, (-1, now))
        if offset != record.offset():
            missed_at = now
            self._missed[partition] = record.offset(), now
        since_append = timedelta(milliseconds=to_ms(now) - record.timestamp()[1])
        return max(since_append, now - missed_at)

    def _tenant(self, topic: str, metadata: Metadata) -> str:
        if topic not in self._source_of:
            self._source_of[topic] = self._sources.source_of(topic)
        source = self._source_of[topic]
        if source is None:
            raise BrokenContract(f"{topic} is no source of events", reason="tenant")
        return source.tenant_of(metadata.tenant)

    def _event_id(self, record: Record, tenant: str, event_type: str, metadata: Metadata) -> str:
        if metadata.id_in_source is not None and metadata.source is not None:
            return event_id_by_metadata(
                tenant=tenant,
                event_type=event_type,
                source=metadata.source,
                id_in_source=metadata.id_in_source,
            )
        topic_id = self._topic_ids.get(record.topic())
        if topic_id is None:
            raise Unavailable(f"the id of topic {record.topic()} is not known yet")
        return event_id_by_position(
            cluster=self._cluster,
            topic_id=topic_id,
            partition=record.partition(),
            offset=record.offset(),
        )
