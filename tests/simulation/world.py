"""What stands around the workers: topics, a registry, producers of events, and control's side."""

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.sealing import Sealer
from hooklane.adapters.settings import KafkaSettings
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import TRANSITIONS, Batch, Cause, EndpointState, Placement
from hooklane.domain.errors import Unavailable
from hooklane.domain.signature import new_secret
from hooklane.domain.subscription import Subscription
from hooklane.domain.topics import Partition, TopicSpec
from simulation.cluster import SimulatedClock, SimulatedCluster
from simulation.placing import Places
from simulation.receivers import Receivers
from support.deliveries import an_endpoint, endpoint_bytes
from support.matching import encoded
from support.registry_fake import FakeRegistry

SECOND = timedelta(seconds=1)
TIERS = (5 * SECOND, 30 * SECOND, 300 * SECOND)
SCHEDULES = (TIERS[:1], TIERS[:2], TIERS, (TIERS[0], TIERS[0], TIERS[1]))
PATTERNS = (("*",), ("order.*",), ("order.created",), ("user.*", "order.shipped"))
TENANTS = ("acme", "beta")
KINDS = ("matcher", "deliverer", "retrier", "replayer")
TYPES = ("order.created", "order.shipped", "user.registered")
STAMPED = {"message.timestamp.type": "LogAppendTime"}
SEALER = Sealer({"k1": b"s" * 32})
SECRET = new_secret()


def schema_of(event_type, *, version=1):
    namespace, _, name = event_type.rpartition(".")
    fields = [{"name": f"n{n}", "type": "int", "default": 0} for n in range(2, version + 1)]
    fields.insert(0, {"name": "n", "type": "int"})
    return {"type": "record", "name": name, "namespace": namespace, "fields": fields}


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a producer wrote; `n` is None where it is no event."""

    tenant: str
    event_type: str
    key: bytes | None
    n: int | None
    # As much of the endpoint table its matcher must know: what was told effective before.
    table_offset_min: int = 0


class World:
    """Everything but the workers."""

    def __init__(self, seed):
        self.seed, self.chance = seed, random.Random(f"world {seed}")
        self.clock = SimulatedClock()
        self.cluster = SimulatedCluster(self.clock)
        self.kafka = KafkaSettings(
            prefix="t", replication=1, retry_tiers=TIERS, retry_partitions=2, log_partitions=2,
            commands_partitions=1, pool_partitions=2,
        )  # fmt: skip
        self.topics = self.kafka.topics
        self.registry = FakeRegistry()
        self.receivers = Receivers(self.clock, random.Random(f"receivers {seed}"))
        self.admin = self.cluster.admin()
        self.published = {}
        self.on_append = lambda partition, offset: None
        self.endpoints = {}
        self.places = Places(self, seed)
        self.commands_read = self._endpoints_made = 0
        self._announced = {}
        self._source = self.cluster.producer(instance="source")
        self._control = self.cluster.transactional_producer(transactional_id="t.control.0")
        self._numbers = iter(range(10**9))
        self._past = defaultdict(list)
        self._newest = {}
        for name in TYPES:
            self.new_version(name)
        self.admin.ensure(self.topics.specs(TIERS), replication=1)
        self.create("events.order", 2)

    def create(self, topic, partitions):
        spec = TopicSpec(name=topic, partitions=partitions, settings=STAMPED)
        self.admin.ensure([spec], replication=1)

    # Producers.

    def publish(self):
        """Append an event, one of the past again, or bytes that are none."""
        chance, n = self.chance, next(self._numbers)
        event_type, tenant = chance.choice(TYPES), chance.choice(TENANTS)
        topic = "events." + event_type.partition(".")[0]
        if topic not in self.cluster.topics:
            self.create(topic, chance.choice([1, 2]))
        key = chance.choice([None, b"k1", b"k2", b"k3"])
        headers = [("ce_tenant", tenant.encode())]
        if chance.random() < 0.3:
            headers += [("ce_id", b"%d" % n), ("ce_source", b"/test")]
            headers += [("ce_time", b"2026-11-24T11:00:00Z")]
        record = (*self._newest[event_type], n)
        if self._past[topic] and chance.random() < 0.03:
            key, headers, record, event_type, tenant = chance.choice(self._past[topic])
        elif len(headers) > 1:
            self._past[topic].append((key, headers, record, event_type, tenant))
        schema_id, schema, n = record
        value = encoded(schema_id, schema, {"n": n})
        if chance.random() < 0.02:
            value, n = value[: chance.randrange(5)], None
        self._append(topic, value, key=key, headers=headers, event=Published(
            tenant=tenant, event_type=event_type, key=key, n=n,
            table_offset_min=self._effective(),
        ))  # fmt: skip

    def _append(self, topic, value, *, key, headers, event):
        logs = self.cluster.topics[topic].logs
        before = [log.end for log in logs]
        self._source.produce(topic, value, key=key, headers=headers)
        (log,) = [log for log, end in zip(logs, before, strict=True) if log.end > end]
        self.published[log.place, log.end - 1] = event
        self.on_append(log.place, log.end - 1)

    def _effective(self):
        """Give the offset that every live matcher's table is at or past."""
        return self._told_by("matcher")

    def _told_by(self, kind):
        """Give the least position told by the live processes of a kind; 0 where there is none."""
        group = self.topics.group("deliverer.0" if kind == "deliverer" else kind)
        told = dict.fromkeys(self.admin.members(group), 0)
        for record in self.cluster.log(Partition(self.topics.positions, 0)).everything():
            value = codec("position").decode(record.value())
            if value["instance"] in told:
                told[value["instance"]] = value["table_offset"]
        return min(told.values(), default=0)

    # Control.

    def add_endpoint(self):
        chance, number = self.chance, self._endpoints_made
        self._endpoints_made += 1
        endpoint_id = "ep_" + chr(ord("a") + number % 26) * (number // 26 + 1)
        lane = self.topics.lane(endpoint_id)
        self.admin.ensure([self.topics.lane_spec(lane)], replication=1)
        self.put(self.places.first(replace(
            an_endpoint(endpoint_id, lane=lane, schedule=chance.choice(SCHEDULES)),
            tenant=chance.choice(TENANTS),
            url=f"https://{endpoint_id[3:]}.example/hook",
            subscription=Subscription(patterns=chance.choice(PATTERNS)),
            secrets=(SEALER.seal_secret(SECRET, endpoint_id=endpoint_id),),
            timeout=timedelta(seconds=chance.choice([1, 5, 15])),
            in_flight_max=chance.choice([None, 1, 2, 8]),
            batch=self._batch(endpoint_id),
            placement=Placement(topic=lane, partition=0),
        )))  # fmt: skip

    def _batch(self, endpoint_id):
        """Choose whether it gets batches, by a chance of its own."""
        chance = random.Random(f"batch {self.seed} {endpoint_id}")
        if chance.random() >= 0.4:
            return None
        wait = timedelta(milliseconds=chance.choice([1, 100, 1_000]))
        return Batch(count_max=chance.choice([2, 3, 10]), wait=wait)

    def put(self, endpoint):
        """Announce a revision, as the relay does."""
        self.endpoints[endpoint.endpoint_id] = endpoint
        self._announced[endpoint.endpoint_id] = self.cluster.log(
            Partition(self.topics.endpoints, 0)
        ).end
        self._write(self.topics.endpoints, endpoint.endpoint_id, endpoint_bytes(endpoint))

    def change(self, endpoint, cause, *, reason=""):
        state = TRANSITIONS.get((endpoint.state, cause))
        if state is not None:
            if cause is Cause.PAUSE:
                endpoint = self.places.out_of_pool(endpoint)
            revision = endpoint.revision + 1
            self.put(replace(endpoint, state=state, revision=revision, state_reason=reason))

    def change_something(self):
        chance = self.chance
        if len(self.endpoints) < 8 and chance.random() < 0.15:
            self.add_endpoint()
            return
        if not self.endpoints:
            return
        endpoint = chance.choice(list(self.endpoints.values()))
        causes = [Cause.PAUSE, Cause.RESUME, Cause.RESUME, Cause.DISABLE, Cause.ENABLE]
        cause = Cause.DELETE if chance.random() < 0.08 else chance.choice(causes)
        if chance.random() < 0.2 and endpoint.state is not EndpointState.DELETED:
            patterns = Subscription(patterns=chance.choice(PATTERNS))
            revision = endpoint.revision + 1
            self.put(replace(endpoint, revision=revision, subscription=patterns))
        elif cause is Cause.RESUME and endpoint.state is EndpointState.ACTIVE:
            self.redrive(endpoint)
        else:
            self.change(endpoint, cause)

    def redrive(self, endpoint, *, count_max=0):
        value = codec("command").encode({
            "command_id": f"cmd_{next(self._numbers)}", "kind": "redrive",
            "endpoint_id": endpoint.endpoint_id, "tenant": endpoint.tenant,
            "issued_at": to_ms(self.clock.now()), "count_max": count_max,
        })  # fmt: skip
        self._write(self.topics.commands, endpoint.endpoint_id, value)

    def everybody_is_past(self, offset):
        """Tell whether every live process has read so far, and said so."""
        return all(self._told_by(kind) > offset for kind in KINDS)

    def retire(self):
        """Take a deleted endpoint's lanes away, in the steps that keep everybody safe."""
        for endpoint_id, endpoint in list(self.endpoints.items()):
            if endpoint.state is not EndpointState.DELETED:
                continue
            if not self.everybody_is_past(self._announced[endpoint_id]):
                continue
            if endpoint.placement is not None:
                lanes = (*endpoint.former, endpoint.placement)
                if all(self.places.is_drained(endpoint, lane) for lane in lanes):
                    gone = {"placement": None, "former": (), "revision": endpoint.revision + 1}
                    self.put(replace(endpoint, **gone))
                    self.places.leave(endpoint_id, lanes)
            else:
                del self.endpoints[endpoint_id]
                self._write(self.topics.endpoints, endpoint_id, None)
            return

    def obey(self):
        """Do what deliverers ask for: disable an endpoint that said it is gone."""
        log = self.cluster.log(Partition(self.topics.commands, 0))
        records, self.commands_read = log.read(self.commands_read, 1_000)
        for record in records:
            value = codec("command").decode(record.value())
            endpoint = self.endpoints.get(value["endpoint_id"])
            if (
                endpoint is not None
                and value["kind"] == "disable"
                and value["revision"] == endpoint.revision
            ):
                self.change(endpoint, Cause.DISABLE, reason=value["reason"])

    def registry_trouble(self):
        failing = self.registry.failure is None and self.chance.random() < 0.5
        self.registry.failure = Unavailable("simulated") if failing else None

    def new_version(self, event_type=None):
        event_type = event_type or self.chance.choice(TYPES)
        version = len(self.registry._subjects.get(event_type, ())) + 1
        schema = schema_of(event_type, version=version)
        self._newest[event_type] = (self.registry.put(event_type, schema), schema)

    def _write(self, topic, key, value):
        producer = self._control
        producer.begin()
        producer.produce(topic, value, key=key.encode())
        producer.commit()
