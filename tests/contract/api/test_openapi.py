"""The API's description: sound, and whole."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from hooklane.control.api import build_api
from support.control import API_KEY, Bench

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    """The same on every database."""
    bench = Bench(url=f"sqlite:///{tmp_path_factory.mktemp('api')}/api.db")
    yield build_api(bench.desk, bench.lookout, api_key=API_KEY).openapi()
    bench.store.close()


def operations(description):
    """Give each operation under its name."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def shown(description, content):
    """Tell whether a body has an example, in its place or its model's."""
    schema = content.get("schema", {})
    for one in (content, schema, *schema.get("anyOf", ())):
        named = one.get("$ref", "").rpartition("/")[2]
        model = description["components"]["schemas"][named] if named else one
        if "example" in model or "examples" in model:
            return True
    return False


def test_the_description_is_openapi_3_1(description):
    """A validator has nothing against it."""
    assert description["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(description).iter_errors()] == []


def test_every_operation_has_a_summary_and_a_description(description):
    """Said in words, with no two of one name."""
    found = dict(operations(description))
    silent = [
        name for name, one in found.items() if not (one.get("summary") and one["description"])
    ]
    assert silent == []
    names = [one["operationId"] for one in found.values()]
    assert len(names) == len(set(names))


def test_every_operation_has_examples(description):
    """Of what is sent and of what comes back."""
    without = []
    for name, one in operations(description):
        bodies = [one["requestBody"]] if "requestBody" in one else []
        bodies += [answer for status, answer in one["responses"].items() if status.startswith("2")]
        for body in bodies:
            without += [
                name
                for content in body.get("content", {}).values()
                if not shown(description, content)
            ]
    assert without == []


def test_every_refusal_is_described_as_a_problem(description):
    """Whatever is refused, its form is RFC 9457's."""
    for name, one in operations(description):
        refusals = {status: one for status, one in one["responses"].items() if status >= "4"}
        assert {"401", "403", "404", "422", "429", "503"} <= refusals.keys(), name
        for answer in refusals.values():
            assert list(answer["content"]) == ["application/problem+json"], name
