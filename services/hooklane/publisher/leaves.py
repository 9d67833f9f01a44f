"""Values without parts: each Avro primitive and logical type, read from JSON's or Python's own.

A reader is a function of the value; what is wrong is raised as `Wrong`, to which every part around
it adds its step of the path.
"""

from __future__ import annotations

import base64
import binascii
import math
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

_SHOWN_LENGTH_MAX = 60
_BITS = {"int": 31, "long": 63}
_FLOAT_MAX = 3.4028235e38
_TIME = "a time such as 2026-01-31T12:00:00Z"
_LOCAL_TIME = "a time without zone such as 2026-01-31T12:00:00"
_DATE = "a date such as 2026-01-31"

Read = Callable[[Any], Any]


class Wrong(Exception):
    """A value is not what it should be; `steps` lead to it, the innermost first."""

    def __init__(self, text: str, *steps: str) -> None:
        """Begin at the value itself."""
        super().__init__(text)
        self.text, self.steps = text, list(steps)

    @property
    def path(self) -> str:
        """The path from the outermost value."""
        return "".join(reversed(self.steps)).lstrip(".")


def wrong(expected: str, value: Any) -> Wrong:
    """Say what a value should be and what it is."""
    text = "null" if value is None else repr(value)
    if len(text) > _SHOWN_LENGTH_MAX:
        text = text[:_SHOWN_LENGTH_MAX] + "…"
    return Wrong(f"should be {expected}, not {text}")


def read_null(value: Any) -> None:
    """Read null."""
    if value is not None:
        raise wrong("null", value)


def read_boolean(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise wrong("true or false", value)
    return value


def _integer(kind: str) -> Read:
    bits = _BITS[kind]
    low, high = -(1 << bits), 1 << bits

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong(f"a whole number ({kind})", value)
        if not low <= value < high:
            raise wrong(f"a whole number of {bits + 1} bits ({kind})", value)
        return value

    return read


read_int, read_long = _integer("int"), _integer("long")


def read_double(value: Any) -> float:
    """Read a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong("a number", value)
    try:
        return float(value)
    except OverflowError:
        raise wrong("a number that a double holds", value) from None


def read_float(value: Any) -> float:
    """Read a number of single precision."""
    number = read_double(value)
    if math.isfinite(number) and abs(number) > _FLOAT_MAX:
        raise wrong("a number that a float holds", value)
    return number


def read_bytes(value: Any) -> bytes:
    """Read bytes, or base64 of them."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if not isinstance(value, str):
        raise wrong("bytes in base64", value)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise wrong("bytes in base64", value) from None


def read_string(value: Any) -> str:
    """Read text."""
    if not isinstance(value, str):
        raise wrong("text", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise wrong("text without lone surrogates", value) from None
    return value


PRIMITIVE: Mapping[str, Read] = {
    "null": read_null,
    "boolean": read_boolean,
    "int": read_int,
    "long": read_long,
    "float": read_float,
    "double": read_double,
    "bytes": read_bytes,
    "string": read_string,
}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _iso(kind: Any, value: Any, expected: str) -> Any:
    if isinstance(value, kind):
        return value
    if not isinstance(value, str):
        raise wrong(expected, value)
    try:
        return kind.fromisoformat(value)
    except ValueError:
        raise wrong(expected, value) from None


def _timestamp(_schema: Mapping[str, Any]) -> Read:
    def read(value: Any) -> Any:
        if _is_whole(value):
            return read_long(value)
        moment = _iso(datetime, value, _TIME)
        if moment.tzinfo is None:
            raise wrong(_TIME, value)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise wrong(_TIME, value) from None

    return read


def _local_timestamp(_schema: Mapping[str, Any]) -> Read:
    def read(value: Any) -> Any:
        if _is_whole(value):
            return read_long(value)
        moment = _iso(datetime, value, _LOCAL_TIME)
        if moment.tzinfo is not None:
            raise wrong(_LOCAL_TIME, value)
        return moment

    return read


def _date(_schema: Mapping[str, Any]) -> Read:
    def read(value: Any) -> Any:
        if _is_whole(value):
            return read_int(value)
        if isinstance(value, datetime):
            raise wrong(_DATE, value)
        return _iso(date, value, _DATE)

    return read


def _time(schema: Mapping[str, Any]) -> Read:
    whole = PRIMITIVE[schema["type"]]

    def read(value: Any) -> Any:
        return whole(value) if _is_whole(value) else _iso(time, value, "a time such as 12:00:00")

    return read


def _decimal(schema: Mapping[str, Any]) -> Read:
    precision, scale = schema["precision"], schema.get("scale", 0)
    expected = f"a decimal of {precision} digits, {scale} after the point, as text"

    def read(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
            raise wrong(expected, value)
        try:
            number = Decimal(value)
        except (InvalidOperation, ValueError):
            raise wrong(expected, value) from None
        _, digits, exponent = number.as_tuple()
        # An exponent that is no number is NaN's or infinity's.
        if not isinstance(exponent, int) or -exponent > scale:
            raise wrong(expected, value)
        if len(digits) + exponent + scale > precision:
            raise wrong(expected, value)
        return number

    return read


def _uuid(schema: Mapping[str, Any]) -> Read:
    is_fixed = schema["type"] == "fixed"

    def read(value: Any) -> Any:
        try:
            parsed = value if isinstance(value, uuid.UUID) else uuid.UUID(read_string(value))
        except (ValueError, Wrong):
            raise wrong("a uuid", value) from None
        return parsed.bytes if is_fixed else str(parsed)

    return read


LOGICAL: Mapping[str, Callable[[Mapping[str, Any]], Read]] = {
    "timestamp-millis": _timestamp,
    "timestamp-micros": _timestamp,
    "local-timestamp-millis": _local_timestamp,
    "local-timestamp-micros": _local_timestamp,
    "date": _date,
    "time-millis": _time,
    "time-micros": _time,
    "decimal": _decimal,
    "uuid": _uuid,
}
