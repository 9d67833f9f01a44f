"""A deliverer on the twin: receivers are functions, both threads are one, the clock is moved."""

import random
from dataclasses import dataclass, replace
from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.adapters.http.port import Answer, Outcome
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.sealing import Sealer
from hooklane.deliverer.crossing import SameThread
from hooklane.deliverer.outbox import Rules
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.worker import Deliverer, Ports
from hooklane.domain.delivery import Progress
from hooklane.domain.endpoint import Placement
from hooklane.domain.errors import Unavailable
from hooklane.domain.signature import new_secret
from hooklane.domain.topics import Topics
from support.deliveries import (
    START,
    an_endpoint,
    command_value,
    delivery_bytes,
    delivery_value,
    endpoint_bytes,
)

SECOND = timedelta(seconds=1)
TIERS = (5 * SECOND, 300 * SECOND)
SEALER = Sealer({"k1": b"s" * 32})
SECRET = new_secret()
TOPICS = Topics(prefix="t")
OK = Answer(outcome=Outcome.SUCCEEDED, status=200)


def status(number, **fields):
    outcome = Outcome.SUCCEEDED if 200 <= number < 300 else Outcome.REJECTED
    return Answer(outcome=outcome, status=number, **fields)


def failed(outcome, error="x"):
    return Answer(outcome=outcome, error=error)


def header(request, name):
    lines = request.headers.decode("latin-1").split("\r\n")
    (found,) = [line.split(": ", 1)[1] for line in lines if line.startswith(f"{name}: ")]
    return found


def answer_all(bench, answer, *, seconds=0.01):
    bench.sender.rule = lambda _: (seconds, answer)


class Clock(ManualClock):
    """Tells who wants to know that time moved."""

    def __init__(self, now=START):
        super().__init__(now)
        self.listeners = []

    def advance(self, span):
        super().advance(span)
        for listener in list(self.listeners):
            listener()


@dataclass
class Open:
    request: object
    on_answer: object
    due: float
    answer: Answer


class FakeSender:
    """Answers by rule: `rule(request)` gives (seconds, Answer); None seconds hang for ever."""

    def __init__(self, clock, rule=None):
        self._clock = clock
        self.rule = rule or (lambda _: (0.01, OK))
        self.posts = []
        self._open = []
        clock.listeners.append(self.pass_time)

    @property
    def open_count(self):
        return len(self._open)

    def submit(self, request, on_answer):
        self.posts.append(request)
        seconds, answer = self.rule(request)
        due = float("inf") if seconds is None else self._clock.monotonic() + seconds
        self._open.append(Open(request, on_answer, due, answer))

    def cut(self, request):
        self._end([o for o in self._open if o.request is request], failed(Outcome.TIMED_OUT, "cut"))

    def pass_time(self):
        now = self._clock.monotonic()
        while due := [o for o in self._open if o.due <= now]:
            self._end(due[:1], due[0].answer)

    def _end(self, ending, answer):
        for one in ending:
            self._open.remove(one)
            one.on_answer(one.request, answer)

    async def close(self):
        pass

    @property
    def event_ids(self):
        return [header(request, "webhook-id") for request in self.posts]


class DelivererBench:
    """A cluster with deliverers; endpoints and deliveries are written straight to their topics."""

    def __init__(self, **settings):
        self.clock = Clock()
        self.cluster = Cluster(self.clock)
        # Tests that say how much is open say so from the start.
        self.settings = DelivererSettings(**{"in_flight_adaptive": False, **settings})
        self.admin = self.cluster.admin()
        self.admin.ensure(TOPICS.specs(TIERS), replication=1)
        self.writer = self.cluster.producer(instance="writer")
        self.sender = FakeSender(self.clock)
        self.lines = []
        self._number = 0

    def endpoint(self, endpoint_id="ep_a", **fields):
        lane = TOPICS.lane(endpoint_id)
        made = replace(
            an_endpoint(endpoint_id, lane=lane, schedule=TIERS),
            secrets=(SEALER.seal_secret(SECRET, endpoint_id=endpoint_id),),
            placement=Placement(topic=lane, partition=0),
            **fields,
        )
        self.admin.ensure([TOPICS.lane_spec(lane)], replication=1)
        return self.put(made)

    def put(self, endpoint):
        self.writer.produce(
            TOPICS.endpoints, endpoint_bytes(endpoint), key=endpoint.endpoint_id.encode()
        )
        self.writer.flush(SECOND)
        return endpoint

    def change(self, endpoint, **fields):
        return self.put(replace(endpoint, **{"revision": endpoint.revision + 1, **fields}))

    def tombstone(self, endpoint):
        self.writer.produce(TOPICS.endpoints, None, key=endpoint.endpoint_id.encode())
        self.writer.flush(SECOND)

    def deliver(self, endpoint, count=1, *, progress=None, **fields):
        """Append deliveries to a lane; give their values."""
        values = []
        for _ in range(count):
            value = delivery_value(self._number, endpoint_id=endpoint.endpoint_id, **fields)
            self._number += 1
            headers = (progress or Progress(waiting_since=self.clock.now())).headers()
            self.append(endpoint, delivery_bytes(value), headers)
            values.append(value)
        return values

    def probe(self, endpoint, *, kind="probe", **fields):
        """Ask for a probe; give the command."""
        value = command_value(
            kind, endpoint_id=endpoint.endpoint_id, at=self.clock.now(),
            **{"event_id": "evt_probe", "type": "order.created", "version": 2,
               "content_type": "application/json", "payload": b'{"n":1}', **fields},
        )  # fmt: skip
        raw = codec("command").encode(value)
        self.writer.produce(TOPICS.commands, raw, key=endpoint.endpoint_id.encode())
        self.writer.flush(SECOND)
        return value

    def append(self, endpoint, value, headers=None):
        topic = TOPICS.lane(endpoint.endpoint_id)
        self.writer.produce(topic, value, key=b"k", headers=headers)
        self.writer.flush(SECOND)

    def deliverer(self, ordinal=0, *, sender=None, log=None, seed=1):
        instance = f"t.deliverer.{ordinal}"
        ports = Ports(
            member=self.cluster.member(group=TOPICS.group("deliverer.0"), instance=instance),
            producer=self.cluster.transactional_producer(transactional_id=instance),
            positions=self.cluster.producer(instance=instance),
            admin=self.admin,
            table_reader=self.cluster.reader(instance=instance),
            positions_reader=self.cluster.reader(instance=instance),
            commands_reader=self.cluster.reader(instance=instance),
            crossing=SameThread(sender or self.sender),
            clock=self.clock,
            log=log or self._log,
        )
        rules = Rules(topics=TOPICS, tiers=TIERS, chance=random.Random(seed), sealer=SEALER)
        made = Deliverer(
            ports, settings=self.settings, rules=rules, instance=instance, replication=1
        )
        made.start()
        return made

    def kill(self, deliverer):
        """End it as SIGKILL would; its open POSTs are never answered to it."""
        ports = deliverer._ports
        for port in (ports.member, ports.producer, ports.positions, ports.table_reader):
            self.cluster.kill(port)
        for one in list(self.sender._open):
            if one.on_answer.__self__ is deliverer._sending._starter:
                self.sender._open.remove(one)

    def _log(self, what, /, **fields):
        self.lines.append((what, fields))

    def run(self, deliverer, span, *, step=timedelta(milliseconds=10)):
        """Let time pass; what is unavailable is waited for."""
        until = self.clock.now() + span
        deliverers = deliverer if isinstance(deliverer, list) else [deliverer]
        while self.clock.now() < until:
            for each in deliverers:
                try:
                    each.step()
                except Unavailable:
                    self.clock.advance(timedelta(milliseconds=200))
            self.clock.advance(step)

    def records(self, topic):
        """Read everything committed in a topic."""
        reader = self.cluster.reader(instance="test")
        found = []
        for partition in self._partitions(topic):
            start, end = self.admin.ends([partition])[partition]
            if start == end:
                continue
            reader.start({partition: start})
            while reader.position(partition) < end:
                found += reader.read(1_000, timeout=timedelta(0))
        return found

    def _partitions(self, topic):
        from hooklane.domain.topics import Partition

        return [Partition(topic, n) for n in range(self.admin.topics().get(topic, 0))]

    def attempts(self):
        return [codec("attempt").decode(r.value()) for r in self.records(TOPICS.attempts)]

    def retries(self, tier=TIERS[0]):
        return self.records(TOPICS.retry(tier))

    def dead(self):
        return self.records(TOPICS.dead_letters)

    def commands(self):
        return [codec("command").decode(r.value()) for r in self.records(TOPICS.commands)]

    def lag(self, endpoint):
        (partition,) = self._partitions(TOPICS.lane(endpoint.endpoint_id))
        committed = self.admin.committed(TOPICS.group("deliverer.0"), [partition])
        end = self.admin.ends([partition])[partition][1]
        return end - committed[partition].offset if partition in committed else None
