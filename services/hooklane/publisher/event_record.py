"""From an event's values to the record that is written: checked, framed, with its headers."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import fastavro

from hooklane.adapters.events import KEY_BYTES_MAX
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import Invalid
from hooklane.domain.framing import framed
from hooklane.domain.ids import event_id_by_metadata
from hooklane.domain.metadata import TEXT_LENGTH_MAX, Metadata, headers_of
from hooklane.publisher.catalogue import Ready

RECORD_BYTES_MAX = 900 * 1024


class About(TypedDict, total=False):
    """What can be said of an event beside its values.

    tenant: on whose behalf; without it, the topic's default one.
    key: the record's key; one key's events stay in order.
    version: the schema's version, else the latest.
    id: the event's id at its source, else one is drawn; the same id again is the same event.
    source: who publishes, else the publisher's name.
    time: when it happened, else when it is appended.
    subject: what it is about, as CloudEvents' `subject`.
    """

    tenant: str | None
    key: str | bytes | None
    version: int | None
    id: str | None
    source: str | None
    time: datetime | None
    subject: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was published; `event_id` is receivers' `webhook-id`, None without a tenant."""

    topic: str
    version: int
    source: str
    id_in_source: str
    event_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """A record ready to be written."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    published: Published


def event_record(
    ready: Ready, event_type: str, *, values: Mapping[str, Any], about: About, source: str
) -> EventRecord:
    """Build an event's record.

    Args:
        ready: the schema to write with.
        event_type: its name.
        values: the event's own values.
        about: what else is said of it.
        source: `ce_source` where `about` names none.

    Raises:
        Invalid: a value is not of the schema, or what is said of it breaks a rule; it is named.
    """
    value = encoded(ready, event_type, values=values)
    metadata = _metadata(event_type, about, source)
    assert metadata.source is not None
    assert metadata.id_in_source is not None
    published = Published(
        topic=ready.topic,
        version=ready.version,
        source=metadata.source,
        id_in_source=metadata.id_in_source,
        event_id=_event_id(metadata),
    )
    return EventRecord(
        topic=ready.topic,
        key=_key(about.get("key")),
        value=value,
        headers=headers_of(metadata),
        published=published,
    )


def encoded(ready: Ready, event_type: str, *, values: Mapping[str, Any]) -> bytes:
    """Write the values as a record's value.

    Raises:
        Invalid: they are not of the schema; type, version and field are named.
    """
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


def _metadata(event_type: str, about: About, source: str) -> Metadata:
    texts = {name: about.get(name) for name in ("tenant", "id", "source", "subject")}
    for name, text in texts.items():
        if text is not None and not _is_text(text):
            raise Invalid(f"{name} should be text of 1 to {TEXT_LENGTH_MAX} bytes", field=name)
    at = about.get("time")
    if at is not None and at.tzinfo is None:
        raise Invalid(f"time {at} has no time zone", field="time")
    return Metadata(
        id_in_source=about.get("id") or str(uuid.uuid4()),
        source=about.get("source") or source,
        time=at,
        tenant=about.get("tenant"),
        event_type=event_type,
        subject=about.get("subject"),
    )


def _is_text(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        return 0 < len(text.encode()) <= TEXT_LENGTH_MAX
    except UnicodeEncodeError:
        return False


def _key(key: str | bytes | None) -> bytes | None:
    raw = key.encode() if isinstance(key, str) else key
    if raw is not None and len(raw) > KEY_BYTES_MAX:
        raise Invalid(f"the key has {len(raw)} bytes, more than {KEY_BYTES_MAX}", field="key")
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
