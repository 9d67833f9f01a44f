"""Puts control together from its settings and concrete adapters; `__main__` names those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Protocol

from hooklane.adapters.log import Log
from hooklane.adapters.ports import Admin, Clock, Reader
from hooklane.adapters.schema_registry import SchemaRegistry
from hooklane.adapters.settings import KafkaSettings
from hooklane.adapters.store import ControlStore
from hooklane.control.api import build_api
from hooklane.control.board import Board, Positions
from hooklane.control.comparison import Comparison
from hooklane.control.desk import Desk
from hooklane.control.disabling import Disabling
from hooklane.control.door import Limits
from hooklane.control.drafts import Rules
from hooklane.control.guarding import Guarding
from hooklane.control.health import Watch
from hooklane.control.known_types import KnownTypes
from hooklane.control.lanes import Lanes, LaneSettings
from hooklane.control.lookout import Lookout
from hooklane.control.operational import Teller
from hooklane.control.placing import Placer
from hooklane.control.portal_tokens import PortalTokens
from hooklane.control.relay import Cluster, Relay, RelaySettings
from hooklane.control.replays import Replays
from hooklane.control.settings import ControlSettings
from hooklane.control.worker import Bell, Control, Pace, Parts, Server
from hooklane.domain.endpoint import SealedHeaders, SealedSecret
from hooklane.domain.guard import Rules as GuardRules
from hooklane.domain.health import Rules as HealthRules
from hooklane.domain.placing import PlacingRules
from hooklane.domain.sources import Sources


class Seals(Protocol):
    """Seals secrets and headers for an endpoint, and opens headers."""

    def seal_secret(self, secret: str, *, endpoint_id: str) -> SealedSecret:
        """Seal a written secret."""

    def seal_headers(self, headers: Mapping[str, str], *, endpoint_id: str) -> SealedHeaders:
        """Seal headers."""

    def headers(self, headers: SealedHeaders | None, *, endpoint_id: str) -> dict[str, str]:
        """Open headers."""

    def seal(self, plain: bytes, *, endpoint_id: str) -> tuple[str, bytes]:
        """Seal bytes; give the key's id with them."""

    def unseal(self, key_id: str, sealed: bytes, *, endpoint_id: str) -> bytes:
        """Open them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The concrete adapters."""

    upgrade: Callable[[], None]
    store: ControlStore
    admin: Admin
    cluster: Cluster
    open_reader: Callable[[], Reader]
    # For what may lag.
    open_gathering_reader: Callable[[], Reader]
    registry: SchemaRegistry
    sealer: Seals
    check_target: Callable[[str, Mapping[str, str]], object]
    serve: Callable[..., Server]
    clock: Clock
    log: Log


def control(world: World, own: ControlSettings, *, kafka: KafkaSettings) -> Control:
    """Build the worker; nothing is connected yet, but the API's port is taken."""
    topics, clock, log = kafka.topics, world.clock, world.log
    positions = Positions(world.open_reader(), topics.positions, log=log)
    board = Board(positions, world.admin, topics=topics, clock=clock)
    bell, guarding = Bell(), guarding_of(world, own, kafka=kafka)
    desk = desk_of(world, own, kafka=kafka, board=board, ring=bell.ring)
    lookout = Lookout(
        store=world.store,
        admin=world.admin,
        positions=positions,
        topics=topics,
        tiers=kafka.retry_tiers,
        open_reader=world.open_reader,
        clock=clock,
        release=version("hooklane"),
        sources=Sources([one.source() for one in own.sources], prefix=topics.prefix),
        guard=lambda: guarding.guard,
    )
    limits = Limits(
        rate_per_s=own.api_rate_per_s,
        burst=own.api_burst,
        body_bytes_max=own.body_bytes_max,
        believed=timedelta(seconds=own.key_cache_s),
    )
    key = own.api_key.get_secret_value()
    app = build_api(desk, lookout, api_key=key, log=log, limits=limits)

    def prepare(admin: Admin) -> None:
        for warning in admin.check_broker():
            log("broker.warned", level="warning", warning=warning)
        specs = (*topics.specs(kafka.retry_tiers), topics.operational_spec())
        admin.ensure(specs, replication=kafka.replication)

    parts = Parts(
        upgrade=world.upgrade,
        prepare=prepare,
        store=world.store,
        admin=world.admin,
        topics=topics,
        relay=relay_of(world, own, kafka=kafka),
        board=board,
        positions=positions,
        disabling=Disabling(world.store, world.open_reader(), topics=topics, clock=clock, log=log),
        lanes=lanes_of(world, own, kafka=kafka, positions=positions),
        comparison=Comparison(world.store, world.open_reader, topics=topics, clock=clock, log=log),
        server=world.serve(app, host=own.host, port=own.port),
        bell=bell,
        clock=clock,
        log=log,
        asides=(*asides_of(world, own, kafka=kafka), guarding, placer_of(world, own, kafka=kafka)),
    )
    pace = Pace(
        relay_poll=timedelta(milliseconds=own.relay_poll_ms),
        lanes=timedelta(seconds=own.lanes_check_s),
        comparison=timedelta(seconds=own.comparison_s),
    )
    return Control(parts, pace=pace)


def desk_of(
    world: World,
    own: ControlSettings,
    *,
    kafka: KafkaSettings,
    board: Board,
    ring: Callable[[], None],
) -> Desk:
    """Build what answers requests."""
    sealer, topics = world.sealer, kafka.topics
    rules = Rules(
        tiers=kafka.retry_tiers,
        rotation_overlap=timedelta(seconds=own.rotation_overlap_s),
        check_target=world.check_target,
        seal_secret=lambda secret, of: sealer.seal_secret(secret, endpoint_id=of),
        seal_headers=lambda headers, of: sealer.seal_headers(headers, endpoint_id=of),
        open_headers=lambda headers, of: sealer.headers(headers, endpoint_id=of),
        lane=topics.lane,
    )
    return Desk(
        store=world.store,
        board=board,
        rules=rules,
        topics=topics,
        clock=world.clock,
        ring=ring,
        tokens=PortalTokens(
            seal=lambda plain, of: sealer.seal(plain, endpoint_id=of),
            unseal=lambda key_id, sealed, of: sealer.unseal(key_id, sealed, endpoint_id=of),
        ),
        known_types=KnownTypes(
            registry=world.registry,
            open_reader=world.open_reader,
            topic=topics.schemas,
            clock=world.clock,
        ),
        effective_wait=timedelta(milliseconds=own.effective_wait_ms),
        probe_wait=timedelta(milliseconds=own.probe_wait_ms),
        lanes_max=own.dedicated_lanes_max,
        keys_max=own.keys_max,
    )


def relay_of(world: World, own: ControlSettings, *, kafka: KafkaSettings) -> Relay:
    """Build the relay."""
    settings = RelaySettings(
        batch_rows=own.relay_batch_rows,
        takeover_after=timedelta(seconds=own.takeover_after_s),
        replication=kafka.replication,
    )
    return Relay(world.store, world.cluster, topics=kafka.topics, settings=settings)


def lanes_of(
    world: World, own: ControlSettings, *, kafka: KafkaSettings, positions: Positions
) -> Lanes:
    """Build what takes deleted endpoints' lanes away."""
    settings = LaneSettings(
        lane_grace=timedelta(seconds=own.lane_grace_s),
        tombstone_after=timedelta(seconds=own.tombstone_after_s),
    )
    return Lanes(
        store=world.store,
        admin=world.admin,
        positions=positions,
        topics=kafka.topics,
        clock=world.clock,
        settings=settings,
        log=world.log,
    )


def placer_of(world: World, own: ControlSettings, *, kafka: KafkaSettings) -> Placer:
    """Build what moves endpoints between the pool and lanes of their own."""
    return Placer(
        world.store,
        topics=kafka.topics,
        rules=PlacingRules(
            failures=own.pool_failures_max,
            busy_attempts=own.pool_attempts_max,
            quiet_after=timedelta(seconds=own.lane_quiet_after_s),
        ),
        lanes_max=own.dedicated_lanes_max,
        clock=world.clock,
        log=world.log,
    )


def guarding_of(world: World, own: ControlSettings, *, kafka: KafkaSettings) -> Guarding:
    """Build what looks after the exhaustion guard."""
    rules = GuardRules(
        window=timedelta(seconds=own.exhaustion_guard_window_s),
        endpoints_min=own.exhaustion_guard_endpoints_min,
        percent=own.exhaustion_guard_percent,
    )
    return Guarding(world.store, topics=kafka.topics, rules=rules, clock=world.clock, log=world.log)


def asides_of(
    world: World, own: ControlSettings, *, kafka: KafkaSettings
) -> tuple[Watch, Teller, Replays]:
    """Build what looks after endpoints' health and replays, and what tells of them."""
    around: Any = {"topics": kafka.topics, "clock": world.clock, "log": world.log}
    rules = HealthRules(
        failing_after=own.endpoint_failing_after,
        disable_after=timedelta(seconds=own.endpoint_failure_disable_after_s),
        disable_attempts_min=own.endpoint_failure_attempts_min,
        dead_per_minute_max=own.dead_events_per_minute_max,
    )
    watch = Watch(world.store, world.open_gathering_reader(), rules=rules, **around)
    teller = Teller(world.store, world.registry, **around)
    return watch, teller, Replays(world.store, world.admin, **around)
