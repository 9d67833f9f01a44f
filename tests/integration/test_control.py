"""Control on real Kafka: what it answered is on its topic, once, whoever relays it."""

import os
import signal
import uuid
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest

from hooklane.adapters import kafka
from hooklane.adapters.clock import SystemClock
from hooklane.adapters.codec import codec
from hooklane.adapters.endpoint_table import EndpointTable
from hooklane.adapters.settings import KafkaSettings, load
from hooklane.client import Client
from hooklane.control.relay import outbox_id_of
from hooklane.domain.topics import Partition
from support.services import (
    API_KEY,
    Service,
    control_environment,
    free_port,
    kafka_environment,
)
from support.stack import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]
DRAFT = {
    "tenant": "acme",
    "url": "http://127.0.0.1:9/",
    "subscription": ["order.*"],
    "retry_schedule": ["5s"],
}


class Bench:
    """One deployment's settings, and what is on its topics."""

    def __init__(self, bootstrap, prefix, folder):
        self.environment = kafka_environment(bootstrap, prefix)
        self.settings = load(KafkaSettings, self.environment)
        self.topics = self.settings.topics
        self.folder = folder
        self.database = f"sqlite:///{folder}/control.db"

    def control(self, ordinal=0):
        port = free_port()
        own = control_environment(self.database, port)
        own["HOOKLANE_CONTROL_ORDINAL"] = str(ordinal)
        own["HOOKLANE_CONTROL_EFFECTIVE_WAIT_MS"] = "0"
        own["HOOKLANE_CONTROL_TAKEOVER_AFTER_S"] = "2"
        log = self.folder / f"control-{ordinal}.log"
        service = Service("control", self.environment | own, log)
        service.api = Client(f"http://127.0.0.1:{port}", API_KEY)
        return service

    def records(self, topic):
        reader = kafka.reader(self.settings, instance="test")
        part = Partition(topic, 0)
        reader.start({part: 0})
        _, end = reader.ends(part)
        found = []
        while reader.position(part) < end:
            found += reader.read(1_000, timeout=timedelta(milliseconds=100))
        reader.close()
        return found

    def announced(self, *endpoint_ids):
        """Give (endpoint id, revision) of these endpoints' records, in the topic's order."""
        found = [
            (record.key().decode(), codec("endpoint").decode(record.value())["revision"])
            for record in self.records(self.topics.endpoints)
        ]
        return [one for one in found if one[0] in endpoint_ids]

    @contextmanager
    def second(self):
        """Run another control; it takes hold at its start."""
        other = self.control(1).start()
        try:
            other.wait_ready()
            other.wait_for("relay.held")
            yield other
        finally:
            other.api.close()
            other.stop()


@pytest.fixture(scope="module")
def bench(bootstrap, tmp_path_factory):
    """One deployment for all tests here, each of which looks at its own endpoints."""
    return Bench(bootstrap, f"t{uuid.uuid4().hex[:10]}", tmp_path_factory.mktemp("control"))


@pytest.fixture(scope="module")
def control(bench):
    service = bench.control().start()
    service.wait_ready()
    service.api.create_tenant("acme")
    yield service
    service.stop()
    service.api.close()


def test_an_endpoint_is_announced_once_with_its_lane(bench, control):
    """Created, its lane is there, its record is read by a table as it was answered."""
    made = control.api.create_endpoint(**DRAFT)
    assert made["effective"] is False
    wait_until(lambda: bench.announced(made["id"]), within_s=10, what="the record")
    reader = kafka.reader(bench.settings, instance="test.table")
    table = EndpointTable(reader, bench.topics.endpoints, clock=SystemClock())
    table.start()
    found = table.get(made["id"])
    assert found.placement.topic in kafka.admin(bench.settings).topics()
    assert (found.url, found.revision) == (made["url"], 1)
    reader.close()


def test_a_control_killed_while_it_relays_publishes_each_change_once(bench, control):
    """SIGKILL in the middle of a burst; the next start publishes what is owed, no more."""
    made = [control.api.create_endpoint(**DRAFT)["id"] for _ in range(12)]
    control.kill()
    control.start().wait_ready()
    wait_until(lambda: len(bench.announced(*made)) >= 12, within_s=30, what="what was owed")
    assert bench.announced(*made) == [(endpoint_id, 1) for endpoint_id in made]
    ids = [outbox_id_of(record.headers()) for record in bench.records(bench.topics.endpoints)]
    assert ids == sorted(set(ids))


def published_ids(bench):
    records = bench.records(bench.topics.endpoints)
    return [outbox_id_of(record.headers()) for record in records]


def test_the_relay_moves_when_its_holder_is_killed(bench, control):
    """SIGKILL of the one that holds, in a burst: the other publishes the rest, each once."""
    with bench.second() as holder:
        made = [control.api.create_endpoint(**DRAFT)["id"] for _ in range(4)]
        holder.kill()
        made += [control.api.create_endpoint(**DRAFT)["id"] for _ in range(4)]
        wait_until(lambda: len(bench.announced(*made)) >= 8, within_s=30, what="the records")
    assert bench.announced(*made) == [(endpoint_id, 1) for endpoint_id in made]
    ids = published_ids(bench)
    assert ids == sorted(set(ids))


def test_a_holder_that_was_stopped_and_wakes_publishes_nothing(bench, control):
    """SIGSTOP in a burst: another takes over; awake, the old one is fenced and stands down."""
    with bench.second() as holder:
        made = [control.api.create_endpoint(**DRAFT)["id"] for _ in range(4)]
        os.kill(holder.child.pid, signal.SIGSTOP)
        try:
            made += [control.api.create_endpoint(**DRAFT)["id"] for _ in range(4)]
            wait_until(lambda: len(bench.announced(*made)) >= 8, within_s=30, what="the records")
        finally:
            os.kill(holder.child.pid, signal.SIGCONT)
        # Through its own API: it is rung, and believes that it holds.
        made += [holder.api.create_endpoint(**DRAFT)["id"] for _ in range(4)]
        holder.wait_for("relay.fenced")
        wait_until(lambda: len(bench.announced(*made)) >= 12, within_s=30, what="the rest")
    assert sorted(bench.announced(*made)) == sorted((endpoint_id, 1) for endpoint_id in made)
    ids = published_ids(bench)
    assert len(ids) == len(set(ids))


def test_of_two_controls_one_relays_and_both_answer(bench, control):
    """The newer holder fences the older; a change through either is published once."""
    with ExitStack() as both:
        other = bench.control(1)
        other.start()
        both.callback(other.stop)
        other.wait_ready()
        both.callback(other.api.close)
        second = other.api
        made = [api.create_endpoint(**DRAFT)["id"] for api in (control.api, second) * 3]
        wait_until(lambda: len(bench.announced(*made)) >= 6, within_s=30, what="the records")
        assert sorted(bench.announced(*made)) == sorted((one, 1) for one in made)
        assert control.child.poll() is None


def test_a_deleted_endpoint_s_lane_goes(bench, control):
    """Nobody runs that could use it: its topic is deleted, its record has no placement."""
    made = control.api.create_endpoint(**DRAFT)
    lane = bench.topics.lane(made["id"])
    wait_until(lambda: bench.announced(made["id"]), within_s=10, what="the record")
    control.api.delete_endpoint(made["id"])
    admin = kafka.admin(bench.settings)
    wait_until(lambda: lane not in admin.topics(), within_s=30, what="the lane's end")
    of_lane = [r for r in bench.records(bench.topics.endpoints) if r.key().decode() == made["id"]]
    newest = codec("endpoint").decode(of_lane[-1].value())
    assert (newest["state"], newest["placement"], newest["revision"]) == ("deleted", None, 3)


def test_disable_on_the_commands_topic_disables(bench, control):
    """As a deliverer writes it after a 410."""
    made = control.api.create_endpoint(**DRAFT)
    producer = kafka.producer(bench.settings, instance="test")
    value = {
        "command_id": "cmd_x", "kind": "disable", "endpoint_id": made["id"], "tenant": "acme",
        "issued_at": 0, "revision": 1, "reason": "gone", "since": None, "count_max": 0,
        "delivery_ids": [], "positions": [],
    }  # fmt: skip
    key = made["id"].encode()
    producer.produce(bench.topics.commands, codec("command").encode(value), key=key)
    producer.flush(timedelta(seconds=10))

    def state():
        shown = control.api.endpoint(made["id"])
        return shown["state"] == "disabled" and shown["state_reason"]

    assert wait_until(state, within_s=15, what="the disabling") == "gone"
    wait_until(
        lambda: (made["id"], 2) in bench.announced(made["id"]), within_s=10, what="its record"
    )
