"""Every schema has an example, the same each time, that Avro takes and gives back."""

import io
import json

import fastavro
import orjson
import pytest

from hooklane.adapters.codec import schemas_dir, versions
from hooklane.adapters.rendering import EventSchema, render
from hooklane.control.examples import example
from support.deliveries import START


def rendered(schema):
    raw, parsed = io.BytesIO(), fastavro.parse_schema(schema)
    fastavro.schemaless_writer(raw, parsed, example(parsed))
    known = EventSchema(schema)
    values = known.decode(raw.getvalue(), 0)
    whole = render(
        values, event_id="evt_1", event_type=known.event_type, version=1, event_time=START
    )
    return orjson.loads(whole)["data"]


def record(*fields, name="a.B"):
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": f"f{number}", "type": kind} for number, kind in enumerate(fields)],
    }


SHIPPED = [
    (path.name, number, schema)
    for folder in ("events", "operational")
    for path in sorted((schemas_dir() / folder).iterdir())
    if path.is_dir()
    for number, schema in versions(path).items()
]


@pytest.mark.parametrize(("name", "number", "schema"), SHIPPED, ids=lambda value: str(value)[:40])
def test_every_shipped_schema_has_one(name, number, schema):
    """With all of its fields."""
    del name, number

    found = rendered(schema)

    assert list(found) == [field["name"] for field in schema["fields"]]
    assert found == rendered(json.loads(json.dumps(schema)))


def test_each_type_has_its_value():
    """Plain ones, and what a logical type makes of them."""
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    schema = record(
        "null", "boolean", "int", "long", "double", "string", "bytes",
        {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "int", "logicalType": "date"},
        decimal,
        {"type": "string", "logicalType": "uuid"},
        {"type": "enum", "name": "E", "symbols": ["first", "second"]},
        {"type": "fixed", "name": "F", "size": 3},
        {"type": "array", "items": "E"},
        {"type": "map", "values": "int"},
        ["null", "string"],
    )  # fmt: skip

    assert list(rendered(schema).values()) == [
        None, True, 1, 1, 1.5, "example", "ZXhhbXBsZQ==", "2026-03-01T12:00:00Z", "2026-03-01",
        "0.01", "00000000-0000-4000-8000-000000000000", "first", "AAAA", ["first"],
        {"example": 1}, "example",
    ]  # fmt: skip


def test_of_a_union_the_first_that_says_something_counts():
    """Also where two records have the same fields."""
    one, two = record("int", name="a.One"), record("int", name="a.Two")

    assert rendered(record(["null", one, two], ["null", "a.Two", "a.One"])) == {
        "f0": {"f0": 1},
        "f1": {"f0": 1},
    }


def test_a_type_that_contains_itself_ends():
    """At the first place where it may."""
    tree = {
        "type": "record",
        "name": "a.Tree",
        "fields": [
            {"name": "next", "type": ["null", "a.Tree"]},
            {"name": "children", "type": {"type": "array", "items": "a.Tree"}},
            {"name": "named", "type": {"type": "map", "values": "a.Tree"}},
        ],
    }

    assert rendered(tree) == {"next": None, "children": [], "named": {}}


def test_what_would_be_endless_or_huge_is_refused():
    """Whatever a schema says, memory is bounded."""
    doubling = record("int", name="a.T0")
    for number in range(1, 20):
        doubling = record(doubling, f"a.T{number - 1}", name=f"a.T{number}")

    with pytest.raises(ValueError, match="more than 10000 values"):
        rendered(doubling)
    with pytest.raises(ValueError, match="contains itself"):
        example(record("a.B"))
    with pytest.raises(ValueError, match="in one value"):
        rendered(record({"type": "fixed", "name": "F", "size": 2**31 - 1}))
