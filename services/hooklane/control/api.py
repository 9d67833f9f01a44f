"""The control API as an ASGI application: authentication, problems, and the routes."""

from __future__ import annotations

import hmac
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.problems import Unauthenticated, add_handlers
from hooklane.control.access import Caller
from hooklane.control.desk import Desk
from hooklane.control.explain_routes import ExplainRoutes
from hooklane.control.explaining import Explaining
from hooklane.control.log_routes import LogRoutes
from hooklane.control.lookout import Lookout
from hooklane.control.routes import EndpointRoutes, TenantRoutes

_bearer = HTTPBearer(auto_error=False, description="The deployment's API key.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused: application/problem+json, nothing was changed."},
    503: {"description": "The database is away: application/problem+json."},
}


def build_api(desk: Desk, lookout: Lookout, *, api_key: str, log: Log = no_log) -> FastAPI:
    """Build the application."""
    app = FastAPI(
        title="Hooklane control API",
        version=version("hooklane"),
        description="Tenants, endpoints, attempts, dead letters and redrives.",
        dependencies=[Depends(_requires(api_key))],
        responses=_PROBLEMS,
        # Their pages would load scripts from elsewhere; /openapi.json has all they show.
        docs_url=None,
        redoc_url=None,
    )
    explaining = Explaining(desk.store, rejected=lookout.rejected, now=desk.clock.now)
    for routes in (
        TenantRoutes(desk),
        EndpointRoutes(desk),
        LogRoutes(desk, lookout),
        ExplainRoutes(explaining),
    ):
        app.include_router(routes.router())
    add_handlers(app, log)
    return app


def _requires(api_key: str) -> Any:
    expected = api_key.encode()

    def authenticate(request: Request, sent: Credentials) -> None:
        """Compare the key in constant time."""
        found = b"" if sent is None else sent.credentials.encode()
        if not hmac.compare_digest(found, expected):
            raise Unauthenticated("send the API key as Authorization: Bearer …")
        request.state.caller = Caller(name="deployment")

    return authenticate
