"""From JSON's values to a schema's: what is wrong is named by its path and by what it should be.

Takes what the matcher renders, and Python's own values: RFC 3339 text or datetime for a timestamp,
ISO text or date for a date, text, int or Decimal for a decimal, base64 or bytes for bytes, text or
UUID for a uuid. A schema is turned into functions once; any value is then shaped or raises Invalid,
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hooklane.domain.avro_schema import (
    NAMED,
    PRIMITIVES,
    Schema,
    full_name,
    is_named,
    named_types,
    namespace_of,
    resolved_name,
)
from hooklane.domain.errors import Invalid
from hooklane.publisher.leaves import LOGICAL, PRIMITIVE, Read, Wrong, read_bytes, wrong


class Shape:
    """One schema, ready to check values with and to bring them in the form fastavro writes."""

    def __init__(self, schema: Schema) -> None:
        """Turn the schema into functions."""
        self._known = dict(named_types(schema))
        self._made: dict[str, Read] = {}
        self._read = self._of(schema, "")

    def __call__(self, value: Any) -> Any:
        """Give a value as fastavro writes it.

        Raises:
            Invalid: it is not of the schema; names the field and what it should be.
        """
        try:
            return self._read(value)
        except Wrong as error:
            where = f"field {error.path}" if error.path else "the event"
            raise Invalid(f"{where} {error.text}", field=error.path) from None
        except RecursionError:
            raise Invalid("the event is nested too deeply") from None

    def _of(self, schema: Schema, namespace: str) -> Read:
        if isinstance(schema, list):
            return self._union(schema, namespace)
        if isinstance(schema, str):
            if schema in PRIMITIVES:
                return PRIMITIVE[schema]
            return self._by_name(resolved_name(schema, namespace))
        logical = LOGICAL.get(schema.get("logicalType", ""))
        if logical is not None:
            return logical(schema)
        kind = schema["type"]
        if not isinstance(kind, str) or kind in PRIMITIVES:
            return self._of(kind, namespace)
        if kind == "array":
            return _list(self._of(schema["items"], namespace))
        if kind == "map":
            return _map(self._of(schema["values"], namespace))
        if kind in NAMED:
            return self._by_name(full_name(schema, namespace))
        return self._by_name(resolved_name(kind, namespace))

    def _by_name(self, name: str) -> Read:
        made = self._made.get(name)
        if made is not None:
            return made

        def read(value: Any) -> Any:
            return self._made[name](value)

        # While it is being made it may already be named inside itself.
        self._made[name] = read
        schema = self._known[name]
        if schema["type"] == "enum":
            made = _enum(schema["symbols"])
        elif schema["type"] == "fixed":
            made = _fixed(schema["size"])
        else:
            made = self._record(schema, name)
        self._made[name] = made
        return made

    def _record(self, schema: Mapping[str, Any], name: str) -> Read:
        namespace = namespace_of(name)
        fields = {
            field["name"]: (
                self._of(field["type"], namespace),
                "default" in field,
                _word(field["type"]),
            )
            for field in schema["fields"]
        }

        def read(value: Any) -> dict[str, Any]:
            if not isinstance(value, Mapping):
                raise wrong(f"an object ({name})", value)
            shape: dict[str, Any] = {}
            for field_name, (inner, has_default, word) in fields.items():
                if field_name in value:
                    try:
                        shape[field_name] = inner(value[field_name])
                    except Wrong as error:
                        error.steps.append(f".{field_name}")
                        raise
                elif not has_default:
                    raise Wrong(f"is missing; it should be {word}", f".{field_name}")
            for given in value:
                if given not in fields:
                    raise Wrong(f"is not in {name}; there are {', '.join(fields)}", f".{given}")
            return shape

        return read

    def _union(self, branches: Sequence[Schema], namespace: str) -> Read:
        word, has_null = _word(list(branches)), "null" in branches
        others = [branch for branch in branches if branch != "null"]
        # Text is also base64: where both could be meant it is text.
        others.sort(key=lambda branch: branch in ("bytes", "double", "float"))
        reads = [(self._name(branch, namespace), self._of(branch, namespace)) for branch in others]

        def read(value: Any) -> Any:
            if value is None:
                if has_null:
                    return None
                raise wrong(word, value)
            if len(reads) == 1:
                return reads[0][1](value)
            for name, inner in reads:
                try:
                    shape = inner(value)
                except Wrong:
                    continue
                return shape if name is None else (name, shape)
            raise wrong(word, value)

        return read

    def _name(self, branch: Schema, namespace: str) -> str | None:
        if isinstance(branch, str):
            return None if branch in PRIMITIVES else resolved_name(branch, namespace)
        return full_name(branch, namespace) if is_named(branch) else None


def _list(inner: Read) -> Read:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise wrong("a list", value)
        shape = []
        for index, item in enumerate(value):
            try:
                shape.append(inner(item))
            except Wrong as error:
                error.steps.append(f"[{index}]")
                raise
        return shape

    return read


def _map(inner: Read) -> Read:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise wrong("an object", value)
        shape = {}
        for key, item in value.items():
            try:
                shape[key] = inner(item)
            except Wrong as error:
                error.steps.append(f".{key}")
                raise
        return shape

    return read


def _enum(symbols: Sequence[str]) -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, str) or value not in symbols:
            raise wrong(f"one of {', '.join(symbols)}", value)
        return value

    return read


def _fixed(size: int) -> Read:
    def read(value: Any) -> bytes:
        raw = read_bytes(value)
        if len(raw) != size:
            raise wrong(f"{size} bytes in base64", value)
        return raw

    return read


def _word(schema: Schema) -> str:
    if isinstance(schema, list):
        return " or ".join(_word(branch) for branch in schema)
    if isinstance(schema, str):
        return schema
    logical = schema.get("logicalType")
    if logical is not None:
        return str(logical)
    return str(schema["name"]) if is_named(schema) else _word(schema["type"])
