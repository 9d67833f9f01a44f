"""The event schemas in a folder: `<type>/vN.avsc`, and what is wrong with them by themselves.

Reads files only. What it finds is a list of sentences, each with file, field and rule.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hooklane.adapters.rendering import EventSchema
from hooklane.domain.avro_schema import Schema, full_name, is_named
from hooklane.domain.compatibility import full_objections
from hooklane.domain.errors import BrokenContract, Invalid

_FILE = re.compile(r"^v([1-9][0-9]*)\.avsc$")
_NAME = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")
# Past participles without -ed that facts are often named by.
_IRREGULAR = frozenset((
    "begun", "bought", "broken", "brought", "built", "caught", "chosen", "cut", "done", "drawn",
    "driven", "fallen", "found", "given", "gone", "grown", "held", "hidden", "hit", "kept",
    "known", "left", "lent", "let", "lost", "made", "met", "paid", "put", "read", "reset",
    "run", "seen", "sent", "set", "shown", "shut", "sold", "spent", "split", "spoken", "stolen",
    "sunk", "taken", "taught", "thrown", "told", "torn", "understood", "undone", "withdrawn",
    "withheld", "won", "worn", "written",
))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A type's folder: its versions by number."""

    name: str
    versions: Mapping[int, Schema]


def event_types(folder: Path) -> list[EventType]:
    """Read all types of a folder.

    Raises:
        Invalid: there is none, or a file can't be read; it is named.
    """
    if not folder.is_dir():
        raise Invalid(f"{folder} is no folder of schemas")
    found = [_event_type(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    if not found:
        raise Invalid(f"{folder} has no folder <type> with vN.avsc files")
    return found


def _event_type(folder: Path) -> EventType:
    files = {int(match[1]): path for path in folder.iterdir() if (match := _FILE.match(path.name))}
    if not files:
        raise Invalid(f"{folder} has no vN.avsc")
    return EventType(name=folder.name, versions={n: _json(files[n]) for n in sorted(files)})


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Invalid(f"{path} is not JSON: {error}") from None


def faults(event_type: EventType) -> list[str]:
    """Say what is wrong with a type: its name, each version by itself, each pair of versions."""
    numbers = list(event_type.versions)
    found = list(_name_faults(event_type.name))
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"{event_type.name}: versions {numbers} are not 1, 2, 3 … without a gap")
    broken = False
    for number, schema in event_type.versions.items():
        of_version = [
            f"{event_type.name} v{number}: {text}" for text in _faults(schema, event_type.name)
        ]
        broken = broken or bool(of_version)
        found += of_version
    return found if broken else [*found, *_pair_faults(event_type)]


def _name_faults(name: str) -> Iterator[str]:
    last = name.rpartition(".")[2].rpartition("_")[2]
    if not _NAME.match(name) or not (last.endswith("ed") or last in _IRREGULAR):
        yield f"{name}: the name should read noun.past_participle: order.created (rule naming)"


def _faults(schema: Schema, name: str) -> Iterator[str]:
    try:
        parsed = EventSchema(schema)
    except BrokenContract as error:
        yield f"{error.detail} (rule avro)"
        return
    if parsed.event_type != name:
        yield f"its full name is {parsed.event_type}, its folder {name} (rule naming)"
    yield from _undocumented(schema, "")


def _undocumented(schema: Schema, path: str) -> Iterator[str]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _undocumented(branch, path)
        return
    if not isinstance(schema, dict):
        return
    if is_named(schema) and not schema.get("doc"):
        yield f"{schema['type']} {full_name(schema, '')} has no doc (rule doc)"
    for key in ("items", "values", "type"):
        yield from _undocumented(schema.get(key), path)
    for field in schema.get("fields", ()):
        inner = f"{path}.{field['name']}".lstrip(".")
        if not field.get("doc"):
            yield f"field {inner} has no doc (rule doc)"
        yield from _undocumented(field["type"], inner)


def _pair_faults(event_type: EventType) -> Iterator[str]:
    versions = list(event_type.versions.items())
    for index, (newer_number, newer) in enumerate(versions):
        for older_number, older in versions[:index]:
            for objection in full_objections(older, newer):
                yield f"{event_type.name} v{older_number} and v{newer_number}: {objection}"
