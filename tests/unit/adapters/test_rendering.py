"""Any bytes are rendered or break their contract, and nothing else."""

import datetime as dt
import io
import uuid
from decimal import Decimal

import fastavro
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooklane.adapters.rendering import EventSchema, render
from hooklane.domain.errors import BrokenContract

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def record(*types, name="order.created"):
    fields = [{"name": f"f{number}", "type": kind} for number, kind in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def logical(kind, name, **more):
    return {"type": kind, "logicalType": name, **more}


def rendered(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    data = EventSchema(schema, version=2).decode(b"12345" + out.getvalue(), 5)
    return render(data, event_id="evt_1", event_type="order.created", version=2, event_time=AT)


def test_the_payload_is_id_type_version_timestamp_and_data():
    """In this order, as compact JSON."""
    expected = (
        b'{"id":"evt_1","type":"order.created","version":2,'
        b'"timestamp":"2026-01-01T00:00:00Z","data":{"f0":1}}'
    )
    assert rendered(record("int"), {"f0": 1}) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("null", None, None),
        ("boolean", True, True),
        ("long", 2**63 - 1, 2**63 - 1),
        ("double", 0.1, 0.1),
        ("double", float("nan"), None),
        ("double", float("-inf"), None),
        ("string", "é\u2028", "é\u2028"),
        ("bytes", b"\0\xff", "AP8="),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", "YWI="),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B"),
        ({"type": "array", "items": "int"}, [1, 2], [1, 2]),
        ({"type": "map", "values": "int"}, {"a": 1}, {"a": 1}),
        (["null", "string"], "x", "x"),
        (["null", record("int", name="x.y")], {"f0": 1}, {"f0": 1}),
        (logical("long", "timestamp-millis"), AT, "2026-01-01T00:00:00Z"),
        (logical("long", "timestamp-micros"), 1, "1970-01-01T00:00:00.000001Z"),
        (
            logical("long", "local-timestamp-millis"),
            dt.datetime(2026, 1, 1, 12),  # noqa: DTZ001  that is what local means
            "2026-01-01T12:00:00",
        ),
        (logical("int", "date"), dt.date(2026, 2, 3), "2026-02-03"),
        (logical("int", "time-millis"), dt.time(1, 2, 3), "01:02:03"),
        (
            logical("string", "uuid"),
            uuid.UUID(int=1),
            "00000000-0000-0000-0000-000000000001",
        ),
        (logical("bytes", "decimal", precision=9, scale=2), Decimal("-1.50"), "-1.50"),
        (logical("bytes", "decimal", precision=9, scale=8), Decimal(0), "0.00000000"),
    ],
)
def test_each_type_has_its_form_in_json(kind, value, expected):
    """What JSON has no word for is text."""
    payload = orjson.loads(rendered(record(kind), {"f0": value}))
    assert payload["data"] == {"f0": expected}


SCHEMA = record(
    "string",
    ["null", "long"],
    logical("long", "timestamp-millis"),
    logical("bytes", "decimal", precision=9, scale=2),
    logical("string", "uuid"),
    {"type": "array", "items": ["null", "string"]},
    {"type": "map", "values": {"type": "fixed", "name": "F", "size": 3}},
    {"type": "enum", "name": "E", "symbols": ["A"]},
)
TREE = {
    "type": "record",
    "name": "a.tree",
    "fields": [{"name": "left", "type": ["null", "a.tree"]}],
}


@given(st.binary(max_size=200))
def test_any_bytes_render_or_break_the_contract(raw):
    """Nothing else is raised."""
    for schema in (EventSchema(SCHEMA), EventSchema(TREE)):
        try:
            data = schema.decode(raw, 0)
            render(data, event_id="e", event_type="t.y", version=1, event_time=AT)
        except BrokenContract as error:
            assert error.fields == {"reason": "value"}  # noqa: PT017  either way is right


def test_nesting_without_end_breaks_the_contract():
    """The compiled reader would end the process on it."""
    with pytest.raises(BrokenContract):
        EventSchema(TREE).decode(b"\2" * 1_000_000 + b"\0", 0)


def test_bytes_left_over_break_the_contract():
    """They are some other schema's."""
    with pytest.raises(BrokenContract, match=r"1 bytes after an order\.created version 3"):
        EventSchema(record("int"), version=3).decode(b"\2\2", 0)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        "string",
        "nonsense",
        [],
        {},
        {"type": "record"},
        ["null", record("int")],
        record("unknown"),
        record("int", name="nodot"),
        record("int", name="a.1"),
        record({"type": "array", "items": "null"}),
        {"type": "enum", "name": "a.b", "symbols": ["A"]},
    ],
)
def test_what_is_no_event_schema_breaks_the_contract(schema):
    """With the reason schema."""
    with pytest.raises(BrokenContract) as raised:
        EventSchema(schema)
    assert raised.value.fields == {"reason": "schema"}


def test_the_same_schema_can_be_another_version():
    """Parsed once."""
    schema = EventSchema(record("int")).of_version(7)
    assert (schema.event_type, schema.version) == ("order.created", 7)
    assert schema.decode(b"\2", 0) == {"f0": 1}


def test_what_json_can_not_hold_breaks_the_contract():
    """Such as an integer past 64 bits, or a value of no known type."""
    for value in (2**70, object()):
        with pytest.raises(BrokenContract):
            render({"x": value}, event_id="e", event_type="t.y", version=1, event_time=AT)
