"""What a producer says about an event beside its value: the CloudEvents Kafka binding.

Binary mode: each attribute is a record header `ce_<name>`. All are optional. What deliveries do not
carry is not read: `ce_subject` is written for the topic's other readers, and `traceparent`, which
producers' tracing adds, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from hooklane.domain.delivery import EPOCH, Headers
from hooklane.domain.errors import BrokenContract
from hooklane.domain.framing import SCHEMA_HEADER

CONTENT_TYPE = "application/avro"
SPEC_VERSION = "1.0"
TEXT_LENGTH_MAX = 1_024
_TEXTS = ("ce_id", "ce_source", "ce_tenant", "ce_type", "ce_time")


@dataclass(slots=True, kw_only=True)
class Metadata:
    """An event's metadata as its headers say it; None where they do not, and for its subject."""

    id_in_source: str | None = None
    source: str | None = None
    time: datetime | None = None
    tenant: str | None = None
    event_type: str | None = None
    subject: str | None = None
    schema: bytes | None = None


NOTHING_SAID = Metadata()


def metadata_of(headers: Iterable[tuple[str, bytes | None]] | None) -> Metadata:
    """Read a record's headers; of a name given twice the last counts, an empty value is none.

    Raises:
        BrokenContract: one is not UTF-8, is too long, or the time is none; names it.
    """
    if not headers:
        return NOTHING_SAID
    found = {name: value for name, value in headers if value}
    texts = {name: _text(name, found[name]) for name in _TEXTS if name in found}
    time = texts.get("ce_time")
    return Metadata(
        id_in_source=texts.get("ce_id"),
        source=texts.get("ce_source"),
        time=None if time is None else time_of(time),
        tenant=texts.get("ce_tenant"),
        event_type=texts.get("ce_type"),
        schema=found.get(SCHEMA_HEADER),
    )


def headers_of(metadata: Metadata) -> Headers:
    """Write the headers a publisher sends."""
    texts = {
        "ce_specversion": SPEC_VERSION,
        "content-type": CONTENT_TYPE,
        "ce_id": metadata.id_in_source,
        "ce_source": metadata.source,
        "ce_type": metadata.event_type,
        "ce_tenant": metadata.tenant,
        "ce_subject": metadata.subject,
        "ce_time": None if metadata.time is None else _time_text(metadata.time),
    }
    return [(name, text.encode()) for name, text in texts.items() if text]


def time_of(text: str) -> datetime:
    """Read an RFC 3339 time from 1970 on, cut to the millisecond.

    Raises:
        BrokenContract: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BrokenContract(f"ce_time {text[:40]!r} is no RFC 3339 time", reason="metadata")
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        at = None
    if at is None or at < EPOCH:
        raise BrokenContract(f"ce_time {text[:40]!r} is before 1970 or too late", reason="metadata")
    return at.replace(microsecond=at.microsecond // 1_000 * 1_000)


def _time_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(name: str, value: bytes) -> str:
    if len(value) > TEXT_LENGTH_MAX:
        raise BrokenContract(
            f"header {name} has {len(value)} bytes, more than {TEXT_LENGTH_MAX}", reason="metadata"
        )
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BrokenContract(f"header {name} is not UTF-8", reason="metadata") from None
