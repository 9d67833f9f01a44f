"""Past events on real Kafka and a real registry: replayed to a new endpoint, each once."""

import time

import orjson
import pytest

from hooklane.adapters.codec import codec
from hooklane.domain.cursor import Ending, told_in
from hooklane.domain.topics import Partition
from support.again import Again
from support.delivering import wait_for
from support.matching import Deployment, an_endpoint, encoded

pytestmark = pytest.mark.kafka
EVENTS = 2_000


@pytest.fixture
def deployment(stack, prefix, tmp_path):
    made = Deployment(stack, prefix, tmp_path)
    yield made
    made.close()


@pytest.fixture
def again(deployment, bootstrap, prefix, tmp_path):
    """The replayer's side of the same deployment."""
    made = Again(bootstrap, prefix, tmp_path, is_laid_out=True)
    made.environment |= deployment.environment
    yield made
    made.close()


@pytest.fixture
def topic(deployment):
    """2,000 events in two partitions: no matcher was ever there for them."""
    name = f"events.{deployment.namespace}"
    schema = {
        "type": "record",
        "name": "created",
        "namespace": deployment.namespace,
        "fields": [{"name": "n", "type": "int"}],
    }
    deployment.create(name, partitions=2)
    schema_id = deployment.register(f"{deployment.namespace}.created", schema)
    for number in range(EVENTS):
        deployment.produce(name, encoded(schema_id, schema, {"n": number}), key=b"%d" % number)
    deployment.flush()
    return name


def ranges(again, topic):
    ends = again.admin.ends([Partition(topic, number) for number in range(2)])
    return [
        {"topic": place.topic, "partition": place.partition, "first": low, "end": high}
        for place, (low, high) in sorted(ends.items())
    ]


def commit(again):
    partition = Partition(again.topics.commands, 0)
    return again.admin.committed(again.topics.group("replayer"), [partition]).get(partition)


def is_done(again):
    committed, partition = commit(again), Partition(again.topics.commands, 0)
    end = again.admin.ends([partition])[partition][1]
    return committed is not None and committed.offset >= end


def start(deployment, again, **settings):
    source = {"pattern": f"events.{deployment.namespace}*", "default_tenant": "acme"}
    return again.start("replayer", sources=orjson.dumps([source]).decode(), **settings)


def test_sigkill_in_the_middle_of_a_replay_leaves_no_gap_and_no_double(deployment, again, topic):
    """All 2,000 events reach an endpoint that is new, each once, with a receipt each."""
    endpoint = deployment.put(an_endpoint("*"))
    again.ask("replay", endpoint_id=endpoint.endpoint_id, ranges=ranges(again, topic))
    process = start(deployment, again, transaction_records_max=600)
    again.kill_inside_a_transaction(process, endpoint_id=endpoint.endpoint_id)
    start(deployment, again)
    wait_for(lambda: is_done(again), what="the replay")

    made = deployment.deliveries(endpoint, count=EVENTS)

    assert sorted(orjson.loads(d["payload"])["data"]["n"] for d in made) == list(range(EVENTS))
    assert len({d["delivery_id"] for d in made}) == EVENTS
    assert {(d["trigger"], d["command_id"]) for d in made} == {("replay", "cmd_a")}
    receipts = deployment.read(deployment.topics.matches, count=EVENTS)
    assert len(receipts) == EVENTS
    (outcome,) = told_in(commit(again)).outcomes
    assert (outcome.ending, outcome.cursor.count, outcome.cursor.seen) == (
        Ending.FINISHED,
        EVENTS,
        EVENTS,
    )


def test_a_slow_replay_holds_up_nobody_and_can_be_cancelled(deployment, again, topic):
    """A redrive and a resend behind it in its line are done at once; then it is ended."""
    endpoint = deployment.put(an_endpoint("*"))
    to_it = {"endpoint_id": endpoint.endpoint_id}
    again.ask("replay", ranges=ranges(again, topic), rate_per_s=50, **to_it)
    again.die(range(20), **to_it)
    again.flush()
    start(deployment, again)
    deployment.deliveries(endpoint, count=20)
    (one,) = deployment.deliveries(endpoint, count=1)[:1]
    source = one["source"]
    place = {"topic": topic, "partition": source["partition"], "first": source["offset"]}

    again.ask("redrive", command_id="cmd_b", **to_it)
    again.ask(
        "resend", command_id="cmd_c", event_id=one["event_id"],
        ranges=[{**place, "end": source["offset"] + 1}], **to_it,
    )  # fmt: skip
    wait_for(lambda: again.log().count("command.finished") == 2, what="those behind the replay")
    began = time.monotonic()
    again.ask("cancel", command_id="cmd_d", target="cmd_a", **to_it)
    wait_for(lambda: is_done(again), what="the cancel")

    assert time.monotonic() - began < 5
    made = deployment.deliveries(endpoint, count=40)
    by_command = [d["command_id"] for d in made]
    assert (by_command.count(""), by_command.count("cmd_c")) == (20, 1)
    (outcome,) = told_in(commit(again)).outcomes
    assert outcome.ending is Ending.CANCELLED
    assert by_command.count("cmd_a") == outcome.cursor.count < EVENTS
    (resent,) = [d for d in made if d["command_id"] == "cmd_c"]
    assert (resent["event_id"], resent["payload"]) == (one["event_id"], one["payload"])
    receipts = [
        codec("match").decode(record.value())
        for record in deployment.read(deployment.topics.matches, count=outcome.cursor.count + 1)
    ]
    assert len(receipts) == outcome.cursor.count + 1
