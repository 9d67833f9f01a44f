"""The control API as an ASGI application: authentication, problems, and the routes."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import Depends, FastAPI

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.problems import add_handlers
from hooklane.control.command_routes import CommandRoutes
from hooklane.control.delivery_routes import DeliveryRoutes
from hooklane.control.desk import Desk
from hooklane.control.door import Door, Limits, Threshold
from hooklane.control.event_routes import EventRoutes
from hooklane.control.explain_routes import ExplainRoutes
from hooklane.control.explaining import Explaining
from hooklane.control.health_routes import HealthRoutes
from hooklane.control.key_routes import KeyRoutes
from hooklane.control.log_routes import LogRoutes
from hooklane.control.lookout import Lookout
from hooklane.control.openapi import problem_answers
from hooklane.control.placement_routes import PlacementRoutes
from hooklane.control.probe_routes import ProbeRoutes
from hooklane.control.release_routes import ReleaseRoutes
from hooklane.control.routes import EndpointRoutes, TenantRoutes
from hooklane.control.stats_routes import StatsRoutes


def build_api(
    desk: Desk,
    lookout: Lookout,
    *,
    api_key: str,
    log: Log = no_log,
    limits: Limits | None = None,
) -> FastAPI:
    """Build the application; without limits a key may ask as much as it likes."""
    limits = limits or Limits()
    door = Door(desk, api_key=api_key, limits=limits)
    app = FastAPI(
        title="Hooklane control API",
        version=version("hooklane"),
        description="Tenants, endpoints, keys; events, deliveries, attempts, dead letters.",
        dependencies=[Depends(door.admit)],
        responses=problem_answers(),
        # Their pages would load scripts from elsewhere; /openapi.json has all they show.
        docs_url=None,
        redoc_url=None,
    )
    explaining = Explaining(desk.store, rejected=lookout.rejected, now=desk.clock.now)
    for routes in (
        TenantRoutes(desk),
        EndpointRoutes(desk),
        KeyRoutes(desk, door.keys.forget),
        LogRoutes(desk, lookout),
        EventRoutes(desk),
        DeliveryRoutes(desk),
        StatsRoutes(desk),
        ExplainRoutes(explaining),
        HealthRoutes(desk),
        ReleaseRoutes(desk),
        PlacementRoutes(desk),
        ProbeRoutes(desk),
        CommandRoutes(desk, lookout.past, lookout.replays),
    ):
        app.include_router(routes.router())
    app.add_middleware(Threshold, body_bytes_max=limits.body_bytes_max)
    add_handlers(app, log)
    return app
