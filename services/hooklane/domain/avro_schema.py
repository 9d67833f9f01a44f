"""Avro schemas as the JSON they are: names resolved, references put in, and what may be hostile.

A schema is plain JSON (strings, dicts, lists). Functions here take such values and give such
values; encoding and decoding is `adapters`' part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hooklane.domain.errors import BrokenContract

PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))
NAMED = frozenset(("record", "error", "enum", "fixed"))

Schema = Any


def is_named(schema: Schema) -> bool:
    """Tell whether a schema defines a named type."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    return isinstance(kind, str) and kind in NAMED


def full_name(schema: Mapping[str, Any], namespace: str) -> str:
    """Give a named schema's full name, `namespace` being the one around it."""
    name: str = schema["name"]
    if "." in name:
        return name
    own = schema.get("namespace", namespace)
    return f"{own}.{name}" if own else name


def resolved_name(name: str, namespace: str) -> str:
    """Give the full name that a reference to a named type means."""
    return name if "." in name or not namespace else f"{namespace}.{name}"


def namespace_of(name: str) -> str:
    """Give the namespace of a full name."""
    return name.rpartition(".")[0]


def named_types(schema: Schema, namespace: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every named type defined in a schema, with its full name."""
    if isinstance(schema, list):
        for branch in schema:
            yield from named_types(branch, namespace)
    elif isinstance(schema, dict):
        if is_named(schema):
            name = full_name(schema, namespace)
            yield name, schema
            namespace = namespace_of(name)
        for part in _parts(schema):
            yield from named_types(part, namespace)


def with_references(schema: Schema, references: Sequence[Schema]) -> Schema:
    """Put the definitions of referenced schemas in, each where it is first named."""
    known: dict[str, dict[str, Any] | None] = {}
    for reference in references:
        for name, definition in named_types(reference):
            known.setdefault(name, {**definition, "name": name})
    for name, _ in named_types(schema):
        known.pop(name, None)
    return _put_in(schema, known, "")


def _put_in(schema: Schema, known: dict[str, dict[str, Any] | None], namespace: str) -> Schema:
    # A name in `known` with None was put in already, and is only named from then on.
    if isinstance(schema, str):
        definition = None
        if schema not in PRIMITIVES:
            definition = known.get(resolved_name(schema, namespace))
        return schema if definition is None else _put_in(definition, known, "")
    if isinstance(schema, list):
        return [_put_in(branch, known, namespace) for branch in schema]
    if is_named(schema):
        name = full_name(schema, namespace)
        if name in known and known[name] is None:
            return name
        known[name] = None
        namespace = namespace_of(name)
    whole = dict(schema)
    for key in ("items", "values"):
        if key in whole:
            whole[key] = _put_in(whole[key], known, namespace)
    if isinstance(whole["type"], (dict, list)) or whole["type"] not in (*NAMED, "array", "map"):
        whole["type"] = _put_in(whole["type"], known, namespace)
    if "fields" in whole:
        whole["fields"] = [
            {**field, "type": _put_in(field["type"], known, namespace)} for field in whole["fields"]
        ]
    return whole


def is_recursive(schema: Schema) -> bool:
    """Tell whether some type contains itself: its values can be nested without bound."""
    return _recurs(schema, "", dict(named_types(schema)), frozenset())


def _recurs(
    schema: Schema, namespace: str, known: Mapping[str, Schema], around: frozenset[str]
) -> bool:
    if isinstance(schema, str):
        name = resolved_name(schema, namespace)
        if schema in PRIMITIVES or name not in known:
            return False
        return name in around or _recurs(known[name], namespace_of(name), known, around)
    if isinstance(schema, list):
        return any(_recurs(branch, namespace, known, around) for branch in schema)
    if is_named(schema):
        name = full_name(schema, namespace)
        if name in around:
            return True
        around, namespace = around | {name}, namespace_of(name)
    return any(_recurs(part, namespace, known, around) for part in _parts(schema))


def refuse_weightless_items(schema: Schema) -> None:
    """Refuse arrays whose items take no bytes: ten bytes could then claim billions of them.

    Raises:
        BrokenContract: there is such an array.
    """
    known = dict(named_types(schema))
    for items, namespace in _items(schema, ""):
        if _weightless(items, namespace, known, frozenset()):
            raise BrokenContract("an array of items that take no bytes", reason="schema")


def _items(schema: Schema, namespace: str) -> Iterator[tuple[Schema, str]]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _items(branch, namespace)
    elif isinstance(schema, dict):
        if is_named(schema):
            namespace = namespace_of(full_name(schema, namespace))
        if schema.get("type") == "array":
            yield schema["items"], namespace
        for part in _parts(schema):
            yield from _items(part, namespace)


def _weightless(
    schema: Schema, namespace: str, known: Mapping[str, Schema], around: frozenset[str]
) -> bool:
    if isinstance(schema, str):
        name = resolved_name(schema, namespace)
        if schema == "null":
            return True
        if schema in PRIMITIVES or name not in known or name in around:
            return False
        return _weightless(known[name], namespace_of(name), known, around)
    if isinstance(schema, list):
        return False
    kind = schema["type"]
    if kind == "fixed":
        return bool(schema["size"] == 0)
    if is_named(schema) and kind != "enum":
        name = full_name(schema, namespace)
        inner = namespace_of(name)
        return all(
            _weightless(field["type"], inner, known, around | {name}) for field in schema["fields"]
        )
    if isinstance(kind, str) and kind in ("array", "map", "enum"):
        return False
    return _weightless(kind, namespace, known, around)


def _parts(schema: Mapping[str, Any]) -> Iterator[Schema]:
    for key in ("items", "values"):
        if key in schema:
            yield schema[key]
    for field in schema.get("fields", ()):
        yield field["type"]
    kind = schema.get("type")
    if isinstance(kind, (dict, list)):
        yield kind
