"""Puts the ingest door together from its settings and concrete adapters; `__main__` names those."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from starlette.types import ASGIApp

from hooklane.adapters.log import Log
from hooklane.adapters.ports import AckingProducer, Admin, Clock
from hooklane.adapters.schema_registry import SchemaRegistry
from hooklane.publisher.access import Keys
from hooklane.publisher.acks import Acks
from hooklane.publisher.api import build_api
from hooklane.publisher.bodies import Bodies
from hooklane.publisher.catalogue import Catalogue
from hooklane.publisher.door import Door, DoorSettings
from hooklane.publisher.lookups import Lookups
from hooklane.publisher.settings import PublisherSettings
from hooklane.publisher.worker import Ingest, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The concrete adapters."""

    producer: AckingProducer
    registry: SchemaRegistry
    open_admin: Callable[[], Admin]
    serve: Callable[..., Server]
    clock: Clock
    log: Log


def ingest(world: World, own: PublisherSettings) -> Ingest:
    """Build the worker; nothing is connected yet, but the API's port is taken."""
    acks = Acks(
        world.producer,
        clock=world.clock,
        in_flight_max=own.in_flight_max,
        within=own.ack_within,
    )
    app = bounded(application(world, own, acks=acks), own)
    return Ingest(
        server=world.serve(app, host=own.host, port=own.port),
        acks=acks,
        admin=world.open_admin(),
        clock=world.clock,
    )


def application(world: World, own: PublisherSettings, *, acks: Acks) -> ASGIApp:
    """Build what answers, without its bounds."""
    catalogue = Catalogue(
        world.registry,
        world.open_admin(),
        clock=world.clock,
        latest_known_for_s=own.schemas_known_for_s,
    )
    lookups = Lookups(
        catalogue,
        # The registry's and Kafka's clients each belong to one thread.
        ThreadPoolExecutor(1, thread_name_prefix="lookups"),
        clock=world.clock,
        at_once_max=own.lookups_max,
        within=own.ack_within,
    )
    settings = DoorSettings(
        events_max=own.events_max, event_bytes_max=own.event_bytes_max, source=own.source
    )
    door = Door(lookups=lookups, acks=acks, settings=settings)
    return build_api(door, Keys(own.api_keys), log=world.log)


def bounded(app: ASGIApp, own: PublisherSettings) -> Bodies:
    """Bound what it reads."""
    return Bodies(
        app,
        one_max=own.body_bytes_max,
        all_max=own.bodies_bytes_max,
        within=timedelta(milliseconds=own.body_within_ms),
    )
