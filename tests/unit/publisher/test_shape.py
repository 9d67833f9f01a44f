"""Any value is shaped, or the field and what it should be are named."""

import io
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.errors import Invalid
from hooklane.publisher.shape import Shape


def record(*fields, name="order.created"):
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def logical(kind, name, **more):
    return {"type": kind, "logicalType": name, **more}


def enum(*symbols):
    return {"type": "enum", "name": "E", "symbols": list(symbols)}


LINE = record(field("quantity", "int"), name="order.line")
DECIMAL = logical("bytes", "decimal", precision=5, scale=2)
MILLIS = logical("long", "timestamp-millis")
LOCAL = logical("long", "local-timestamp-micros")


def shaped(kind, value):
    return Shape(record(field("f", kind)))({"f": value})["f"]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("null", None, None),
        ("boolean", False, False),
        ("int", -(2**31), -(2**31)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("double", 1, 1.0),
        ("float", 1.5, 1.5),
        ("string", "é", "é"),
        ("bytes", "AP8=", b"\0\xff"),
        ("bytes", b"x", b"x"),
        (enum("A"), "A", "A"),
        ({"type": "fixed", "name": "F", "size": 2}, "YWI=", b"ab"),
        ({"type": "array", "items": "int"}, (1, 2), [1, 2]),
        ({"type": "map", "values": "int"}, {"a": 1}, {"a": 1}),
        ({"type": {"type": "array", "items": "int"}}, [1], [1]),
        ({"type": "string"}, "x", "x"),
        (["null", "int"], None, None),
        (["null", "int"], 1, 1),
        (["bytes", "string"], "AP8=", "AP8="),
        (["double", "long"], 1, 1),
        (["null", LINE, enum("A")], {"quantity": 1}, ("order.line", {"quantity": 1})),
        (["null", LINE, enum("A")], "A", ("order.E", "A")),
        (MILLIS, "2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (MILLIS, 1234, 1234),
        (LOCAL, "2026-01-01T01:00:00", datetime(2026, 1, 1, 1)),  # noqa: DTZ001  that is local
        (LOCAL, 1, 1),
        (logical("int", "date"), "2026-01-31", date(2026, 1, 31)),
        (logical("int", "date"), 1, 1),
        (logical("int", "time-millis"), "12:00:00", time(12)),
        (logical("long", "time-micros"), 1, 1),
        (DECIMAL, "-123.45", Decimal("-123.45")),
        (DECIMAL, 3, Decimal(3)),
        (logical("string", "uuid"), UUID(int=1), str(UUID(int=1))),
        (
            {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
            str(UUID(int=1)),
            UUID(int=1).bytes,
        ),
        (logical("string", "unheard-of"), "x", "x"),
    ],
)
def test_json_and_python_values_are_taken(kind, value, expected):
    """In the form fastavro writes."""
    assert shaped(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("null", 1, "field f should be null, not 1"),
        ("boolean", 1, "field f should be true or false, not 1"),
        ("int", "x", "field f should be a whole number (int), not 'x'"),
        ("int", True, "field f should be a whole number (int), not True"),
        ("int", 2**31, "field f should be a whole number of 32 bits (int), not 2147483648"),
        ("long", 1.5, "field f should be a whole number (long), not 1.5"),
        ("double", None, "field f should be a number, not null"),
        ("double", 10**400, "field f should be a number that a double holds, not 1000"),
        ("float", 1e300, "field f should be a number that a float holds, not 1e+300"),
        ("string", 1, "field f should be text, not 1"),
        ("string", "\ud800", "field f should be text without lone surrogates"),
        ("bytes", "!", "field f should be bytes in base64, not '!'"),
        ("bytes", 1, "field f should be bytes in base64, not 1"),
        (enum("A", "B"), "C", "field f should be one of A, B, not 'C'"),
        (enum("A", "B"), ["A"], "field f should be one of A, B, not ['A']"),
        ({"type": "fixed", "name": "F", "size": 1}, "YWI=", "field f should be 1 bytes in base64"),
        ({"type": "array", "items": "int"}, {}, "field f should be a list, not {}"),
        ({"type": "array", "items": LINE}, [{"quantity": 1}, {}],
         "field f[1].quantity is missing; it should be int"),
        ({"type": "array", "items": LINE}, [{"quantity": "x"}],
         "field f[0].quantity should be a whole number (int), not 'x'"),
        ({"type": "map", "values": "int"}, [], "field f should be an object, not []"),
        ({"type": "map", "values": "int"}, {"a": "x"}, "field f.a should be a whole number (int)"),
        ({"type": "map", "values": "int"}, {1: 1}, "field f should be an object"),
        (LINE, 3, "field f should be an object (order.line), not 3"),
        (LINE, {"quantity": 1, "x": 1}, "field f.x is not in order.line; there are quantity"),
        (["null", "int"], "x", "field f should be a whole number (int), not 'x'"),
        (["int", "string"], None, "field f should be int or string, not null"),
        (["null", "int", MILLIS], [], "field f should be null or int or timestamp-millis, not []"),
        (["int", LINE], "x", "field f should be int or order.line, not 'x'"),
        (MILLIS, "soon", "field f should be a time such as 2026-01-31T12:00:00Z, not 'soon'"),
        (MILLIS, "2026-01-01T00:00:00", "field f should be a time such as"),
        (MILLIS, "0001-01-01T00:00:00+14:00", "field f should be a time such as"),
        (MILLIS, 1.5, "field f should be a time such as"),
        (LOCAL, "2026-01-01T00:00:00Z", "field f should be a time without zone"),
        (logical("int", "date"), "31.1.2026", "field f should be a date such as 2026-01-31"),
        (logical("int", "date"), datetime(2026, 1, 1, tzinfo=UTC), "field f should be a date"),
        (logical("int", "time-millis"), "noon", "field f should be a time such as 12:00:00"),
        (DECIMAL, "1.234", "field f should be a decimal of 5 digits, 2 after the point, as text"),
        (DECIMAL, "1234", "field f should be a decimal"),
        (DECIMAL, "NaN", "field f should be a decimal"),
        (DECIMAL, "x", "field f should be a decimal"),
        (DECIMAL, 1.5, "field f should be a decimal"),
        (logical("string", "uuid"), "x", "field f should be a uuid, not 'x'"),
        (logical("string", "uuid"), 1, "field f should be a uuid, not 1"),
        ("string", ["x" * 100], "field f should be text, not ['xxx"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(kind, value, said):
    """By path, by what it should be, and by what it is."""
    with pytest.raises(Invalid) as raised:
        shaped(kind, value)
    assert raised.value.detail.startswith(said)
    assert len(raised.value.detail) < 200


def test_the_event_itself_may_be_wrong():
    """Then there is no field to name."""
    with pytest.raises(Invalid, match=r"the event should be an object \(order.created\)"):
        Shape(record())([])


def test_what_has_a_default_may_be_left_out():
    """Fastavro fills it in."""
    schema = record(field("a", "int", default=3))
    shape = Shape(schema)({})
    out = io.BytesIO()
    parsed = fastavro.parse_schema(schema)
    fastavro.schemaless_writer(out, parsed, shape)
    out.seek(0)
    assert fastavro.schemaless_reader(out, parsed, None) == {"a": 3}


def test_names_are_followed_also_into_themselves():
    """And nesting has an end."""
    schema = record(
        field("first", LINE), field("second", "line"), field("next", ["null", "created"])
    )
    inner = {"first": {"quantity": 1}, "second": {"quantity": 2}, "next": None}
    value = {**inner, "next": inner}
    assert Shape(schema)(value) == value
    for _ in range(100_000):
        value = {**inner, "next": value}
    with pytest.raises(Invalid, match="nested"):
        Shape(schema)(value)


def test_a_time_zone_of_any_kind_is_taken():
    """As UTC."""
    at = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert shaped(MILLIS, at) == at


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
KINDS = [
    "int", "string", "bytes", "double", MILLIS, LOCAL, DECIMAL, LINE, ["null", LINE, "string"],
    logical("int", "date"), logical("string", "uuid"), {"type": "array", "items": "int"},
]  # fmt: skip


@given(JSON, st.sampled_from(KINDS))
def test_any_json_is_shaped_and_written_or_invalid(value, kind):
    """Nothing else is raised, and what was shaped fastavro writes."""
    schema = record(field("f", kind))
    try:
        shape = Shape(schema)({"f": value})
    except Invalid:
        return
    fastavro.schemaless_writer(io.BytesIO(), fastavro.parse_schema(schema), shape)
