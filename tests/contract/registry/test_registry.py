"""A real registry answers as our adapter says it does."""

import httpx
import pytest

from hooklane.adapters.registry import FULL_TRANSITIVE, HttpRegistry
from hooklane.adapters.settings import RegistrySettings
from hooklane.domain.errors import Conflict, Invalid, NotFound, Unavailable

pytestmark = pytest.mark.kafka


@pytest.fixture
def registry(registry_url):
    made = HttpRegistry(RegistrySettings(url=registry_url))
    yield made
    made.close()


@pytest.fixture
def subject(prefix):
    return f"{prefix}.created"


def record(subject, *fields):
    return {"type": "record", "name": "created", "namespace": subject.rpartition(".")[0],
            "fields": list(fields)}  # fmt: skip


ADDED = {"name": "n", "type": "int", "default": 0}


def test_what_is_registered_is_found_by_id_and_by_version(registry, subject):
    """With its numbers, also under a second subject."""
    older, newer = record(subject), record(subject, ADDED)
    first = registry.register(subject, older)
    registry.set_compatibility(subject, FULL_TRANSITIVE)
    second = registry.register(subject, newer)
    assert registry.versions(subject) == [1, 2]
    assert registry.version(subject).schema_id == second
    found = registry.version(subject, 1)
    assert (found.schema_id, found.version, found.schema) == (first, 1, older)
    assert registry.register(f"events.{subject}-value", newer) == second
    known = registry.known(second)
    assert known.schema == newer
    assert known.versions == {subject: 2, f"events.{subject}-value": 1}


def test_what_breaks_compatibility_is_objected_to_and_refused(registry, subject):
    """Once the level is set."""
    registry.register(subject, record(subject))
    registry.set_compatibility(subject, FULL_TRANSITIVE)
    broken = record(subject, {"name": "n", "type": "int"})
    assert registry.objections(subject, record(subject, ADDED)) == []
    assert registry.objections(subject, broken) != []
    with pytest.raises(Conflict):
        registry.register(subject, broken)
    assert registry.versions(subject) == [1]


def test_what_is_not_there_is_definite(registry, subject):
    """An id, a subject, a version, a GUID."""
    for schema_id in (0, 2**31 - 1, 2**32 - 1):
        with pytest.raises(NotFound):
            registry.known(schema_id)
    with pytest.raises(NotFound):
        registry.known("00010203-0405-0607-0809-0a0b0c0d0e0f")
    with pytest.raises(NotFound):
        registry.version(subject)
    assert registry.versions(subject) == []
    registry.register(subject, record(subject))
    with pytest.raises(NotFound):
        registry.version(subject, 9)


def test_nonsense_is_invalid(registry, subject):
    """And registers nothing."""
    with pytest.raises(Invalid):
        registry.register(subject, {"type": "nonsense"})
    assert registry.versions(subject) == []


def test_references_are_put_in(registry, registry_url, subject):
    """A schema that names another subject's is whole when we get it."""
    namespace = subject.rpartition(".")[0]
    money = {"type": "record", "name": "money", "namespace": namespace, "fields": [ADDED]}
    registry.register(f"{namespace}.money", money)
    reference = {"name": f"{namespace}.money", "subject": f"{namespace}.money", "version": 1}
    text = (
        f'{{"type":"record","name":"created","namespace":"{namespace}","fields":'
        f'[{{"name":"m","type":"{namespace}.money"}}]}}'
    )
    answer = httpx.post(
        f"{registry_url}/subjects/{subject}/versions",
        json={"schema": text, "schemaType": "AVRO", "references": [reference]},
        timeout=20,
    )
    found = registry.known(answer.json()["id"])
    (field,) = found.schema["fields"]
    assert field["type"]["fields"] == [ADDED]


def test_nobody_there_is_unavailable():
    """Not a word about the schema."""
    away = HttpRegistry(RegistrySettings(url="http://127.0.0.1:9"))
    with pytest.raises(Unavailable):
        away.known(1)
    away.close()
