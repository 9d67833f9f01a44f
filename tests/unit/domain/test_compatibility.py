"""Each rule says no where it should, by field and name."""

import pytest

from hooklane.domain.compatibility import full_objections, objections


def record(*fields, name="order.created", **more):
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def enum(*symbols, **more):
    return {"type": "enum", "name": "E", "symbols": list(symbols), **more}


def fixed(size):
    return {"type": "fixed", "name": "F", "size": size}


UUID = {"type": "string", "logicalType": "uuid"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [
        (record(), record(field("a", "int")), [("a", "default")]),
        (record(), record(field("a", "int", default=1)), []),
        (record(field("a", "int")), record(), [("a", "default")]),
        (record(field("a", "int")), record(field("a", "long")), [("a", "type")]),
        (record(field("a", "int")), record(field("a", "string")), [("a", "type")]),
        (record(field("a", "string")), record(field("a", "bytes")), [("a", "text_and_bytes")]),
        (record(field("a", "string")), record(field("a", UUID)), [("a", "logical_type")]),
        (
            record(field("a", MONEY)),
            record(field("a", {**MONEY, "scale": 3})),
            [("a", "logical_type")],
        ),
        (record(field("a", enum("X"))), record(field("a", enum("X", "Y"))), [("a", "symbols")]),
        (
            record(field("a", enum("X", default="X"))),
            record(field("a", enum("X", "Y", default="X"))),
            [],
        ),
        (record(field("a", fixed(1))), record(field("a", fixed(2))), [("a", "size")]),
        (record(field("a", fixed(1))), record(field("a", fixed(1))), []),
        (record(name="a.b"), record(name="a.c"), [("", "name")]),
        (record(name="a.b"), record(name="c", namespace="a", aliases=["b"]), [("", "name")]),
        (
            record(field("a", {"type": "array", "items": "int"})),
            record(field("a", {"type": "array", "items": "string"})),
            [("a[]", "type")],
        ),
        (
            record(field("a", {"type": "map", "values": "int"})),
            record(field("a", {"type": "map", "values": "int"})),
            [],
        ),
        (record(field("a", ["null", "int"])), record(field("a", ["null", "int"])), []),
        (
            record(field("a", ["null", "int"])),
            record(field("a", ["null", "int", "string"])),
            [("a", "union")],
        ),
        (record(field("a", "int")), record(field("a", ["null", "int"])), [("a", "type")]),
        (
            record(field("a", ["null", record(field("b", "int"), name="x.y")])),
            record(field("a", ["null", record(field("b", "string"), name="x.y")])),
            [("a.b", "type")],
        ),
        (
            record(field("a", ["null", record(name="x.y")])),
            record(field("a", ["null", record(name="x.z")])),
            [("a", "union")],
        ),
        (record(field("a", {"type": {"type": "string"}})), record(field("a", "string")), []),
    ],
)
def test_each_rule_names_field_and_rule(older, newer, expected):
    """Once each, whichever of the two is the reader."""
    found = full_objections(older, newer)
    assert [(objection.field, objection.rule) for objection in found] == expected


def test_an_alias_lets_a_new_reader_read_the_old_name():
    """Of a field and of a record; the old reader can't, so FULL refuses it."""
    older = record(field("a", "int"), name="x.b")
    newer = record(field("c", "int", aliases=["a"]), name="x.d", aliases=["x.b"])
    assert objections(reader=newer, writer=older) == ()
    assert objections(reader=older, writer=newer) != ()


def test_a_recursive_schema_is_compared_once():
    """And a difference inside it is found."""
    tree = record(field("v", "int"), field("left", ["null", "order.created"]))
    other = record(field("v", "string"), field("left", ["null", "order.created"]))
    assert full_objections(tree, tree) == ()
    assert [o.field for o in objections(reader=tree, writer=other)] == ["v"]


def test_an_objection_is_a_sentence():
    """With the field or the record."""
    (one,) = objections(reader=record(field("a", "int")), writer=record())
    assert str(one) == "field a: it is not in every version and has no default (rule default)"
    (two,) = objections(reader=record(name="a.b"), writer=record(name="a.c"))
    assert str(two) == "the record: a.c was renamed to a.b (rule name)"
