"""`hooklane.rejected-events`: records that break their contract, kept raw with the reason.

Key: the source position, `topic/partition/offset`. Value: the raw bytes up to 512 KiB, else none.
Headers: the record's own, and ours, which begin with `rejected-`. `original_of` gives the record
back as it was, with its position as identity, so that it can be submitted again, and `begun_in` how
far its fan-out is: what of it was committed before is not to be done again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hooklane.adapters.ports import Record, TransactionalProducer
from hooklane.domain.delivery import Headers
from hooklane.domain.errors import BrokenContract
from hooklane.domain.parts import Begun, begun_of

RAW_BYTES_MAX = 512 * 1024
LOG_APPEND_TIME = 2
_HEADERS_MAX = 64
_HEADER_BYTES_MAX = 16 * 1024
_ERROR_LENGTH_MAX = 500
_OURS = "rejected-"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """A record with the methods of a consumed one."""

    at_topic: str
    at_partition: int
    at_offset: int
    raw_key: bytes | None
    raw_value: bytes | None
    raw_headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    appended_ms: int = 0

    def topic(self) -> str:
        """Give the topic it was read from."""
        return self.at_topic

    def partition(self) -> int:
        """Give the partition."""
        return self.at_partition

    def offset(self) -> int:
        """Give the offset."""
        return self.at_offset

    def key(self) -> bytes | None:
        """Give the key."""
        return self.raw_key

    def value(self) -> bytes | None:
        """Give the value."""
        return self.raw_value

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """Give the headers, None where there are none."""
        return self.raw_headers or None

    def timestamp(self) -> tuple[int, int]:
        """Give when it was appended."""
        return LOG_APPEND_TIME, self.appended_ms


def position_key(record: Record) -> bytes:
    """Give a record's position as the key it is set aside under."""
    return f"{record.topic()}/{record.partition()}/{record.offset()}".encode()


def reason_of(error: BrokenContract) -> str:
    """Give the reason a broken contract names, for labels and lists."""
    return str(error.fields.get("reason", "record"))


def set_aside(
    producer: TransactionalProducer,
    record: Record,
    *,
    topic: str,
    error: BrokenContract,
    begun: Begun | None = None,
) -> None:
    """Copy a record raw to the rejected events, inside the transaction that is open.

    Args:
        producer: a transaction is open on it.
        record: what is set aside.
        topic: the rejected events.
        error: why.
        begun: how far its fan-out is committed.
    """
    value, key = record.value(), record.key()
    headers = _own_headers(record)
    ours: dict[str, bytes] = {
        "reason": reason_of(error).encode(),
        "error": error.detail[:_ERROR_LENGTH_MAX].encode(errors="replace"),
        "topic": record.topic().encode(),
        "partition": b"%d" % record.partition(),
        "offset": b"%d" % record.offset(),
        "timestamp": b"%d" % record.timestamp()[1],
        "bytes": b"%d" % len(value or b""),
    }
    if key is not None and len(key) <= _HEADER_BYTES_MAX:
        ours["key"] = key
    if begun is not None:
        ours["begun"] = begun.text.encode()
    if value is not None and len(value) > RAW_BYTES_MAX:
        value, headers = None, []
    headers += [(_OURS + name, content) for name, content in ours.items()]
    producer.produce(topic, value, key=position_key(record), headers=headers)


def original_of(rejected: Record) -> RawRecord:
    """Give back the record that was set aside.

    Raises:
        BrokenContract: its headers do not say where it was, or its bytes were too many to keep.
    """
    ours, own = {}, []
    for name, content in rejected.headers() or ():
        if name.startswith(_OURS):
            ours[name.removeprefix(_OURS)] = content or b""
        else:
            own.append((name, content))
    try:
        size = int(ours["bytes"])
        original = RawRecord(
            at_topic=ours["topic"].decode(),
            at_partition=int(ours["partition"]),
            at_offset=int(ours["offset"]),
            raw_key=ours.get("key"),
            raw_value=rejected.value(),
            raw_headers=own,
            appended_ms=int(ours["timestamp"]),
        )
    except (KeyError, ValueError) as error:
        raise BrokenContract(f"rejected record: {error!r}", reason="record") from None
    if size > RAW_BYTES_MAX:
        raise BrokenContract(f"its {size} bytes were too many to keep", reason="record")
    return original


def begun_in(rejected: Record) -> Begun | None:
    """Say how far the fan-out was that was set aside; None: nothing of it is committed.

    Raises:
        BrokenContract: that can't be read.
    """
    headers = dict(rejected.headers() or ())
    return begun_of((headers.get(_OURS + "begun") or b"").decode(errors="replace"))


def _own_headers(record: Record) -> Headers:
    kept: Headers = []
    size = 0
    for name, content in (record.headers() or [])[:_HEADERS_MAX]:
        size += len(name) + len(content or b"")
        if size > _HEADER_BYTES_MAX:
            break
        if content is not None and not name.startswith(_OURS):
            kept.append((name, content))
    return kept
