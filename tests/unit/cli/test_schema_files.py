"""What is wrong with a schema file is named by file, field and rule."""

import json

import pytest

from hooklane.adapters.codec import schemas_dir
from hooklane.cli.schema_files import EventType, event_types, faults
from hooklane.domain.errors import Invalid


def record(*fields, name="order.created", **more):
    return {"type": "record", "name": name, "doc": "d", "fields": list(fields), **more}


def field(name, kind="int", **more):
    return {"name": name, "type": kind, "doc": "d", **more}


def of(*versions, name="order.created"):
    return EventType(name=name, versions=dict(enumerate(versions, start=1)))


def test_our_own_schemas_have_no_fault():
    """All types, all versions."""
    found = event_types(schemas_dir() / "events")
    assert [fault for event_type in found for fault in faults(event_type)] == []
    assert "order.created" in [event_type.name for event_type in found]


@pytest.mark.parametrize(
    ("event_type", "said"),
    [
        (of(record(name="order.creation"), name="order.creation"), "rule naming"),
        (of(record(name="Order.Created"), name="Order.Created"), "rule naming"),
        (of(record(name="order.shipped")), "its full name is order.shipped, its folder order.c"),
        (of({"type": "record", "name": "order.created", "fields": 3}), "v1: the schema is not"),
        (of(record(doc="")), "order.created v1: record order.created has no doc (rule doc)"),
        (of(record(field("a", doc=""))), "order.created v1: field a has no doc (rule doc)"),
        (
            of(record(field("a", ["null", record(field("b", doc=""), name="l")]))),
            "order.created v1: field a.b has no doc",
        ),
        (
            of(record(field("a", ["null", {"type": "map", "values":
                {"type": "enum", "name": "E", "symbols": ["A"]}}]))),
            "order.created v1: enum E has no doc",
        ),
        (of(record(), record(field("a"))), "order.created v1 and v2: field a: it is not in every"),
        (
            EventType(name="order.created", versions={1: record(), 3: record()}),
            "order.created: versions [1, 3] are not 1, 2, 3",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_a_sentence(event_type, said):
    """With what it is and where."""
    (fault,) = faults(event_type)
    assert said in fault


@pytest.mark.parametrize("name", ["invoice.paid", "account.left", "order.line_added"])
def test_irregular_participles_are_known(name):
    """And only a name's last word counts."""
    assert faults(of(record(name=name), name=name)) == []


def test_folders_are_read(tmp_path):
    """Versions in order; other files are left alone."""
    folder = tmp_path / "order.created"
    folder.mkdir()
    for number in (10, 2, 1):
        (folder / f"v{number}.avsc").write_text(json.dumps(number))
    (folder / "example.v1.json").write_text("{")
    (found,) = event_types(tmp_path)
    assert list(found.versions.items()) == [(1, 1), (2, 2), (10, 10)]


def test_unreadable_folders_are_refused(tmp_path):
    """By name."""
    with pytest.raises(Invalid, match="no folder"):
        event_types(tmp_path / "none")
    with pytest.raises(Invalid, match="no folder <type>"):
        event_types(tmp_path)
    folder = tmp_path / "order.created"
    folder.mkdir()
    with pytest.raises(Invalid, match=r"no vN\.avsc"):
        event_types(tmp_path)
    (folder / "v1.avsc").write_text("{")
    with pytest.raises(Invalid, match=r"v1\.avsc is not JSON"):
        event_types(tmp_path)
