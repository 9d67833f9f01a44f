"""The HTTP form: who may call, how it is described, what is said of our own faults."""

import asyncio

import pytest
from openapi_spec_validator import validate

from support.ingesting import EVENT, IngestBench


@pytest.fixture
def description(door):
    return asyncio.run(door.request("GET", "/openapi.json")).json()


@pytest.mark.parametrize("key", ["", "wrong", "é"])
def test_it_wants_a_key(door, key):
    """401 as a problem, with the scheme that is wanted; nothing is written."""
    answer = door.post(EVENT, key=key)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (answer.json()["status"], door.written()) == (401, [])


def test_the_description_is_openapi_3_1(description):
    """Valid, with examples, and every status that is answered."""
    validate(description)
    assert description["openapi"].startswith("3.1")
    operation = description["paths"]["/v1/events"]["post"]
    assert set(operation["responses"]) == {
        "202", "400", "401", "403", "408", "413", "422", "429", "503",
    }  # fmt: skip
    assert operation["security"] == [{"HTTPBearer": []}]
    (parameter,) = operation["parameters"]
    assert parameter["name"] == "Idempotency-Key"


def test_the_examples_have_the_form_that_is_taken(door, description):
    """What the description shows can be sent as it is, but for its type's own fields."""
    body = description["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    examples = body["application/json"]["examples"]
    for example in examples.values():
        answer = door.post(example["value"])
        assert "order.created version 1: field" in answer.json()["detail"]


def test_another_path_or_method_is_a_problem_too(door):
    """With its status."""
    for method, path, status in (("GET", "/v1/events", 405), ("POST", "/v1/nothing", 404)):
        answer = asyncio.run(door.request(method, path))
        assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_a_body_beyond_the_limit_is_413():
    """Whoever sent it."""
    door = IngestBench(body_bytes_max="1024")
    answer = door.post({**EVENT, "data": {"n": "x" * 2_000}})
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_our_own_fault_is_500_without_its_insides(door):
    """The log has them."""
    door.registry.failure = RuntimeError("secret insides")
    answer = door.post(EVENT)
    assert (answer.status_code, "insides" in answer.text) == (500, False)
    assert [line["what"] for line in door.log.lines] == ["request.failed"]
