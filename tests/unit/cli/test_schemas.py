"""Nothing is registered past a rule, nor under another number."""

import pytest
from click.testing import CliRunner

from hooklane.cli import main, schemas
from hooklane.cli.schema_files import EventType
from hooklane.domain.errors import Conflict
from support.registry_fake import FakeRegistry


def record(*names):
    fields = [{"name": name, "type": "int", "default": 0} for name in names]
    return {"type": "record", "name": "order.created", "fields": fields}


TYPE = EventType(name="order.created", versions={1: record(), 2: record("a"), 3: record("b")})


@pytest.fixture
def registry():
    return FakeRegistry()


def test_what_is_new_is_registered_in_order(registry):
    """And is known afterwards."""
    new = schemas.unregistered(registry, TYPE)
    assert new == [("order.created", 1), ("order.created", 2), ("order.created", 3)]
    for _, version in new:
        schemas.register_version(registry, TYPE, version=version)
    assert schemas.unregistered(registry, TYPE) == []


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ([record("x")], "version 1 is not what v1.avsc says"),
        ([record(), record("a"), record("b"), record("c")], "there is no v4.avsc"),
    ],
)
def test_a_registry_that_says_otherwise_is_a_conflict(registry, there, said):
    """The version is named."""
    for schema in there:
        registry.put("order.created", schema)
    with pytest.raises(Conflict, match=said):
        schemas.unregistered(registry, TYPE)


def test_another_number_is_refused_before_it_is_given(registry):
    """Files that begin at v2 would become version 1."""
    late = EventType(name="order.created", versions={2: record()})
    with pytest.raises(Conflict, match=r"would call order\.created v2\.avsc version 1"):
        schemas.unregistered(registry, late)


def test_another_number_is_refused_after_it_was_given(registry):
    """As where an earlier version was deleted meanwhile."""
    with pytest.raises(Conflict, match=r"calls order\.created v2\.avsc version 1"):
        schemas.register_version(registry, TYPE, version=2)


def test_the_registrys_objections_are_told(registry):
    """Before anything is changed."""
    registry.put("order.created", record())
    registry.objections = lambda _subject, _schema: ["no", "never"]
    with pytest.raises(Conflict, match="no; never"):
        schemas.unregistered(registry, TYPE)


def test_checking_offline_asks_nobody(tmp_path):
    """Our own files pass; a folder without any is refused with exit code 2."""
    result = CliRunner().invoke(main, ["schemas", "check", "--offline"])
    assert result.exit_code == 0, result.output
    assert "nothing wrong" in result.output
    arguments = ["schemas", "check", "--offline", "--schemas", str(tmp_path)]
    assert CliRunner().invoke(main, arguments).exit_code == 2
