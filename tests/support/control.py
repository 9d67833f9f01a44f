"""Control on the twin and an SQLite file: everything happens when asked, on the asking thread."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

import httpx

from hooklane.adapters.api_server import ApiServer
from hooklane.adapters.codec import codec
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.http.target import target
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.sealing import Sealer
from hooklane.adapters.settings import KafkaSettings, load
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.sql.engine import connect
from hooklane.adapters.sql.upgrade import upgrade
from hooklane.control import relay as relaying
from hooklane.control.board import Board, Positions
from hooklane.control.build import World, desk_of, lanes_of, relay_of
from hooklane.control.lookout import Lookout
from hooklane.control.settings import ControlSettings
from hooklane.domain.delivery import to_ms
from hooklane.domain.ids import new_command_id
from hooklane.domain.topics import Partition
from support.registry_fake import FakeRegistry

API_KEY = "a key that is long enough"
KAFKA = MappingProxyType(
    {"HOOKLANE_KAFKA_PREFIX": "test", "HOOKLANE_KAFKA_REPLICATION": "1",
     "HOOKLANE_KAFKA_COMMANDS_PARTITIONS": "1", "HOOKLANE_KAFKA_LOG_PARTITIONS": "2",
     "HOOKLANE_KAFKA_POOL_PARTITIONS": "2",
     "HOOKLANE_KAFKA_RETRY_PARTITIONS": "1", "HOOKLANE_KAFKA_RETRY_TIERS": "5s,5m,30m"}
)  # fmt: skip


class Direct(httpx.BaseTransport):
    """Reaches an ASGI application without a socket."""

    def __init__(self, app):
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request):
        async def answer():
            found = await self._inner.handle_async_request(request)
            return found, await found.aread()

        found, body = asyncio.run(answer())
        return httpx.Response(found.status_code, headers=found.headers, content=body)


class Nobody:
    """A listener that starts every partition at its log's start."""

    def __init__(self, member):
        self.member = member

    def on_assigned(self, partitions):
        self.member.assign(dict.fromkeys(partitions, 0))

    def on_revoked(self, partitions):
        """Let go."""

    def on_lost(self, partitions):
        """Let go."""

    def on_gap(self, partition, *, log_start):
        """Go on."""


@dataclass
class Follower:
    """A process that keeps an endpoint table and tells its position, as a matcher does."""

    instance: str
    table: EndpointTable
    report: PositionReport
    member: object

    def follow(self):
        self.table.read_to_end()
        self.report.tell(self.table.offset)
        return self.table.offset


@dataclass
class Bench:
    """Control's parts, and the processes that follow it."""

    url: str
    clock: ManualClock = field(default_factory=ManualClock)
    environment: dict = field(default_factory=dict)

    def __post_init__(self):
        self.cluster = Cluster(self.clock)
        self.kafka = load(KafkaSettings, dict(KAFKA))
        self.topics = self.kafka.topics
        self.own = load(
            ControlSettings,
            {"HOOKLANE_CONTROL_API_KEY": API_KEY, "HOOKLANE_CONTROL_EFFECTIVE_WAIT_MS": "0",
             **self.environment},
        )  # fmt: skip
        self.admin = self.cluster.admin()
        specs = (*self.topics.specs(self.kafka.retry_tiers), self.topics.operational_spec())
        self.admin.ensure(specs, replication=1)
        engine = connect(self.url)
        upgrade(engine)
        self.store = SqlControlStore(engine, self.topics)
        self.registry = FakeRegistry()
        self.lines = []
        self.followers = []
        self.world = World(
            upgrade=lambda: upgrade(engine),
            store=self.store,
            admin=self.admin,
            cluster=relaying.Cluster(
                admin=self.admin,
                open_producer=self.producer,
                open_reader=self.reader,
                clock=self.clock,
                log=self.log,
            ),
            open_reader=self.reader,
            open_gathering_reader=self.reader,
            registry=self.registry,
            sealer=Sealer({"k1": b"k" * 32}),
            check_target=target,
            serve=ApiServer,
            clock=self.clock,
            log=self.log,
        )
        self.positions = Positions(self.reader(), self.topics.positions)
        self.positions.start()
        self.board = Board(self.positions, self.admin, topics=self.topics, clock=self.clock)
        self.relay = relay_of(self.world, self.own, kafka=self.kafka)
        self.lanes = lanes_of(self.world, self.own, kafka=self.kafka, positions=self.positions)
        self.desk = desk_of(
            self.world, self.own, kafka=self.kafka, board=self.board, ring=self.ring
        )
        self.lookout = Lookout(
            store=self.store,
            admin=self.admin,
            positions=self.positions,
            topics=self.topics,
            tiers=self.kafka.retry_tiers,
            open_reader=self.reader,
            clock=self.clock,
            release="0",
        )

    def log(self, what, /, *, level="info", **fields):
        self.lines.append((what, fields))

    def reader(self):
        return self.cluster.reader(instance="test.control.0")

    def producer(self):
        held = relaying.transactional_id(self.topics)
        return self.cluster.transactional_producer(transactional_id=held)

    def ring(self):
        """Relay at once, and let everybody read it."""
        self.board.announce(self.relay.publish())
        for follower in self.followers:
            follower.follow()
        self.positions.step()

    def follower(self, service="matcher"):
        """Add a live process of a service."""
        instance = f"test.{service}.{len(self.followers)}"
        member = self.cluster.member(group=self.topics.group(service), instance=instance)
        member.subscribe([self.topics.matches], Nobody(member))
        member.consume(1, timeout=timedelta(0))
        table = EndpointTable(self.reader(), self.topics.endpoints, clock=self.clock)
        table.start()
        producer = self.cluster.producer(instance=instance)
        report = PositionReport(
            producer, self.topics.positions, instance=instance, clock=self.clock
        )
        found = Follower(instance=instance, table=table, report=report, member=member)
        self.followers.append(found)
        return found

    def records(self, topic, partition=0):
        """Give what a reader sees of a partition."""
        reader = self.reader()
        reader.start({Partition(topic, partition): 0})
        return reader.read(10_000, timeout=timedelta(0))

    def announced(self):
        """Give the endpoint records on their topic, in order."""
        return [
            (record.key().decode(), record.value() and codec("endpoint").decode(record.value()))
            for record in self.records(self.topics.endpoints)
        ]

    def command(self, kind, endpoint_id, **fields):
        """Write a command, as a deliverer does."""
        value = {
            "command_id": new_command_id(),
            "kind": kind,
            "endpoint_id": endpoint_id,
            "tenant": "acme",
            "issued_at": to_ms(self.clock.now()),
            "revision": 0,
            "reason": "",
            "since": None,
            "count_max": 0,
            "delivery_ids": [],
            "positions": [],
            **fields,
        }
        producer = self.cluster.producer(instance="test.deliverer.0")
        encoded = codec("command").encode(value)
        producer.produce(self.topics.commands, encoded, key=endpoint_id.encode())
        producer.flush(timedelta(seconds=1))


def draft(**fields):
    """Give the body that creates an endpoint."""
    return {
        "tenant": "acme",
        "url": "https://hooks.example.com/orders",
        "subscription": ["order.*"],
        **fields,
    }
