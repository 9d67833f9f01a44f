"""Avro bytes to the payload that is signed and posted: decode once, render once.

What JSON has no word for is written so: a decimal as text, a time as RFC 3339
with `Z`, a date as ISO, a uuid as text, bytes as base64, an enum as its symbol, a union as its
plain value, NaN and infinities as null. Promises: any bytes are rendered or raise BrokenContract,
nothing else, in memory bounded by their length.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import fastavro
import orjson
from fastavro import _read_py

from hooklane.domain.avro_schema import Schema, is_recursive, refuse_weightless_items
from hooklane.domain.errors import BrokenContract
from hooklane.domain.subscription import is_event_type

_OPTIONS = orjson.OPT_UTC_Z


class EventSchema:
    """One schema ready to decode with, and what it says: the event type and its version."""

    __slots__ = ("_parsed", "_read", "event_type", "version")

    def __init__(self, schema: Schema, *, version: int = 0) -> None:
        """Parse a schema, references put in.

        Raises:
            BrokenContract: it is no Avro record with a full name, or can't be decoded safely.
        """
        try:
            parsed: Any = fastavro.parse_schema(schema)
            refuse_weightless_items(parsed)
            recursive = is_recursive(parsed)
            is_record = isinstance(parsed, dict) and parsed["type"] == "record"
        except BrokenContract:
            raise
        except Exception as error:  # whatever a hostile schema makes fastavro raise
            raise BrokenContract(
                f"the schema is not Avro: {error!r}"[:500], reason="schema"
            ) from None
        if not is_record:
            raise BrokenContract("the schema is no record", reason="schema")
        self._parsed = parsed
        self.event_type: str = parsed["name"]
        if not is_event_type(self.event_type):
            raise BrokenContract(
                f"full name {self.event_type[:80]!r} is no event type, namespace.name",
                reason="schema",
            )
        self.version = version
        # The compiled reader recurses on the C stack: nesting without bound would end the process.
        # The Python one meets its recursion limit.
        reader: Any = _read_py.schemaless_reader if recursive else fastavro.schemaless_reader
        self._read: Callable[[io.BytesIO, Any, None], Any] = reader

    def of_version(self, version: int) -> EventSchema:
        """Give the same schema as another version."""
        other = object.__new__(EventSchema)
        other._parsed, other._read = self._parsed, self._read
        other.event_type, other.version = self.event_type, version
        return other

    def decode(self, value: bytes, start: int) -> dict[str, Any]:
        """Read the Avro bytes from `start` to the end.

        Raises:
            BrokenContract: they are not this schema's; whatever they are, nothing else is raised.
        """
        source = io.BytesIO(value)
        source.seek(start)
        try:
            values: dict[str, Any] = self._read(source, self._parsed, None)
        except Exception as error:  # whatever hostile bytes make fastavro raise
            raise BrokenContract(
                f"not an {self.event_type} version {self.version}: {error!r}"[:500], reason="value"
            ) from None
        left = len(value) - source.tell()
        if left:
            raise BrokenContract(
                f"{left} bytes after an {self.event_type} version {self.version}", reason="value"
            )
        return values


def render(
    values: dict[str, Any], *, event_id: str, event_type: str, version: int, event_time: datetime
) -> bytes:
    """Give the payload of an event.

    Raises:
        BrokenContract: a value has no form in JSON.
    """
    whole = {
        "id": event_id,
        "type": event_type,
        "version": version,
        "timestamp": event_time,
        "data": values,
    }
    try:
        return orjson.dumps(whole, default=_plain, option=_OPTIONS)
    except Exception as error:  # such as nesting or integers past what JSON writers take
        raise BrokenContract(
            f"{event_type} can't be rendered: {error!r}"[:500], reason="value"
        ) from None


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
