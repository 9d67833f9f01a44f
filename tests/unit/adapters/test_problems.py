import json

import pytest

from hooklane.adapters.problems import (
    Forbidden,
    RevisionRequired,
    RevisionStale,
    TooLarge,
    TooMany,
    Unauthenticated,
    field_problem,
    problem_of,
)
from hooklane.domain.errors import (
    BrokenContract,
    Conflict,
    Invalid,
    NotFound,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unauthenticated("x"), 401),
        (Forbidden("x"), 403),
        (NotFound("x"), 404),
        (Conflict("x"), 409),
        (TooLarge("x"), 413),
        (RevisionStale("x"), 412),
        (Invalid("x"), 422),
        (RevisionRequired("x"), 428),
        (TooMany("x"), 429),
        (Unavailable("x"), 503),
        (BrokenContract("x"), 500),
    ],
)
def test_each_error_has_its_status(error, status):
    """In the answer's line and in its body."""
    answer = problem_of(error)
    body = json.loads(answer.body)
    assert (answer.status_code, body["status"], body["detail"]) == (status, status, "x")
    assert answer.media_type == "application/problem+json"


def test_a_field_is_named_by_its_path():
    """Inside lists too; a whole body by what it is."""
    inner = {"type": "missing", "loc": ("body", "positions", 0, "offset"), "msg": "Field required"}
    assert json.loads(field_problem([inner]).body)["detail"] == "positions.0.offset: Field required"
    whole = {"type": "missing", "loc": ("body",), "msg": "Field required"}
    assert json.loads(field_problem([whole]).body)["detail"] == "body: Field required"
