"""The publisher: look the schema up, check the values, write the record."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

import fastavro

from hooklane.adapters.events import KEY_BYTES_MAX
from hooklane.adapters.ports import Admin, Clock, Producer
from hooklane.adapters.schema_registry import SchemaRegistry
from hooklane.domain.avro_schema import full_name, namespace_of
from hooklane.domain.errors import BrokenContract, Invalid, NotFound, Unavailable
from hooklane.domain.framing import framed
from hooklane.domain.ids import event_id_by_metadata
from hooklane.domain.metadata import TEXT_LENGTH_MAX, Metadata, headers_of
from hooklane.domain.subscription import is_event_type
from hooklane.publisher.shape import Shape

FLUSH_WITHIN = timedelta(seconds=30)
# Another version may have been registered since.
LATEST_KNOWN_FOR_S = 60.0
RECORD_BYTES_MAX = 900 * 1024


class About(TypedDict, total=False):
    """What can be said of an event beside its values.

    tenant: on whose behalf; without it, the topic's default one.
    key: the record's key; one key's events stay in order.
    version: the schema's version, else the latest.
    id: the event's id at its source, else one is drawn; the same id again is the same event.
    source: who publishes, else the publisher's name.
    time: when it happened, else when it is appended.
    """

    tenant: str | None
    key: str | bytes | None
    version: int | None
    id: str | None
    source: str | None
    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was published; `event_id` is receivers' `webhook-id`, None without a tenant."""

    topic: str
    version: int
    id_in_source: str
    event_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A schema ready to write with, and until when it counts as the latest."""

    version: int
    schema_id: int
    shape: Shape
    parsed: Any
    until: float


class Publisher:
    """Publishes events; used by one thread at a time."""

    def __init__(
        self,
        producer: Producer,
        *,
        registry: SchemaRegistry,
        admin: Admin,
        clock: Clock,
        source: str,
    ) -> None:
        """Begin; needs no network until the first event."""
        self._producer, self._registry, self._admin = producer, registry, admin
        self._clock, self._source = clock, source
        self._schemas: dict[tuple[str, int | None], _Ready] = {}
        self._topics: frozenset[str] = frozenset()

    def publish(
        self, event_type: str, values: Mapping[str, Any], **about: Unpack[About]
    ) -> Published:
        """Queue an event; `flush` waits until it is written.

        Raises:
            NotFound: the registry has no such type or version, or Kafka no topic for it.
            Invalid: a value is not of the schema; the field is named.
            Unavailable: registry or Kafka can't be asked now.
        """
        ready = self._ready(event_type, about.get("version"))
        value = self._value(ready, event_type, values)
        key = _key(about.get("key"))
        topic = self._topic(event_type)
        metadata = self._metadata(event_type, about)
        self._producer.produce(topic, value, key=key, headers=headers_of(metadata))
        assert metadata.id_in_source is not None
        return Published(
            topic=topic,
            version=ready.version,
            id_in_source=metadata.id_in_source,
            event_id=_event_id(metadata),
        )

    def check(
        self, event_type: str, values: Mapping[str, Any], *, version: int | None = None
    ) -> int:
        """Check an event as `publish` does and write nothing; give its version."""
        ready = self._ready(event_type, version)
        self._value(ready, event_type, values)
        self._topic(event_type)
        return ready.version

    def flush(self, timeout: timedelta = FLUSH_WITHIN) -> None:
        """Wait until everything published is on the brokers.

        Raises:
            Unavailable: something is not.
        """
        self._producer.flush(timeout)

    def close(self) -> None:
        """Flush and end."""
        self._producer.close()

    def _value(self, ready: _Ready, event_type: str, values: Mapping[str, Any]) -> bytes:
        try:
            shape = ready.shape(values)
        except Invalid as error:
            raise Invalid(
                f"{event_type} version {ready.version}: {error.detail}", **error.fields
            ) from None
        out = io.BytesIO()
        fastavro.schemaless_writer(out, ready.parsed, shape)
        value = framed(ready.schema_id, out.getvalue())
        if len(value) > RECORD_BYTES_MAX:
            raise Invalid(f"the event has {len(value)} bytes, more than {RECORD_BYTES_MAX}")
        return value

    def _metadata(self, event_type: str, about: About) -> Metadata:
        texts = {name: about.get(name) for name in ("tenant", "id", "source")}
        for name, text in texts.items():
            if text is not None and not (
                isinstance(text, str) and 0 < len(text.encode()) <= TEXT_LENGTH_MAX
            ):
                raise Invalid(f"{name} should be text of 1 to {TEXT_LENGTH_MAX} bytes")
        at = about.get("time")
        if at is not None and at.tzinfo is None:
            raise Invalid(f"time {at} has no time zone")
        return Metadata(
            id_in_source=about.get("id") or str(uuid.uuid4()),
            source=about.get("source") or self._source,
            time=at,
            tenant=about.get("tenant"),
            event_type=event_type,
        )

    def _topic(self, event_type: str) -> str:
        topic = f"events.{namespace_of(event_type)}"
        if topic not in self._topics:
            self._topics = frozenset(self._admin.topics())
        if topic not in self._topics:
            raise NotFound(f"topic {topic}; `hooklane schemas register` creates it")
        return topic

    def _ready(self, event_type: str, version: int | None) -> _Ready:
        known = self._schemas.get((event_type, version))
        now = self._clock.monotonic()
        if known is not None and (version is not None or now < known.until):
            return known
        try:
            found = self._look_up(event_type, version)
        except Unavailable:
            if known is None:
                raise
            found = known
        self._schemas[event_type, version] = found
        return found

    def _look_up(self, event_type: str, version: int | None) -> _Ready:
        if not is_event_type(event_type):
            raise Invalid(f"{event_type!r} is no event type such as order.created")
        try:
            found = self._registry.version(event_type, version)
        except NotFound:
            what = event_type if version is None else f"{event_type} version {version}"
            raise NotFound(f"event type {what} is not in the schema registry") from None
        if not isinstance(found.schema, dict) or full_name(found.schema, "") != event_type:
            raise BrokenContract(f"the registry's subject {event_type} holds another record")
        return _Ready(
            version=found.version,
            schema_id=found.schema_id,
            shape=Shape(found.schema),
            parsed=fastavro.parse_schema(found.schema),
            until=self._clock.monotonic() + LATEST_KNOWN_FOR_S,
        )


def _key(key: str | bytes | None) -> bytes | None:
    raw = key.encode() if isinstance(key, str) else key
    if raw is not None and len(raw) > KEY_BYTES_MAX:
        raise Invalid(f"the key has {len(raw)} bytes, more than {KEY_BYTES_MAX}")
    return raw


def _event_id(metadata: Metadata) -> str | None:
    if metadata.tenant is None:
        return None
    assert metadata.event_type is not None
    assert metadata.source is not None
    assert metadata.id_in_source is not None
    return event_id_by_metadata(
        tenant=metadata.tenant,
        event_type=metadata.event_type,
        source=metadata.source,
        id_in_source=metadata.id_in_source,
    )
