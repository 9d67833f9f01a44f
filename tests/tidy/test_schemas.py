"""The schemas as files: their names, their words, their examples, and who uses them."""

import io
import itertools
import json
import re
from pathlib import Path

import fastavro
import pytest
from fastavro.utils import generate_many

from tidy.exceptions import hold
from tidy.sources import ROOT, package_files

EVENTS = ROOT / "schemas" / "events"
INTERNAL = ROOT / "schemas" / "internal"
# Events of our own: the same rules, but for two names that are no past participles.
OPERATIONAL = ROOT / "schemas" / "operational"
FILES = sorted((ROOT / "schemas").glob("*/*/v*.avsc"))
FOLDERS = sorted(path for root in (EVENTS, OPERATIONAL) for path in root.iterdir())
EVENT_FILES = sorted(path for folder in FOLDERS for path in folder.glob("v*.avsc"))


def named(path: Path):
    return path.relative_to(ROOT / "schemas").as_posix()


def schema(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def versions(folder: Path):
    return sorted(folder.glob("v*.avsc"), key=lambda path: int(path.stem[1:]))


def records(node):
    """Give every record, enum and field below a schema."""
    if isinstance(node, list):
        for one in node:
            yield from records(one)
    elif isinstance(node, dict):
        if "name" in node:
            yield node
        for key in ("type", "items", "values", "fields"):
            yield from records(node.get(key))


@pytest.mark.parametrize("folder", sorted(INTERNAL.iterdir()) + FOLDERS, ids=named)
def test_versions_are_numbered_from_one_without_a_gap(folder):
    """The number is what travels in X-Webhook-Version."""
    files = versions(folder)
    assert [path.name for path in files] == [f"v{n}.avsc" for n in range(1, len(files) + 1)]
    assert files


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_schema_is_avro_with_a_doc_on_every_field(path):
    """Whoever reads a field never saw its producer."""
    fastavro.parse_schema(schema(path))
    undocumented = [
        one["name"]
        for one in records(schema(path))
        if not one.get("doc") and one.get("type") != "enum" and "fields" not in one
    ]
    assert undocumented == []


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*/v*.avsc")), ids=named)
def test_an_event_type_is_its_records_full_name(path):
    """The folder, the type and namespace.name are one word: noun.past_participle."""
    top = schema(path)
    assert top["type"] == "record"
    assert f"{top['namespace']}.{top['name']}" == path.parent.name
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", path.parent.name)


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_every_version_of_an_event_reads_every_other(folder):
    """FULL_TRANSITIVE: what any version writes, every version reads."""
    parsed = [fastavro.parse_schema(schema(path)) for path in versions(folder)]
    for writer, reader in itertools.permutations(parsed, 2):
        for value in generate_many(writer, 20):
            written = io.BytesIO()
            fastavro.schemaless_writer(written, writer, value)
            written.seek(0)
            read = fastavro.schemaless_reader(written, writer, reader)
            assert {field["name"] for field in reader["fields"]} == set(read)


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*/v*.avsc")), ids=named)
def test_each_version_has_an_example(path):
    """An example names every field of its version, and no other."""
    example = schema(path.with_name(f"example.{path.stem}.json"))
    assert {field["name"] for field in schema(path)["fields"]} == set(example)


@pytest.mark.parametrize("path", sorted(INTERNAL.glob("*/v*.avsc")), ids=named)
def test_an_internal_schema_can_grow(path):
    """No union at the top, and a default symbol on every enum, so that old and new run together."""
    assert isinstance(schema(path), dict)
    enums = [one for one in records(schema(path)) if one.get("type") == "enum"]
    assert [one["name"] for one in enums if "default" not in one] == []


def test_every_internal_schema_is_used():
    """A schema that no code names describes nothing."""
    texts = "\n".join(
        source.text for source in package_files() if "/adapters/codec" not in source.name
    )
    found = [
        named(folder)
        for folder in INTERNAL.iterdir()
        if not re.search(rf"[\"']{folder.name}[\"']", texts)
    ]
    hold("references", found)
