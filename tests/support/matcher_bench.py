"""A matcher on the in-memory twin, with a registry and time in the test's hand."""

from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.events import EventReader
from hooklane.adapters.in_turn import InTurn
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.records import endpoint_value
from hooklane.adapters.schema_cache import SchemaCache
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.endpoint import EndpointState, Placement
from hooklane.domain.errors import Unavailable
from hooklane.domain.sources import Source, Sources
from hooklane.domain.topics import Partition, TopicSpec
from hooklane.matcher.at_least_once import AtLeastOnce
from hooklane.matcher.partitions import Surroundings
from hooklane.matcher.settings import MatcherSettings
from hooklane.matcher.worker import Matcher
from support.matching import an_endpoint, encoded
from support.registry_fake import FakeRegistry

SCHEMA = {
    "type": "record",
    "name": "created",
    "namespace": "order",
    "fields": [{"name": "n", "type": "int"}],
}
STAMPED = {"message.timestamp.type": "LogAppendTime"}
SOURCES = (Source(pattern="events.*", default_tenant="acme"),)


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[dict] = []

    def __call__(self, what, /, *, level="info", **fields) -> None:
        self.lines.append({"what": what, "level": level, **fields})

    def whats(self) -> list[str]:
        return [line["what"] for line in self.lines]


class MatcherBench:
    """One deployment with prefix `t`, source topic `events.order` of two partitions."""

    def __init__(self, *, sources=SOURCES) -> None:
        self.clock = ManualClock()
        self.cluster = Cluster(self.clock)
        self.registry = FakeRegistry()
        self.log = Lines()
        self.kafka = KafkaSettings(prefix="t", replication=1, retry_tiers=(timedelta(seconds=5),))
        self.topics = self.kafka.topics
        self._sources = sources
        self.admin = self.cluster.admin()
        self.admin.ensure(self.topics.specs(self.kafka.retry_tiers), replication=1)
        self._producer = self.cluster.producer(instance="test")
        self.create("events.order", 2)
        self.schema_id = self.registry.put("order.created", SCHEMA)

    def create(self, topic, partitions=1) -> None:
        spec = TopicSpec(name=topic, partitions=partitions, settings=STAMPED)
        self.admin.ensure([spec], replication=1)

    def put(self, endpoint):
        """Create its lane and announce it."""
        lane = self.topics.lane(endpoint.endpoint_id)
        fields = {name: getattr(endpoint, name) for name in endpoint.__dataclass_fields__}
        fields["placement"] = Placement(topic=lane, partition=0)
        placed = an_endpoint(**{**fields, "tenant": endpoint.tenant})
        self.admin.ensure([self.topics.lane_spec(lane)], replication=1)
        value = codec("endpoint").encode(endpoint_value(placed))
        self._producer.produce(self.topics.endpoints, value, key=placed.endpoint_id.encode())
        return placed

    def endpoint(self, *patterns, **fields):
        return self.put(an_endpoint(*(patterns or ("*",)), **fields))

    def matcher(self, *, at_least_once=False, **settings) -> Matcher:
        own = MatcherSettings(**settings)
        instance = self.topics.transactional_id("matcher", own.ordinal)
        writer = self.cluster.producer(instance=instance)
        sources = Sources(self._sources, prefix="t")
        self.schemas = SchemaCache(
            self.cluster.reader(instance=instance), writer,
            topic=self.topics.schemas, ask=self.registry.known, clock=self.clock, log=self.log,
        )  # fmt: skip
        self.member = self.cluster.member(group=self.topics.group("matcher"), instance=instance)
        self.producers = [
            self.cluster.transactional_producer(transactional_id=one)
            for one in self.topics.matcher_ids(own.ordinal)
        ]
        around = Surroundings(
            member=self.member,
            admin=self.cluster.admin(),
            table=EndpointTable(
                self.cluster.reader(instance=instance), self.topics.endpoints, clock=self.clock
            ),
            reader=EventReader(self.schemas, sources, clock=self.clock),
            clock=self.clock,
            log=self.log,
        )
        return Matcher(
            around,
            producer=AtLeastOnce(writer) if at_least_once else InTurn(self.producers),
            schemas=self.schemas,
            positions=PositionReport(
                writer, self.topics.positions, instance=instance, clock=self.clock
            ),
            sources=sources,
            kafka=self.kafka,
            settings=own,
        )

    def kill(self) -> None:
        """End the matcher made last as SIGKILL would."""
        for victim in (self.member, *self.producers):
            self.cluster.kill(victim)

    def started(self, **settings) -> Matcher:
        """Give a matcher that has its partitions."""
        matcher = self.matcher(**settings)
        self.run(matcher, steps=5)
        return matcher

    def run(self, *matchers, steps=20) -> None:
        """Step them as the run loop does: what is unavailable is waited for."""
        for _ in range(steps):
            for matcher in matchers:
                try:
                    if matcher.not_ready():
                        matcher.start()
                    matcher.step()
                except Unavailable:
                    self.clock.advance(timedelta(milliseconds=200))

    def publish(self, *numbers, topic="events.order", headers=None, schema_id=None, key=None):
        for number in numbers:
            value = encoded(schema_id or self.schema_id, SCHEMA, {"n": number})
            self._producer.produce(topic, value, key=key or b"k%d" % number, headers=headers)

    def publish_raw(self, value, *, topic="events.order", headers=None, key=b"k"):
        self._producer.produce(topic, value, key=key, headers=headers)

    def records(self, topic, *, uncommitted=False) -> list:
        reader = self.cluster.reader(instance="looker")
        counts = self.admin.topics()
        partitions = [Partition(topic, n) for n in range(counts[topic])]
        reader.start({partition: reader.ends(partition)[0] for partition in partitions})
        found = []
        while got := reader.read(10_000, timeout=timedelta(0)):
            found += got
        return found

    def lane(self, endpoint) -> list[dict]:
        return [codec("delivery").decode(r.value()) for r in self.records(endpoint.placement.topic)]

    def receipts(self) -> list[dict]:
        return [codec("match").decode(r.value()) for r in self.records(self.topics.matches)]

    def rejected(self) -> list[dict]:
        return [dict(r.headers()) for r in self.records(self.topics.rejected_events)]


__all__ = ["SCHEMA", "EndpointState", "Lines", "MatcherBench", "an_endpoint", "encoded"]
