"""Whatever a registry answers is the thing, its definite no, or Unavailable."""

import json

import httpx
import pytest

from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.settings import RegistrySettings
from hooklane.domain.errors import BrokenContract, Conflict, Invalid, NotFound, Unavailable

SCHEMA = {"type": "record", "name": "order.created", "fields": []}
NOT_FOUND = {"error_code": 40403, "message": "Schema not found"}


def registry(answers):
    """A registry that answers a path with (status, body), and keeps what it was asked."""
    asked = []

    def answer(request):
        asked.append(request)
        path = request.url.raw_path.decode().removeprefix("/base")
        found = answers.get(path, (404, NOT_FOUND))
        if isinstance(found, Exception):
            raise found
        status, body = found
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return httpx.Response(status, content=text)

    settings = RegistrySettings(url="http://registry/base/")
    made = HttpRegistry(settings, transport=httpx.MockTransport(answer))
    made.asked = asked
    return made


def stored(schema, **more):
    return {"schema": json.dumps(schema), **more}


def test_a_schema_is_known_by_id_with_its_versions():
    """The highest where a subject has several."""
    rows = [{"subject": "a", "version": 1}, {"subject": "a", "version": 3},
            {"subject": "b", "version": 2}]  # fmt: skip
    known = registry({
        "/schemas/ids/7": (200, stored(SCHEMA)),
        "/schemas/ids/7/versions": (200, rows),
    }).known(7)  # fmt: skip
    assert (known.schema_id, known.schema, known.versions) == (7, SCHEMA, {"a": 3, "b": 2})


def test_a_guid_is_looked_up():
    """Where the registry serves them."""
    answers = {
        "/schemas/guids/g/ids": (200, [{"context": ".", "id": 7}]),
        "/schemas/ids/7": (200, stored(SCHEMA)),
        "/schemas/ids/7/versions": (200, []),
    }
    assert registry(answers).known("g").schema_id == 7
    answers["/schemas/guids/g/ids"] = (200, [])
    with pytest.raises(NotFound):
        registry(answers).known("g")


def test_references_are_put_in():
    """By subject and version."""
    inner = {"type": "record", "name": "shared.money", "fields": []}
    outer = {**SCHEMA, "fields": [{"name": "m", "type": "shared.money"}]}
    reference = {"name": "shared.money", "subject": "shared/money", "version": 2}
    found = registry({
        "/subjects/order.created/versions/latest":
            (200, stored(outer, id=7, version=2, references=[reference])),
        "/subjects/shared%2Fmoney/versions/2": (200, stored(inner, id=1, version=2)),
    }).version("order.created")  # fmt: skip
    assert (found.version, found.schema_id) == (2, 7)
    assert found.schema == {**SCHEMA, "fields": [{"name": "m", "type": inner}]}


def test_references_without_end_break_the_contract():
    """A registry that lets them in must not hang us."""
    reference = {"name": "x", "subject": "order.created", "version": 1}
    answer = (200, stored(SCHEMA, id=7, version=1, references=[reference]))
    with pytest.raises(BrokenContract):
        registry({"/subjects/order.created/versions/1": answer}).version("order.created", 1)


@pytest.mark.parametrize("body", [{"schema": "{", "id": 1}, stored(SCHEMA, schemaType="JSON")])
def test_what_is_no_avro_breaks_the_contract(body):
    """JSON Schema and Protobuf are not events' schemas."""
    with pytest.raises(BrokenContract):
        registry({"/schemas/ids/7": (200, body), "/schemas/ids/7/versions": (200, [])}).known(7)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        (500, {"error_code": 50001, "message": "x"}),
        (503, "<html>"),
        (404, "<html>no such page"),
        (404, {"message": "no code"}),
        (404, []),
        (301, ""),
        (401, ""),
        (200, "<html>"),
        (200, {}),
        (200, []),
        (200, {"schema": 3}),
        (200, 3),
    ],
)
def test_anything_but_its_word_is_unavailable(answer):
    """Also a proxy's 404: it is never taken for the registry's."""
    with pytest.raises(Unavailable):
        registry({"/schemas/ids/7": answer, "/schemas/ids/7/versions": answer}).known(7)


def test_a_registry_without_guids_knows_none():
    """Only if it is there at all: a proxy's 404 says nothing."""
    nothing = (404, "")
    served = {"/schemas/guids/g/ids": nothing, "/schemas/types": (200, ["AVRO"])}
    with pytest.raises(NotFound):
        registry(served).known("g")
    with pytest.raises(Unavailable):
        registry({"/schemas/guids/g/ids": nothing, "/schemas/types": nothing}).known("g")
    with pytest.raises(Unavailable):
        registry({"/schemas/guids/g/ids": (503, "")}).known("g")


def test_a_hostile_id_is_not_found():
    """Four bytes that no registry gives, or that this one can't read."""
    made = registry({"/schemas/ids/7": (422, {"error_code": 42202, "message": "?"})})
    for ref in (2**32 - 1, 7):
        with pytest.raises(NotFound):
            made.known(ref)
    assert len(made.asked) == 1


def test_a_broken_schema_with_references_breaks_the_contract():
    """It can never be decoded with."""
    inner = stored({"type": "record", "name": "a.b", "fields": []}, id=1, version=1)
    reference = {"name": "a.b", "subject": "a.b", "version": 1}
    made = registry({
        "/schemas/ids/7": (200, stored({"type": "record"}, references=[reference])),
        "/schemas/ids/7/versions": (200, []),
        "/subjects/a.b/versions/1": (200, inner),
    })  # fmt: skip
    with pytest.raises(BrokenContract):
        made.known(7)


def test_its_own_404_is_definite():
    """The subject has no versions then."""
    made = registry({})
    with pytest.raises(NotFound):
        made.known(7)
    assert made.versions("order.created") == []
    assert made.objections("order.created", SCHEMA) == []


def test_registering_sends_the_schema():
    """And gives its id; a conflict and nonsense are the caller's."""
    path = "/subjects/order.created/versions"
    made = registry({path: (200, {"id": 9})})
    assert made.register("order.created", SCHEMA) == 9
    assert json.loads(json.loads(made.asked[0].content)["schema"]) == SCHEMA
    with pytest.raises(Conflict):
        registry({path: (409, {"error_code": 409, "message": "no"})}).register(
            "order.created", SCHEMA
        )
    with pytest.raises(Invalid):
        registry({path: (422, {"error_code": 42201, "message": "no"})}).register(
            "order.created", SCHEMA
        )


def test_objections_are_its_words():
    """Where it gives any."""
    path = "/compatibility/subjects/order.created/versions?verbose=true"
    for body, expected in (
        ({"is_compatible": True}, []),
        ({"is_compatible": False, "messages": ["bad"]}, ["bad"]),
        ({"is_compatible": False}, ["it says no, not why"]),
    ):
        assert registry({path: (200, body)}).objections("order.created", SCHEMA) == expected


def test_the_level_is_set_and_versions_are_listed():
    """In order."""
    made = registry({
        "/config/order.created": (200, {"compatibility": "FULL_TRANSITIVE"}),
        "/subjects/order.created/versions": (200, [2, 1]),
    })  # fmt: skip
    made.set_compatibility("order.created", "FULL_TRANSITIVE")
    assert json.loads(made.asked[0].content) == {"compatibility": "FULL_TRANSITIVE"}
    assert made.versions("order.created") == [1, 2]
    made.close()
