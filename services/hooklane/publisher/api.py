"""The ingest door as an ASGI application: authentication, problems, and the one route."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Header, Request
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.problems import MEDIA_TYPE, add_handlers
from hooklane.publisher.access import Keys
from hooklane.publisher.door import Door
from hooklane.publisher.requests import EXAMPLE, BatchDraft, EventDraft, Ingested

_bearer = HTTPBearer(auto_error=False, description="A publisher's API key.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The id of an event that has none; `<key>/<index>` in a batch. The same key, "
        "type and tenant again is the same event, under the same id.",
    ),
]
ABOUT = """Publishes one event, or several: all of them or none.

Answers once the brokers have all of them. After a 503 they may have been written: send the same
again with the same `id`s or `Idempotency-Key`, and receivers see one event, under one webhook-id,
whatever was written before. A receiver may then get it twice: with the same webhook-id.
"""
REFUSALS = {
    400: "The body is not JSON.",
    401: "The API key is missing or wrong.",
    403: "The key is another tenant's.",
    408: "The body did not come in time.",
    413: "The body, the batch or an event is too large.",
    422: "A field is wrong: `field` and, in a batch, `index` say which. Nothing was written.",
    429: "Too much is under way; nothing was written.",
    503: "Kafka or the registry is away, or Kafka did not acknowledge in time.",
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence: what is wrong, and where."},
        "field": {"type": "string"},
        "index": {"type": "integer"},
    },
}
INVALID = {
    "type": "about:blank",
    "title": "Not valid",
    "status": 422,
    "detail": "events.1: order.created version 2: field total should be a decimal of 12 digits, "
    "2 after the point, as text, not 49.9",
    "field": "total",
    "index": 1,
}
ANSWER = {
    "events": [
        {
            "id": "evt_abcdefghijklmnopqrstuvwxyz",
            "type": "order.created",
            "version": 2,
            "tenant": "acme",
            "source": "hooklane.publisher",
            "id_in_source": "o-1001",
        }
    ]
}
BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/EventDraft"},
                    {"$ref": "#/components/schemas/BatchDraft"},
                ]
            },
            "examples": {
                "one": {"summary": "One event", "value": EXAMPLE},
                "several": {"summary": "A batch", "value": {"events": [EXAMPLE]}},
            },
        }
    },
}


def build_api(door: Door, keys: Keys, *, log: Log = no_log) -> FastAPI:
    """Build the application."""
    app = FastAPI(
        title="Hooklane ingest API",
        version=version("hooklane"),
        description="Takes events over HTTP and writes them to Kafka.",
        # Their pages would load scripts from elsewhere; /openapi.json has all they show.
        docs_url=None,
        redoc_url=None,
    )

    @app.post(
        "/v1/events",
        status_code=202,
        summary="Publish events",
        description=ABOUT,
        response_model=Ingested,
        responses=_responses(),
        openapi_extra={"requestBody": BODY},
    )
    async def publish(
        request: Request, _sent: Credentials, idempotency_key: IdempotencyKey = None
    ) -> Response:
        caller = keys.caller(request.headers.get("authorization"))
        body = await request.body()
        taken = await door.take(body, caller=caller, idempotency_key=idempotency_key)
        # Written by ourselves: checking and encoding it once more costs as much as all the rest.
        content = orjson.dumps(taken.model_dump())
        return Response(content, status_code=202, media_type="application/json")

    add_handlers(app, log)
    _describe(app)
    return app


def _responses() -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {
        202: {
            "description": "The brokers have all of them.",
            "content": {"application/json": {"example": ANSWER}},
        }
    }
    for status, meaning in REFUSALS.items():
        content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
        if status == 422:
            content["example"] = INVALID
        found[status] = {"description": meaning, "content": {MEDIA_TYPE: content}}
    return found


def _describe(app: FastAPI) -> None:
    """Put in the description what the route reads by itself."""
    template = "#/components/schemas/{model}"
    _, drafts = models_json_schema(
        [(EventDraft, "validation"), (BatchDraft, "validation")], ref_template=template
    )

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schemas = found["components"]["schemas"]
            schemas |= {**drafts["$defs"], "Problem": PROBLEM}
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to extend it
