import httpx
import pytest

from hooklane.client.refusals import error_of
from hooklane.domain.errors import Conflict, Invalid, NotFound, Unavailable


@pytest.mark.parametrize(
    ("status", "title", "kind"),
    [
        (400, "Refused", Invalid),
        (401, "Unauthenticated", Invalid),
        (404, "Not found", NotFound),
        (409, "Conflict", Conflict),
        (408, "Request timeout", Unavailable),
        (412, "Revision is stale", Conflict),
        (422, "Not valid", Invalid),
        (428, "If-Match is required", Invalid),
        (429, "Too many requests", Unavailable),
        (503, "Unavailable", Unavailable),
    ],
)
def test_every_status_has_its_error(status, title, kind):
    """Exit codes and callers follow from the kind."""
    body = {"title": title, "detail": "because", "status": status}
    found = error_of(httpx.Response(status, json=body))
    assert type(found) is kind
    assert "because" in found.detail


def test_an_answer_that_is_no_problem_is_told_by_its_status():
    """A proxy's page has no detail of ours."""
    assert error_of(httpx.Response(404, text="<html>")).detail == "Not Found"
    assert error_of(httpx.Response(418, json=["x"])).detail == "I'm a teapot"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"field": "n", "index": 3}, {"field": "n", "index": 3}),
        ({"field": 3, "index": True}, {}),
        (["x"], {}),
    ],
)
def test_where_the_fault_is_is_kept(said, expected):
    """For whoever knows the lines that a request was made of."""
    assert error_of(httpx.Response(422, json=said)).fields == {"status": 422, **expected}
