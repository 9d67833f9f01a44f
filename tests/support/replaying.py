"""A replayer on the twin: a cluster, dead letters, commands, and what tests look at."""

from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.events import EventReader
from hooklane.adapters.log import no_log
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.rejected import RawRecord, set_aside
from hooklane.adapters.schema_cache import SchemaCache
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.cursor import told_in
from hooklane.domain.delivery import Progress, to_ms
from hooklane.domain.errors import BrokenContract
from hooklane.domain.sources import Sources
from hooklane.domain.topics import Partition, PartitionCounts, Topics, TopicSpec
from hooklane.replayer.resubmit import RejectedEvents
from hooklane.replayer.settings import ReplayerSettings
from hooklane.replayer.surroundings import Surroundings
from hooklane.replayer.worker import Replayer
from support.deliveries import (
    START,
    an_endpoint,
    delivery_bytes,
    delivery_value,
    endpoint_bytes,
)
from support.matching import encoded
from support.registry_fake import FakeRegistry

GROUP = "t.replayer"
STEPS_MAX = 2_000
SCHEMA = {
    "type": "record",
    "name": "created",
    "namespace": "order",
    "fields": [{"name": "n", "type": "int"}],
}


class ReplayerBench:
    def __init__(self, *, partitions=2, commands=1, **settings):
        self.clock = ManualClock(START)
        self.cluster = Cluster(self.clock)
        counts = PartitionCounts(
            pool=2, retry=1, dead_letters=partitions, attempts=1, matches=1, commands=commands
        )
        self.topics = Topics(prefix="t", counts=counts)
        self.settings = ReplayerSettings(**settings)
        self.admin = self.cluster.admin()
        self.outside = self.cluster.producer(instance="outside")
        self.lines = []
        self.registry = FakeRegistry()
        self.admin.ensure(self.topics.specs([]), replication=1)

    def log(self, what, /, *, level="info", **fields):
        self.lines.append({"what": what, "level": level, **fields})

    def logged(self, what):
        return [line for line in self.lines if line["what"] == what]

    def endpoint(self, endpoint_id="ep_a", **fields):
        """Announce a revision, and make its lane."""
        lane = self.topics.lane(endpoint_id)
        endpoint = an_endpoint(endpoint_id, **{"lane": lane, **fields})
        if endpoint.placement is not None:
            self.admin.ensure([self.topics.lane_spec(lane)], replication=1)
        value, key = endpoint_bytes(endpoint), endpoint_id.encode()
        self.outside.produce(self.topics.endpoints, value, key=key)

    def die(self, number=0, *, reason="exhausted", headers=None, **delivery):
        """Write a dead letter; give its delivery's value."""
        value = delivery_value(number, **delivery)
        now = self.clock.now()
        progress = Progress(waiting_since=now, schedule_step=3).attempted(
            at=now, outcome="rejected"
        )
        self.outside.produce(
            self.topics.dead_letters,
            delivery_bytes(value),
            key=value["delivery_id"].encode(),
            headers=progress.died(reason).headers() if headers is None else headers,
        )
        return value

    def reject(self, number=0, *, topic="events.order", schema_id=1, tenant="acme", begun=None):
        """Set a source record aside, as the matcher would; give its place in rejected-events."""
        record = RawRecord(
            at_topic=topic,
            at_partition=0,
            at_offset=number,
            raw_key=b"k",
            raw_value=encoded(schema_id, SCHEMA, {"n": number}),
            raw_headers=[("ce_tenant", tenant.encode())],
            appended_ms=to_ms(self.clock.now()),
        )
        producer = self.cluster.transactional_producer(transactional_id="t.matcher.0")
        producer.begin()
        error = BrokenContract("not found", reason="schema_not_found")
        set_aside(producer, record, topic=self.topics.rejected_events, error=error, begun=begun)
        producer.commit()
        written = self.records(self.topics.rejected_events)
        key = f"{topic}/0/{number}".encode()
        place = max((r.offset(), r.partition()) for r in written if r.key() == key)
        return {"offset": place[0], "partition": place[1]}

    def source(self, topic="events.order", *, partitions=1):
        """Make a topic of events, and its schema."""
        stamped = {"message.timestamp.type": "LogAppendTime"}
        spec = TopicSpec(name=topic, partitions=partitions, settings=stamped)
        self.admin.ensure([spec], replication=1)
        self.registry.put("order.created", SCHEMA)

    def publish(self, number=0, *, topic="events.order", tenant="acme", value=None, partition=0):
        """Append an event, as a producer does."""
        if value is None:
            value = encoded(1, SCHEMA, {"n": number})
        headers = [("ce_tenant", tenant.encode())]
        self.outside.produce(topic, value, key=b"k", headers=headers, partition=partition)

    def replay(self, *ranges, kind="replay", **fields):
        """Ask for ranges, each (topic, partition, first, end)."""
        names = ("topic", "partition", "first", "end")
        asked = [dict(zip(names, one, strict=True)) for one in ranges]
        self.ask(kind, ranges=asked, **fields)

    def told(self):
        """Give what the commands' commit tells."""
        return told_in(self.cursors())

    def deliveries(self, endpoint_id="ep_a"):
        """Give the deliveries in a lane."""
        records = self.records(self.topics.lane(endpoint_id))
        return [codec("delivery").decode(record.value()) for record in records]

    def receipts(self):
        """Give the receipts."""
        return [codec("match").decode(r.value()) for r in self.records(self.topics.matches)]

    def ask(self, kind="redrive", *, endpoint_id="ep_a", **fields):
        """Write a command."""
        value = {
            "command_id": "cmd_a",
            "kind": kind,
            "endpoint_id": endpoint_id,
            "tenant": "acme",
            "issued_at": to_ms(self.clock.now()),
            **fields,
        }
        encoded = codec("command").encode(value)
        self.outside.produce(self.topics.commands, encoded, key=endpoint_id.encode())

    def replayer(self, *, ordinal=0):
        """Start one, as its `__main__` would."""
        name, made = f"t.replayer.{ordinal}", self.cluster
        reader, writer = made.reader(instance=name), made.producer(instance=name)
        schemas = SchemaCache(
            made.reader(instance=name), writer, topic=self.topics.schemas,
            ask=self.registry.known, clock=self.clock,
        )  # fmt: skip
        sources = Sources([source.source() for source in self.settings.sources], prefix="t")
        events = EventReader(schemas, sources, clock=self.clock)
        around = Surroundings(
            member=made.member(group=GROUP, instance=name),
            producer=made.transactional_producer(transactional_id=name),
            reader=reader,
            schemas=schemas,
            rejected=RejectedEvents(
                topic=self.topics.rejected_events,
                reader=reader,
                admin=self.admin,
                events=events,
                log=self.log,
            ),
            admin=self.admin,
            table=EndpointTable(
                made.reader(instance=name), self.topics.endpoints, clock=self.clock, log=no_log
            ),
            positions=PositionReport(
                writer,
                self.topics.positions,
                instance=name,
                clock=self.clock,
            ),
            clock=self.clock,
            log=self.log,
        )
        replayer = Replayer(
            around,
            topics=self.topics,
            settings=self.settings,
            cluster=KafkaSettings(prefix="t", replication=1, retry_tiers=()),
        )
        replayer.start()
        self.around = around
        return replayer

    def kill(self):
        """End the newest replayer as SIGKILL would."""
        for part in (self.around.member, self.around.producer, self.around.reader):
            self.cluster.kill(part)

    def run(self, *replayers):
        """Step until every command is done."""
        for _ in range(STEPS_MAX):
            for replayer in replayers:
                replayer.step()
            if self.is_done():
                return
        raise AssertionError(f"not done after {STEPS_MAX} steps: {self.lines[-5:]}")

    def is_done(self):
        commands = self.topics.counts.commands
        partitions = [Partition(self.topics.commands, number) for number in range(commands)]
        commits, ends = self.admin.committed(GROUP, partitions), self.admin.ends(partitions)
        return all(p in commits and commits[p].offset == ends[p][1] for p in partitions)

    def cursors(self):
        """Give the metadata of the commands' commits."""
        partition = Partition(self.topics.commands, 0)
        return self.admin.committed(GROUP, [partition])[partition]

    def records(self, topic):
        """Give what a read_committed reader sees of a topic."""
        count = self.admin.topics()[topic]
        found = []
        reader = self.cluster.reader(instance="checker")
        reader.start({Partition(topic, number): 0 for number in range(count)})
        while batch := reader.read(1_000, timeout=timedelta(0)):
            found += batch
        return found

    def lane(self, endpoint_id="ep_a"):
        """Give the delivery ids in a lane."""
        records = self.records(self.topics.lane(endpoint_id))
        return [codec("delivery").decode(record.value())["delivery_id"] for record in records]

    def resting(self):
        """Give the delivery ids whose last dead-letter record is no tombstone."""
        last = {record.key(): record.value() for record in self.records(self.topics.dead_letters)}
        return {key.decode() for key, value in last.items() if value is not None}
