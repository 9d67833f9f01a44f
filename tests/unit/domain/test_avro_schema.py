"""Names, references and what a schema may do to a reader."""

import fastavro
import pytest

from hooklane.domain.avro_schema import (
    full_name,
    is_recursive,
    named_types,
    refuse_weightless_items,
    resolved_name,
    with_references,
)
from hooklane.domain.errors import BrokenContract


def record(name, *types, **more):
    fields = [{"name": f"f{number}", "type": kind} for number, kind in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields, **more}


def array(items):
    return {"type": "array", "items": items}


def test_names_are_full():
    """By their own dot, their own namespace, or the one around them."""
    assert full_name({"name": "a.B"}, "x") == "a.B"
    assert full_name({"name": "B", "namespace": "a"}, "x") == "a.B"
    assert full_name({"name": "B"}, "x") == "x.B"
    assert full_name({"name": "B"}, "") == "B"
    assert resolved_name("B", "x") == "x.B"
    assert resolved_name("a.B", "x") == "a.B"
    assert resolved_name("B", "") == "B"


def test_named_types_are_found_wherever_they_are():
    """In unions, arrays, maps and nested types."""
    inner = record("inner", "int")
    schema = record("a.outer", ["null", inner], array({"type": "enum", "name": "E", "symbols": []}),
                    {"type": "map", "values": {"type": "fixed", "name": "b.F", "size": 1}},
                    {"type": {"type": "array", "items": record("deep")}})  # fmt: skip
    assert [name for name, _ in named_types(schema)] == [
        "a.outer", "a.inner", "a.E", "b.F", "a.deep"
    ]  # fmt: skip
    assert dict(named_types(schema))["a.inner"] == inner


def test_references_are_put_in_where_first_named():
    """Once each, also those that references name themselves; fastavro takes the result."""
    money = record("shared.money", "long")
    line = record("shared.line", "shared.money", ["null", "shared.line"])
    schema = record("order.created", "shared.money", array("shared.line"),
                    {"type": "map", "values": "shared.line"}, ["null", "shared.money"])  # fmt: skip
    whole = with_references(schema, [money, line])
    assert [name for name, _ in named_types(whole)] == [
        "order.created", "shared.money", "shared.line"
    ]  # fmt: skip
    fastavro.parse_schema(whole)


def test_a_reference_that_holds_another_is_put_in_once():
    """Though the inner one was named before."""
    outer = record("s.outer", record("s.inner", "int"))
    whole = with_references(record("order.created", "s.inner", "s.outer"), [outer])
    fastavro.parse_schema(whole)
    assert [name for name, _ in named_types(whole)] == ["order.created", "s.inner", "s.outer"]


def test_a_schema_without_references_stays_as_it_is():
    """So does one that defines the name itself."""
    schema = record("a.b", {"type": "string", "logicalType": "uuid"}, {"type": array("int")})
    assert with_references(schema, []) == schema
    own = record("a.b", record("a.c", "int"), "a.c")
    assert with_references(own, [record("a.c", "string")]) == own


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (record("a.b", ["null", "a.b"]), True),
        (record("a.b", ["null", "b"]), True),
        (record("a.b", array(record("a.c", {"type": "map", "values": "a.b"}))), True),
        (record("a.b", record("a.c", "int"), "a.c", "unknown.name"), False),
        (record("a.b", "int", array("string")), False),
        (["null", record("a.b", record("a.c", ["null", "a.c"]))], True),
        (record("a.b", record("a.c", record("a.b"))), True),
    ],
)
def test_recursion_is_seen(schema, expected):
    """Through unions, arrays, maps and other records."""
    assert is_recursive(schema) is expected


@pytest.mark.parametrize(
    "items",
    [
        "null",
        record("a.empty"),
        record("a.empty", "null", record("a.empty2")),
        {"type": "fixed", "name": "F", "size": 0},
        {"type": "null"},
        {"type": {"type": "null"}},
    ],
)
def test_items_without_bytes_are_refused(items):
    """Ten bytes could claim billions of them."""
    schema = record("a.b", "int", ["null", array(items)])
    with pytest.raises(BrokenContract):
        refuse_weightless_items(schema)


@pytest.mark.parametrize(
    "items",
    [
        "int",
        ["null", "null2"],
        record("a.c", "null", "int"),
        {"type": "fixed", "name": "F", "size": 1},
        {"type": "enum", "name": "E", "symbols": ["A"]},
        array("int"),
        {"type": "map", "values": "null"},
        "unknown.name",
        record("a.c", "a.c"),
    ],
)
def test_items_with_bytes_are_taken(items):
    """Each takes at least one."""
    refuse_weightless_items(record("a.b", array(items)))


def test_a_name_that_means_no_bytes_is_refused():
    """Defined in one place, used in another."""
    with pytest.raises(BrokenContract):
        refuse_weightless_items(record("a.b", record("a.empty"), array("a.empty")))
    with pytest.raises(BrokenContract):
        refuse_weightless_items(record("a.b", record("empty"), array("empty")))
