"""Internal records as bytes: Avro single-object encoding, resolved from the package.

Every internal record starts with the marker C3 01 and its schema's CRC-64-AVRO fingerprint
(Avro 1.12, "Single object encoding"), so that any process can read what an older or newer one
wrote, and no registry is needed to deliver. Values are plain dicts of ints (unix milliseconds for
times), strings and bytes; domain values are built only where a decision needs them.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

import hooklane
from hooklane.domain.errors import BrokenContract

MARKER = b"\xc3\x01"
HEADER_BYTES = 10
NAMES = ("endpoint", "delivery", "match", "attempt", "command", "position", "schema")
_VERSION = re.compile(r"^v([1-9][0-9]*)\.avsc$")

Value = dict[str, Any]


def schemas_dir() -> Path:
    """Give the folder of the schemas: inside the package when installed, else the checkout's."""
    package = Path(hooklane.__file__).parent
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent.parent / "schemas"


def versions(folder: Path) -> dict[int, Any]:
    """Read a schema folder's versions, oldest first."""
    found = {
        int(match[1]): json.loads(path.read_text(encoding="utf-8"))
        for path in folder.iterdir()
        if (match := _VERSION.match(path.name))
    }
    return dict(sorted(found.items()))


def _plain(schema: Any) -> Any:
    """Drop logical types: internal values stay the ints they travel as."""
    if isinstance(schema, list):
        return [_plain(branch) for branch in schema]
    if isinstance(schema, dict):
        if "logicalType" in schema:
            return schema["type"]
        return {key: _plain(value) for key, value in schema.items()}
    return schema


class RecordCodec:
    """Encodes and decodes one kind of internal record in all its versions."""

    def __init__(self, name: str) -> None:
        """Read the record's schemas (`schemas/internal/<name>`)."""
        self.name = name
        texts = versions(schemas_dir() / "internal" / name)
        assert texts, f"no schema for {name}"
        self._writers: dict[bytes, Any] = {}
        for schema in texts.values():
            parsed: Any = fastavro.parse_schema(_plain(schema))
            self._writers[_header(schema)] = parsed
        self.newest: Any = parsed
        self.header = _header(schema)
        self.fields: list[str] = [field["name"] for field in parsed["fields"]]

    def encode(self, value: Mapping[str, Any]) -> bytes:
        """Write a record of the newest version."""
        out = io.BytesIO()
        out.write(self.header)
        fastavro.schemaless_writer(out, self.newest, value)
        return out.getvalue()

    def decode(self, raw: bytes | None) -> Value:
        """Read a record of any known version as the newest.

        Raises:
            BrokenContract: the bytes are no such record; whatever they are, nothing else is.
        """
        if raw is None:
            raise BrokenContract(f"{self.name} record without a value")
        writer = self._writers.get(raw[:HEADER_BYTES])
        if writer is None:
            raise BrokenContract(f"{raw[:HEADER_BYTES].hex()} is no {self.name} record's header")
        source = io.BytesIO(raw)
        source.seek(HEADER_BYTES)
        reader = None if writer is self.newest else self.newest
        try:
            value = fastavro.schemaless_reader(source, writer, reader)
        except Exception as error:  # whatever hostile bytes make fastavro raise
            raise BrokenContract(f"{self.name} record: {error!r}") from None
        assert isinstance(value, dict)
        return value


@cache
def codec(name: str) -> RecordCodec:
    """Give the codec of an internal record (one of NAMES)."""
    assert name in NAMES, name
    return RecordCodec(name)


def _header(schema: Any) -> bytes:
    return MARKER + bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


class DeliveryEncoder:
    """Encodes a Delivery as its endpoint's own fields and a tail shared by all of the event's.

    Avro writes a record as its fields one after another, so the two parts joined are exactly
    what `codec("delivery")` would write; a contract test holds them to it.
    """

    OWN = ("delivery_id", "endpoint_id", "command_id")

    def __init__(self) -> None:
        """Split the newest Delivery schema."""
        whole = codec("delivery")
        assert tuple(whole.fields[:3]) == self.OWN
        self._header = whole.header
        tail = {**whole.newest, "name": "DeliveryTail", "fields": whole.newest["fields"][3:]}
        tail.pop("__fastavro_parsed__", None)
        tail.pop("__named_schemas", None)
        self._tail = fastavro.parse_schema(tail)

    def tail(self, value: Mapping[str, Any]) -> bytes:
        """Encode the fields all deliveries of one event share."""
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self._tail, value)
        return out.getvalue()

    def delivery(
        self, tail: bytes, *, delivery_id: str, endpoint_id: str, command_id: str = ""
    ) -> bytes:
        """Join an endpoint's own fields and the tail."""
        own = _string(delivery_id) + _string(endpoint_id) + _string(command_id)
        return self._header + own + tail


# Deliveries of one event lie in many lanes at about the same time. What they share is read once
# and kept while it is recent; larger ones are rare and would fill the memory.
_TAILS_MAX, _TAIL_BYTES_MAX = 2_048, 8_192
# What a Delivery of ours begins with: the lengths of the two ids, and no command id.
_ID, _ENDPOINT_ID = 30, 29
_ID_AT = HEADER_BYTES + 1
_ENDPOINT_ID_AT = _ID_AT + _ID + 1
_TAIL_AT = _ENDPOINT_ID_AT + _ENDPOINT_ID + 1
_USUAL = _ENDPOINT_ID << 1, 0


class DeliveryDecoder:
    """Decodes Deliveries; of an event's many it reads the shared tail once.

    The values it gives share what lies below their first level: nobody writes into them.
    """

    def __init__(self) -> None:
        """Begin with nothing kept."""
        self._codec = codec("delivery")
        assert tuple(self._codec.fields[:3]) == DeliveryEncoder.OWN
        self._tails: dict[bytes, Value] = {}
        self._beginning = _beginning()

    def decode(self, raw: bytes | None) -> Value:
        """Read a Delivery record as `codec("delivery")` does.

        Raises:
            BrokenContract: the bytes are no such record.
        """
        if raw is None or len(raw) > _TAIL_BYTES_MAX or not _is_usual(raw, self._beginning):
            return self._codec.decode(raw)
        tail = raw[_TAIL_AT:]
        known = self._tails.get(tail)
        if known is None:
            value = self._codec.decode(raw)
            if len(self._tails) >= _TAILS_MAX:
                self._tails.clear()
            self._tails[tail] = value
            return value
        try:
            delivery_id = raw[_ID_AT : _ID_AT + _ID].decode()
            endpoint_id = raw[_ENDPOINT_ID_AT : _ENDPOINT_ID_AT + _ENDPOINT_ID].decode()
        except UnicodeDecodeError:
            return self._codec.decode(raw)
        return {**known, "delivery_id": delivery_id, "endpoint_id": endpoint_id}


def delivery_endpoint(raw: bytes) -> str:
    """Give the endpoint of a Delivery record without reading it whole; empty if it is none."""
    if _is_usual(raw, _beginning()):
        return raw[_ENDPOINT_ID_AT : _ENDPOINT_ID_AT + _ENDPOINT_ID].decode(errors="replace")
    try:
        endpoint_id: str = codec("delivery").decode(raw)["endpoint_id"]
    except BrokenContract:
        return ""
    return endpoint_id


@cache
def _beginning() -> bytes:
    return codec("delivery").header + bytes((_ID << 1,))


def _is_usual(raw: bytes, beginning: bytes) -> bool:
    """Tell whether the ids of a Delivery lie where those that Hooklane makes do."""
    return (
        len(raw) > _TAIL_AT
        and (raw[_ENDPOINT_ID_AT - 1], raw[_TAIL_AT - 1]) == _USUAL
        and raw.startswith(beginning)
    )


def _string(text: str) -> bytes:
    raw = text.encode()
    # Avro's zigzag varint of a length; below 64 it is one byte, the double of it.
    length = len(raw)
    if length < 64:
        return bytes((length << 1,)) + raw
    rest, out = length << 1, bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out) + raw
