"""Whether one version of a schema can read what another wrote, by Avro's rules and ours.

Avro's rules are its specification's "Schema resolution". Ours are two more, because receivers see
JSON and not Avro: a logical type never changes, and text never becomes bytes or the reverse; Avro
allows both, but the payload would look different. What is not allowed is named by field and rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

OURS = frozenset(("logical_type", "text_and_bytes"))
_PROMOTIONS: Mapping[str, frozenset[str]] = {
    "int": frozenset(("long", "float", "double")),
    "long": frozenset(("float", "double")),
    "float": frozenset(("double",)),
    "string": frozenset(("bytes",)),
    "bytes": frozenset(("string",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """One thing that keeps a reader from reading what a writer wrote."""

    field: str
    rule: str
    text: str

    def __str__(self) -> str:
        """Give it as one sentence."""
        where = f"field {self.field}" if self.field else "the record"
        return f"{where}: {self.text} (rule {self.rule})"


def full_objections(older: Schema, newer: Schema) -> tuple[Objection, ...]:
    """Say what keeps two versions from reading each other, each thing once."""
    backward = objections(reader=newer, writer=older)
    forward = objections(reader=older, writer=newer)
    seen: dict[tuple[str, str], Objection] = {}
    for objection in (*backward, *(o for o in forward)):
        seen.setdefault((objection.field, objection.rule), objection)
    return tuple(seen.values())


def objections(*, reader: Schema, writer: Schema) -> tuple[Objection, ...]:
    """Say what keeps a reader's schema from reading what a writer's schema wrote."""
    return tuple(_Comparison(reader, writer).compare(reader, writer, at=_Place()))


@dataclass(frozen=True, slots=True)
class _Place:
    path: str = ""
    reader_namespace: str = ""
    writer_namespace: str = ""

    def below(self, step: str) -> _Place:
        dot = "." if self.path and step != "[]" else ""
        return _Place(f"{self.path}{dot}{step}", self.reader_namespace, self.writer_namespace)

    def within(self, reader_name: str, writer_name: str) -> _Place:
        return _Place(self.path, namespace_of(reader_name), namespace_of(writer_name))

    def object(self, rule: str, text: str) -> Objection:
        return Objection(field=self.path, rule=rule, text=text)


class _Comparison:
    def __init__(self, reader: Schema, writer: Schema) -> None:
        self._reader, self._writer = dict(named_types(reader)), dict(named_types(writer))
        self._compared: set[tuple[str, str]] = set()

    def compare(self, reader: Schema, writer: Schema, *, at: _Place) -> Iterator[Objection]:
        if isinstance(writer, list):
            for branch in writer:
                yield from self.compare(reader, branch, at=at)
        elif isinstance(reader, list):
            yield from self._any_branch(reader, writer, at)
        else:
            read, read_in = _opened(reader, self._reader, at.reader_namespace)
            written, written_in = _opened(writer, self._writer, at.writer_namespace)
            yield from self._one(read, written, _Place(at.path, read_in, written_in))

    def _any_branch(
        self, branches: Sequence[Schema], writer: Schema, at: _Place
    ) -> Iterator[Objection]:
        if any(not list(self.compare(branch, writer, at=at)) for branch in branches):
            return
        word = _kind(_opened(writer, self._writer, at.writer_namespace)[0])
        # Of the same kind and name, it is that branch which changed: say how.
        for branch in branches:
            found = list(self.compare(branch, writer, at=at))
            same_kind = _kind(_opened(branch, self._reader, at.reader_namespace)[0]) == word
            if same_kind and not any(o.rule == "name" and o.field == at.path for o in found):
                yield from found
                return
        yield at.object("union", f"{word} is no branch of the union")

    def _one(
        self, reader: Mapping[str, Any], writer: Mapping[str, Any], at: _Place
    ) -> Iterator[Objection]:
        read, written = _kind(reader), _kind(writer)
        if read != written:
            yield from _promotion(read, written, at)
            return
        if reader.get("logicalType") != writer.get("logicalType") or (
            reader.get("scale", 0) != writer.get("scale", 0)
        ):
            yield at.object("logical_type", "the logical type changed")
        if read in NAMED:
            yield from self._named(reader, writer, at)
        elif read == "array":
            yield from self.compare(reader["items"], writer["items"], at=at.below("[]"))
        elif read == "map":
            yield from self.compare(reader["values"], writer["values"], at=at.below("[]"))

    def _named(
        self, reader: Mapping[str, Any], writer: Mapping[str, Any], at: _Place
    ) -> Iterator[Objection]:
        read = full_name(reader, at.reader_namespace)
        written = full_name(writer, at.writer_namespace)
        if not _names_fit(reader, read, written):
            yield at.object("name", f"{written} was renamed to {read}")
            return
        if (read, written) in self._compared:
            return
        if reader["type"] == "enum":
            yield from _symbols(reader, writer, at)
        elif reader["type"] == "fixed":
            if reader["size"] != writer["size"]:
                yield at.object("size", f"{writer['size']} bytes became {reader['size']}")
        else:
            self._compared.add((read, written))
            found = list(self._fields(reader, writer, at.within(read, written)))
            # Asked again under another union branch, what was found has to be found again.
            if found:
                self._compared.discard((read, written))
            yield from found

    def _fields(
        self, reader: Mapping[str, Any], writer: Mapping[str, Any], at: _Place
    ) -> Iterator[Objection]:
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            there = at.below(field["name"])
            names = (field["name"], *field.get("aliases", ()))
            match = next((written[name] for name in names if name in written), None)
            if match is not None:
                yield from self.compare(field["type"], match["type"], at=there)
            elif "default" not in field:
                yield there.object("default", "it is not in every version and has no default")


def _opened(schema: Schema, known: Mapping[str, Schema], namespace: str) -> tuple[Any, str]:
    """Give a schema as a dict, a name looked up, with the namespace around it."""
    if isinstance(schema, str):
        if schema in PRIMITIVES:
            return {"type": schema}, namespace
        name = resolved_name(schema, namespace)
        return {**known[name], "name": name}, namespace_of(name)
    inner = schema["type"]
    if isinstance(inner, (dict, str)) and not isinstance(inner, str):
        return _opened(inner, known, namespace)
    return schema, namespace


def _kind(schema: Mapping[str, Any]) -> str:
    return str(schema["type"])


def _names_fit(reader: Mapping[str, Any], read: str, written: str) -> bool:
    namespace = namespace_of(read)
    aliases = (resolved_name(alias, namespace) for alias in reader.get("aliases", ()))
    return written in (read, *aliases)


def _promotion(read: str, written: str, at: _Place) -> Iterator[Objection]:
    if read not in _PROMOTIONS.get(written, frozenset()):
        yield at.object("type", f"{written} can't be read as {read}")
    elif {read, written} == {"string", "bytes"}:
        yield at.object("text_and_bytes", f"{written} became {read}, which looks different in JSON")


def _symbols(
    reader: Mapping[str, Any], writer: Mapping[str, Any], at: _Place
) -> Iterator[Objection]:
    unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if unknown and "default" not in reader:
        yield at.object(
            "symbols", f"{', '.join(unknown)} is not in every version, and there is no default"
        )
