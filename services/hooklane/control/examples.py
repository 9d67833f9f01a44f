"""An example value of an Avro schema: the same for the same schema, of every type some.

Pure. A probe's payload is made of it, so it shows every field of an event; a type that contains
itself ends at the first place where it may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TEXT = "example"
VALUES_MAX = 10_000
FIXED_BYTES_MAX = 65_536
_UUID = "00000000-0000-4000-8000-000000000000"
# Noon of 2026-03-01.
_SECONDS = 1_772_366_400
_PLAIN: Mapping[str, Any] = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 1,
    "float": 1.5,
    "double": 1.5,
    "bytes": TEXT.encode(),
    "string": TEXT,
}
# As Avro keeps them; read back they are times, dates, decimals.
_LOGICAL: Mapping[str, Any] = {
    "timestamp-millis": _SECONDS * 10**3,
    "timestamp-micros": _SECONDS * 10**6,
    "timestamp-nanos": _SECONDS * 10**9,
    "local-timestamp-millis": _SECONDS * 10**3,
    "local-timestamp-micros": _SECONDS * 10**6,
    "local-timestamp-nanos": _SECONDS * 10**9,
    "time-millis": 43_200 * 10**3,
    "time-micros": 43_200 * 10**6,
    "date": _SECONDS // 86_400,
}


def example(schema: Any) -> Any:
    """Give a value of a parsed schema (fastavro's form: full names, each spelt out once).

    Raises:
        ValueError: it would be endless, or larger than any event.
    """
    return _Walk(schema).value(schema)


class _Walk:
    """One schema's walk: its named types, those being filled, and how much was made."""

    def __init__(self, schema: Any) -> None:
        self._named = dict(_named(schema))
        self._open: list[str] = []
        self._count = 0

    def value(self, schema: Any) -> Any:
        self._count += 1
        if self._count > VALUES_MAX:
            raise ValueError(f"an example would have more than {VALUES_MAX} values")
        if isinstance(schema, list):
            return self._branch(schema)
        if isinstance(schema, str):
            return _PLAIN[schema] if schema in _PLAIN else self.value(self._named[schema])
        match schema["type"]:
            case "record" | "error":
                return self._record(schema)
            case "enum":
                return schema["symbols"][0]
            case "fixed":
                return bytes(self._bounded(schema["size"]))
            case "array":
                return self._some(schema["items"], lambda value: [value], [])
            case "map":
                return self._some(schema["values"], lambda value: {TEXT: value}, {})
            case inner:
                return self._logical(schema, inner)

    def _bounded(self, size: int) -> int:
        if size > FIXED_BYTES_MAX:
            raise ValueError(f"an example would have {size} bytes in one value")
        return size

    def _record(self, schema: Any) -> dict[str, Any]:
        if schema["name"] in self._open:
            raise ValueError(f"{schema['name']} contains itself, always")
        self._open.append(schema["name"])
        value = {field["name"]: self.value(field["type"]) for field in schema["fields"]}
        self._open.pop()
        return value

    def _branch(self, branches: list[Any]) -> Any:
        """Take the first branch that says something and does not lead back."""
        fit = [branch for branch in branches if branch != "null" and not self._leads_back(branch)]
        if not fit:
            return None
        value, name = self.value(fit[0]), _name(fit[0])
        # A value alone need not tell which of several named types is meant.
        return value if name is None else (name, value)

    def _some(self, of: Any, one: Any, none: Any) -> Any:
        return none if self._leads_back(of) else one(self.value(of))

    def _leads_back(self, schema: Any) -> bool:
        return _name(schema) in self._open

    def _logical(self, schema: Any, inner: Any) -> Any:
        kind = schema.get("logicalType")
        if kind == "decimal":
            return (1).to_bytes(1, "big")
        if kind == "uuid":
            return _UUID
        return _LOGICAL[kind] if kind in _LOGICAL else self.value(inner)


def _named(schema: Any) -> Iterator[tuple[str, Any]]:
    """Give every type that is spelt out somewhere under its name."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _named(branch)
    elif isinstance(schema, dict):
        name = _name(schema)
        if name is not None:
            yield name, schema
        for field in schema.get("fields", ()):
            yield from _named(field["type"])
        for inner in ("items", "values"):
            yield from _named(schema.get(inner))


def _name(schema: Any) -> str | None:
    """Give the name of a named type, spelt out or referred to."""
    if isinstance(schema, str):
        return None if schema in _PLAIN else schema
    if isinstance(schema, dict) and schema["type"] in ("record", "error", "enum", "fixed"):
        return str(schema["name"])
    return None
