"""Our compatibility rules say what fastavro does."""

import io

import fastavro
from fastavro.utils import generate_many
from hypothesis import given, settings
from hypothesis import strategies as st

from hooklane.domain.compatibility import OURS, objections

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
DEFAULTS = {"null": None, "boolean": True, "int": 1, "long": 1, "float": 1.0, "double": 1.0,
            "bytes": "x", "string": "x"}  # fmt: skip
ENUMS = [["A"], ["A", "B"], ["B"], ["A", "B", "C"]]


def types(depth):
    simple = st.sampled_from(PRIMITIVES)
    if depth == 0:
        return simple
    inner = types(depth - 1)
    return st.one_of(
        simple,
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda values: {"type": "map", "values": values}, inner),
        st.lists(simple, min_size=1, max_size=3, unique=True),
    )


@st.composite
def records(draw):
    fields = []
    for name in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3)):
        kind = draw(types(2))
        field = {"name": name, "type": kind}
        if isinstance(kind, str) and draw(st.booleans()):
            field["default"] = DEFAULTS[kind]
        fields.append(field)
    if draw(st.booleans()):
        enum = {"type": "enum", "name": "E", "symbols": draw(st.sampled_from(ENUMS))}
        if draw(st.booleans()):
            enum["default"] = enum["symbols"][0]
        fields.append({"name": "e", "type": enum})
    return {"type": "record", "name": "a.b", "fields": fields}


def as_text(value):
    """Make bytes text: Avro lets a string reader read bytes, which only UTF-8 survives."""
    if isinstance(value, bytes):
        return value.hex().encode()
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    return [as_text(item) for item in value] if isinstance(value, list) else value


def written(schema, count=12):
    for value in generate_many(schema, count):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, as_text(value))
        yield out.getvalue()


@settings(max_examples=100, deadline=None)
@given(reader=records(), writer=records())
def test_what_we_allow_fastavro_reads(reader, writer):
    """Whatever the writer's schema can write, the reader's can read, where we do not object."""
    said = [o for o in objections(reader=reader, writer=writer) if o.rule not in OURS]
    if said:
        return
    writer, reader = fastavro.parse_schema(writer), fastavro.parse_schema(reader)
    for raw in written(writer):
        fastavro.schemaless_reader(io.BytesIO(raw), writer, reader)
