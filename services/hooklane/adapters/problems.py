"""Refusals as problem details (RFC 9457): one sentence that names the field and the rule."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hooklane.adapters.log import Log
from hooklane.domain.errors import (
    Conflict,
    HooklaneError,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
TRACE_CHARACTERS_MAX = 4_000


class Unauthenticated(Refused):
    """The API key is missing or wrong."""


class Forbidden(Refused):
    """The key does not allow this."""


class NotJson(Refused):
    """The body is not JSON."""


class TooSlow(Refused):
    """The request did not come in time."""


class TooLarge(Refused):
    """The request is larger than is taken."""


class TooMany(Refused):
    """Too much is under way."""


class RevisionRequired(Refused):
    """An update names the revision it is based on."""


class RevisionStale(Refused):
    """The endpoint was changed in between."""


# The first class that fits counts.
STATUS: Sequence[tuple[type[HooklaneError], int, str]] = (
    (Unauthenticated, 401, "Unauthenticated"),
    (Forbidden, 403, "Forbidden"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Conflict"),
    (NotJson, 400, "Not JSON"),
    (TooSlow, 408, "Request timeout"),
    (TooLarge, 413, "Too large"),
    (RevisionStale, 412, "Revision is stale"),
    (Invalid, 422, "Not valid"),
    (RevisionRequired, 428, "If-Match is required"),
    (TooMany, 429, "Too many requests"),
    (Refused, 400, "Refused"),
    (Unavailable, 503, "Unavailable"),
)

_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": "1"},
    503: {"Retry-After": "1"},
}


# Members beyond RFC 9457's own: where in the request the fault is.
MEMBERS = ("field", "index")


def status_of(error: HooklaneError) -> tuple[int, str]:
    """Give the HTTP status and title of an error; 500 for what is our own fault."""
    for kind, status, title in STATUS:
        if isinstance(error, kind):
            return status, title
    return 500, "Internal error"


def problem(
    status: int,
    title: str,
    *,
    detail: str,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Response:
    """Build a problem's answer."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body |= members or {}
    return Response(
        orjson.dumps(body), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def problem_of(error: HooklaneError) -> Response:
    """Build the answer of one of our errors."""
    status, title = status_of(error)
    extra = _HEADERS.get(status)
    members = {name: error.fields[name] for name in MEMBERS if name in error.fields}
    detail = error.detail or str(error)
    return problem(status, title, detail=detail, headers=extra, members=members)


def field_problem(errors: Sequence[Any]) -> Response:
    """Build the answer of a body or parameter that does not fit its model."""
    first = errors[0]
    place = [str(part) for part in first["loc"]]
    if first["type"] == "json_invalid":
        return problem(400, "Not JSON", detail=f"the body is not JSON: {first['ctx']['error']}")
    field = ".".join(place[1:]) or place[0]
    return problem(422, "Not valid", detail=f"{field}: {first['msg']}")


def add_handlers(app: FastAPI, log: Log) -> None:
    """Answer every error of an application with a problem; what is our fault is logged."""

    @app.exception_handler(HooklaneError)
    async def ours(request: Request, error: HooklaneError) -> Response:
        if not isinstance(error, Refused):
            log("request.failed", level="error", path=request.url.path, error=str(error))
        return problem_of(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        return field_problem(error.errors())

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), detail=str(error.detail))

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        trace = "".join(traceback.format_exception(error))[-TRACE_CHARACTERS_MAX:]
        log("request.failed", level="error", path=request.url.path, trace=trace)
        return problem(500, "Internal error", detail="our own fault; the log has it")
