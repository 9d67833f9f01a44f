"""The ingest door on the twin: requests and acknowledgements turn about on one thread."""

import asyncio
from concurrent.futures import Executor, Future
from datetime import timedelta

import httpx

from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.settings import load
from hooklane.domain.topics import Partition, TopicSpec
from hooklane.publisher.acks import Acks
from hooklane.publisher.build import World, application, bounded
from hooklane.publisher.settings import PublisherSettings
from support.matcher_bench import SCHEMA, STAMPED, Lines
from support.registry_fake import FakeRegistry

ADMIN_KEY = "a publisher's key, for every tenant"
ACME_KEY = "a publisher's key, for acme alone"
KEYS = f'[{{"key": "{ADMIN_KEY}"}}, {{"key": "{ACME_KEY}", "tenant": "acme"}}]'
EVENT = {"type": "order.created", "tenant": "acme", "data": {"n": 7}}


class AtOnce(Executor):
    """Runs what it is given on the calling thread."""

    def submit(self, fn, /, *args, **kwargs):
        done = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class NoServer:
    """Notes whether it was started and stopped."""

    def __init__(self, app, *, host, port):
        self.app, self.host, self.port, self.calls = app, host, port, []

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")


class IngestBench:
    """One door, with source topic `events.order` and `order.created`."""

    def __init__(self, **settings):
        self.clock = ManualClock()
        self.cluster = Cluster(self.clock)
        self.registry = FakeRegistry()
        self.log = Lines()
        self.admin = self.cluster.admin()
        spec = TopicSpec(name="events.order", partitions=1, settings=STAMPED)
        self.admin.ensure([spec], replication=1)
        self.registry.put("order.created", SCHEMA)
        given = {"api_keys": KEYS, "ack_within_ms": "500", **settings}
        environment = {f"HOOKLANE_PUBLISHER_{name.upper()}": v for name, v in given.items()}
        self.own = load(PublisherSettings, environment)
        self.producer = self.cluster.acking_producer(
            instance="door", ack_within=timedelta(seconds=1)
        )
        self.acks = Acks(
            self.producer, clock=self.clock, in_flight_max=self.own.in_flight_max,
            within=self.own.ack_within,
        )  # fmt: skip
        self.world = World(
            producer=self.producer, registry=self.registry, open_admin=self.cluster.admin,
            serve=NoServer, clock=self.clock, log=self.log,
        )  # fmt: skip
        self.app = bounded(application(self.world, self.own, acks=self.acks), self.own)
        self.acknowledges = True

    def post(self, body=None, *, key=ADMIN_KEY, **request):
        """Send one request while acknowledgements come in; give the answer."""
        if body is not None:
            request["json"] = body
        headers = {"Authorization": f"Bearer {key}".encode(), **request.pop("headers", {})}
        return asyncio.run(self.request("POST", "/v1/events", headers=headers, **request))

    async def request(self, method, path, **request):
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            asking = asyncio.ensure_future(client.request(method, path, **request))
            while not asking.done():
                if self.acknowledges:
                    self.producer.poll(timedelta(0))
                    self.acks.wake()
                await asyncio.sleep(0)
            return asking.result()

    def written(self, topic="events.order"):
        """Give the records that are on the topic."""
        reader, place = self.cluster.reader(instance="test"), Partition(topic, 0)
        reader.start({place: 0})
        return reader.read(10_000, timeout=timedelta(0))

    def ids(self):
        return [dict(record.headers())["ce_id"].decode() for record in self.written()]
