"""From JSON's values to a schema's: what is wrong is named by its path and by what it should be.

Takes what `adapters.rendering` gives, and Python's own values: RFC 3339 text or datetime for a
timestamp, ISO text or date for a date, text, int or Decimal for a decimal, base64 or bytes for
bytes, text or UUID for a uuid. Any value is shaped or raises Invalid, nothing else.
"""

from __future__ import annotations

import base64
import binascii
import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from hooklane.domain.avro_schema import (
    NAMED,
    PRIMITIVES,
    Schema,
    full_name,
    named_types,
    namespace_of,
    resolved_name,
)
from hooklane.domain.errors import Invalid

_INTEGERS = {"int": 31, "long": 63}
_SHOWN_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a value we are, and what its names mean there."""

    path: str
    namespace: str
    known: Mapping[str, Schema]

    def below(self, step: str) -> Place:
        """Go one step down."""
        dot = "." if self.path and not step.startswith("[") else ""
        return Place(f"{self.path}{dot}{step}", self.namespace, self.known)

    def within(self, namespace: str) -> Place:
        """Read names in another namespace."""
        return Place(self.path, namespace, self.known)


def shaped(schema: Schema, value: Any) -> Any:
    """Give a value as fastavro writes it.

    Raises:
        Invalid: it is not of the schema; names the field and what it should be.
    """
    return _shape(schema, value, Place("", "", dict(named_types(schema))))


def _shape(schema: Schema, value: Any, at: Place) -> Any:
    if isinstance(schema, list):
        return _union(schema, value, at)
    if isinstance(schema, str):
        if schema in PRIMITIVES:
            return _PRIMITIVE[schema](value, at)
        name = resolved_name(schema, at.namespace)
        return _shape(at.known[name], value, at.within(namespace_of(name)))
    logical = _LOGICAL.get(schema.get("logicalType", ""))
    if logical is not None:
        return logical(schema, value, at)
    kind = schema["type"]
    complex_kind = _COMPLEX.get(kind) if isinstance(kind, str) else None
    if complex_kind is not None:
        return complex_kind(schema, value, at)
    return _shape(kind, value, at)


def _wrong(expected: str, value: Any, at: Place) -> Invalid:
    text = "null" if value is None else repr(value)
    if len(text) > _SHOWN_LENGTH_MAX:
        text = text[:_SHOWN_LENGTH_MAX] + "…"
    where = f"field {at.path}" if at.path else "the event"
    return Invalid(f"{where} should be {expected}, not {text}", field=at.path, expected=expected)


def _null(value: Any, at: Place) -> None:
    if value is not None:
        raise _wrong("null", value, at)


def _boolean(value: Any, at: Place) -> bool:
    if not isinstance(value, bool):
        raise _wrong("true or false", value, at)
    return value


def _integer(kind: str) -> Callable[[Any, Place], int]:
    bits = _INTEGERS[kind]

    def read(value: Any, at: Place) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(f"a whole number ({kind})", value, at)
        if not -(1 << bits) <= value < 1 << bits:
            raise _wrong(f"a whole number of {bits + 1} bits ({kind})", value, at)
        return value

    return read


def _number(value: Any, at: Place) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong("a number", value, at)
    try:
        return float(value)
    except OverflowError:
        raise _wrong("a number that a double holds", value, at) from None


def _float(value: Any, at: Place) -> float:
    number = _number(value, at)
    if math.isfinite(number) and abs(number) > 3.4028235e38:
        raise _wrong("a number that a float holds", value, at)
    return number


def _bytes(value: Any, at: Place) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if not isinstance(value, str):
        raise _wrong("bytes in base64", value, at)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong("bytes in base64", value, at) from None


def _string(value: Any, at: Place) -> str:
    if not isinstance(value, str):
        raise _wrong("text", value, at)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong("text without lone surrogates", value, at) from None
    return value


def _record(schema: Mapping[str, Any], value: Any, at: Place) -> dict[str, Any]:
    name = full_name(schema, at.namespace)
    if not isinstance(value, Mapping):
        raise _wrong(f"an object ({name})", value, at)
    fields = {field["name"]: field for field in schema["fields"]}
    for given in value:
        if given not in fields:
            there = at.below(str(given))
            raise Invalid(
                f"field {there.path} is not in {name}; there are {', '.join(fields)}",
                field=there.path,
            )
    inside, shape = at.within(namespace_of(name)), {}
    for field_name, field in fields.items():
        there = inside.below(field_name)
        if field_name in value:
            shape[field_name] = _shape(field["type"], value[field_name], there)
        elif "default" not in field:
            raise Invalid(
                f"field {there.path} is missing; it should be {_word(field['type'])}",
                field=there.path,
            )
    return shape


def _enum(schema: Mapping[str, Any], value: Any, at: Place) -> str:
    symbols: list[str] = schema["symbols"]
    if value not in symbols:
        raise _wrong(f"one of {', '.join(symbols)}", value, at)
    return str(value)


def _array(schema: Mapping[str, Any], value: Any, at: Place) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise _wrong("a list", value, at)
    items = schema["items"]
    return [_shape(items, item, at.below(f"[{n}]")) for n, item in enumerate(value)]


def _map(schema: Mapping[str, Any], value: Any, at: Place) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _wrong("an object", value, at)
    values = schema["values"]
    return {key: _shape(values, inner, at.below(key)) for key, inner in value.items()}


def _fixed(schema: Mapping[str, Any], value: Any, at: Place) -> bytes:
    raw = _bytes(value, at)
    if len(raw) != schema["size"]:
        raise _wrong(f"{schema['size']} bytes in base64", value, at)
    return raw


def _union(branches: list[Schema], value: Any, at: Place) -> Any:
    if value is None and "null" in branches:
        return None
    others = [branch for branch in branches if branch != "null"]
    if len(others) == 1:
        if value is None:
            raise _wrong(_word(branches), value, at)
        return _shape(others[0], value, at)
    # Text is also base64: where both could be meant it is text.
    for branch in sorted(others, key=lambda branch: branch in ("bytes", "double", "float")):
        try:
            shape = _shape(branch, value, at)
        except Invalid:
            continue
        name = _name_of(branch, at)
        return shape if name is None else (name, shape)
    raise _wrong(_word(branches), value, at)


def _name_of(branch: Schema, at: Place) -> str | None:
    if isinstance(branch, str):
        return None if branch in PRIMITIVES else resolved_name(branch, at.namespace)
    return full_name(branch, at.namespace) if branch["type"] in NAMED else None


def _timestamp(schema: Mapping[str, Any], value: Any, at: Place) -> Any:
    expected = "a time such as 2026-01-31T12:00:00Z"
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer("long")(value, at)
    local = schema["logicalType"].startswith("local-")
    moment = _iso(datetime, value, expected, at)
    if local == (moment.tzinfo is not None):
        raise _wrong(expected.rstrip("Z") if local else expected, value, at)
    try:
        return moment if local else moment.astimezone(UTC)
    except OverflowError:
        raise _wrong(expected, value, at) from None


def _date(_schema: Mapping[str, Any], value: Any, at: Place) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer("int")(value, at)
    if isinstance(value, datetime):
        raise _wrong("a date such as 2026-01-31", value, at)
    return _iso(date, value, "a date such as 2026-01-31", at)


def _time(schema: Mapping[str, Any], value: Any, at: Place) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer("int" if schema["type"] == "int" else "long")(value, at)
    return _iso(time, value, "a time of day such as 12:00:00", at)


def _iso(kind: Any, value: Any, expected: str, at: Place) -> Any:
    if isinstance(value, kind):
        return value
    if not isinstance(value, str):
        raise _wrong(expected, value, at)
    try:
        return kind.fromisoformat(value)
    except ValueError:
        raise _wrong(expected, value, at) from None


def _decimal(schema: Mapping[str, Any], value: Any, at: Place) -> Decimal:
    precision, scale = schema["precision"], schema.get("scale", 0)
    expected = f"a decimal of {precision} digits, {scale} after the point, as text"
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise _wrong(expected, value, at)
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        raise _wrong(expected, value, at) from None
    if not number.is_finite():
        raise _wrong(expected, value, at)
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if -exponent > scale or len(digits) + exponent + scale > precision:
        raise _wrong(expected, value, at)
    return number


def _uuid(schema: Mapping[str, Any], value: Any, at: Place) -> Any:
    try:
        parsed = value if isinstance(value, uuid.UUID) else uuid.UUID(_string(value, at))
    except (ValueError, Invalid):
        raise _wrong("a uuid", value, at) from None
    return parsed.bytes if schema["type"] == "fixed" else str(parsed)


def _word(schema: Schema) -> str:
    if isinstance(schema, list):
        return " or ".join(_word(branch) for branch in schema)
    if isinstance(schema, str):
        return schema
    logical = schema.get("logicalType")
    if logical is not None:
        return str(logical)
    return str(schema["name"]) if schema["type"] in NAMED else _word(schema["type"])


_PRIMITIVE: Mapping[str, Callable[[Any, Place], Any]] = {
    "null": _null,
    "boolean": _boolean,
    "int": _integer("int"),
    "long": _integer("long"),
    "float": _float,
    "double": _number,
    "bytes": _bytes,
    "string": _string,
}
_COMPLEX: Mapping[str, Callable[[Mapping[str, Any], Any, Place], Any]] = {
    "record": _record,
    "enum": _enum,
    "array": _array,
    "map": _map,
    "fixed": _fixed,
}
_LOGICAL: Mapping[str, Callable[[Mapping[str, Any], Any, Place], Any]] = {
    "timestamp-millis": _timestamp,
    "timestamp-micros": _timestamp,
    "local-timestamp-millis": _timestamp,
    "local-timestamp-micros": _timestamp,
    "date": _date,
    "time-millis": _time,
    "time-micros": _time,
    "decimal": _decimal,
    "uuid": _uuid,
}
