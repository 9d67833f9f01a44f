"""A whole world's outage, minute by minute: real deliverers, and control's own health and guard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.http.port import Outcome
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.sql.engine import connect
from hooklane.adapters.sql.upgrade import upgrade
from hooklane.control.guarding import Guarding
from hooklane.control.health import Watch
from hooklane.control.relay import Cluster, Relay, RelaySettings
from hooklane.domain.delivery import progress_of
from hooklane.domain.guard import Rules as GuardRules
from hooklane.domain.health import Rules as HealthRules
from support.deliveries import an_endpoint
from support.posting import (
    OK,
    SEALER,
    SECOND,
    SECRET,
    TIERS,
    TOPICS,
    DelivererBench,
    answer_all,
    failed,
)

NAMES = ("ep_a", "ep_b", "ep_c", "ep_d")
MINUTE = timedelta(minutes=1)
UNREACHABLE = failed(Outcome.UNREACHABLE)


class World:
    """Two deliverers, a feed in the retrier's place, and control over an SQLite file."""

    def __init__(self, path):
        self.bench = bench = DelivererBench()
        bench.admin.ensure([TOPICS.operational_spec()], replication=1)
        engine = connect(f"sqlite:///{path}/control.db")
        upgrade(engine)
        self.store = store = SqlControlStore(engine, TOPICS)
        around = {"topics": TOPICS, "clock": bench.clock}
        self.relay = Relay(
            store,
            Cluster(
                admin=bench.admin,
                open_producer=lambda: bench.cluster.transactional_producer(transactional_id="c"),
                open_reader=lambda: bench.cluster.reader(instance="c"),
                clock=bench.clock,
                log=bench._log,
            ),
            topics=TOPICS,
            settings=RelaySettings(replication=1),
        )
        reader = bench.cluster.reader(instance="c")
        self.watch = Watch(store, reader, rules=HealthRules(), **around)
        self.guarding = Guarding(store, rules=GuardRules(), **around)
        self.guarding.ring = self.relay.publish
        store.add_tenant("acme", at=bench.clock.now())
        self.endpoints = [self._endpoint(name) for name in NAMES]
        self.relay.publish()
        self.watch.step()
        self.copied = set()
        self.deliverers = [bench.deliverer(0), bench.deliverer(1)]

    def _endpoint(self, endpoint_id):
        lane = TOPICS.lane(endpoint_id)
        self.bench.admin.ensure([TOPICS.lane_spec(lane)], replication=1)
        secret = SEALER.seal_secret(SECRET, endpoint_id=endpoint_id)
        made = replace(an_endpoint(endpoint_id, lane=lane, schedule=TIERS), secrets=(secret,))
        self.store.add_endpoint(made, at=self.bench.clock.now(), lanes_max=10)
        return made

    def run(self, span):
        """Let time pass, a second at a time; who works for control looks every second."""
        until = self.bench.clock.now() + span
        while self.bench.clock.now() < until:
            self.bench.run(self.deliverers, SECOND, step=timedelta(milliseconds=250))
            self.feed()
            self.watch.step()
            self.guarding.step()

    def feed(self):
        """Copy what is due to its lane, once, with the headers it has."""
        for tier in TIERS:
            for record in self.bench.retries(tier):
                place = (record.topic(), record.partition(), record.offset())
                due = progress_of(record.headers()).not_before
                if place not in self.copied and due <= self.bench.clock.now():
                    self.copied.add(place)
                    endpoint_id = codec("delivery").decode(record.value())["endpoint_id"]
                    endpoint = self.endpoints[NAMES.index(endpoint_id)]
                    self.bench.append(endpoint, record.value(), record.headers())

    def verdicts(self, verdict):
        return [one["delivery_id"] for one in self.bench.attempts() if one["verdict"] == verdict]


@pytest.fixture
def world(tmp_path):
    found = World(tmp_path)
    yield found
    found.store.close()


def test_an_outage_of_the_world_buries_nothing_and_all_is_delivered_after_it(world):
    """Each waited longer than its schedule, and none longer than three more times."""
    bench = world.bench
    answer_all(bench, UNREACHABLE)
    written = [v["delivery_id"] for one in world.endpoints for v in bench.deliver(one, 3)]
    world.run(14 * MINUTE)
    assert (len(bench.dead()), world.guarding.guard is not None) == (0, True)
    # One deliverer is killed and begins anew under the guard that was told before.
    bench.kill(world.deliverers[0])
    world.deliverers[0] = bench.deliverer(0)
    world.run(2 * MINUTE)

    answer_all(bench, OK)
    world.run(10 * MINUTE)

    assert bench.dead() == []
    assert sorted(world.verdicts("delivered")) == sorted(written)
    assert max(one["number"] for one in bench.attempts()) in range(4, 7)
    assert world.guarding.guard is None


def test_an_outage_that_outlasts_the_guard_ends_in_the_dead_letters(world):
    """Three more waits and no more: what can't be delivered does not wait for ever."""
    bench = world.bench
    answer_all(bench, UNREACHABLE)
    written = [v["delivery_id"] for one in world.endpoints for v in bench.deliver(one)]

    world.run(26 * MINUTE)

    assert sorted(world.verdicts("dead")) == sorted(written)
    assert {progress_of(one.headers()).attempts_made for one in bench.dead()} == {6}


def test_one_endpoint_s_outage_is_its_own(world):
    """While the others succeed there is no guard, and its deliveries are exhausted in time."""
    bench = world.bench
    bench.sender.rule = lambda request: (
        0.01, UNREACHABLE if "ep_a" in request.context.lane.endpoint_id else OK,
    )  # fmt: skip
    for endpoint in world.endpoints:
        bench.deliver(endpoint)

    world.run(7 * MINUTE)

    assert [progress_of(one.headers()).attempts_made for one in bench.dead()] == [3]
    assert world.guarding.guard is None
