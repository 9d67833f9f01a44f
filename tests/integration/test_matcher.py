"""The matcher on real Kafka and a real registry."""

import signal
import time

import orjson
import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.records import endpoint_value
from support.matching import Deployment, an_endpoint, encoded

pytestmark = pytest.mark.kafka


def a_schema(namespace: str) -> dict:
    return {
        "type": "record",
        "name": "created",
        "namespace": namespace,
        "fields": [
            {"name": "order_id", "type": "string"},
            {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        ],
    }


@pytest.fixture
def deployment(stack, prefix, tmp_path):
    made = Deployment(stack, prefix, tmp_path)
    yield made
    made.close()


@pytest.fixture
def source(deployment):
    """A source topic with a registered schema; gives (topic, schema id, schema)."""
    topic = f"events.{deployment.namespace}"
    deployment.create(topic)
    schema = a_schema(deployment.namespace)
    return topic, deployment.register(f"{deployment.namespace}.created", schema), schema


def publish(deployment, source, *numbers, **how):
    topic, schema_id, schema = source
    for number in numbers:
        value = encoded(schema_id, schema, {"order_id": f"o{number}", "placed_at": 0})
        deployment.produce(topic, value, key=f"k{number}", **how)
    deployment.flush()


def order_ids(deliveries):
    return [orjson.loads(delivery["payload"])["data"]["order_id"] for delivery in deliveries]


def test_an_event_goes_to_the_lanes_of_those_who_want_it(deployment, source):
    """Each event appended after the first start is in each fitting lane once, and has a receipt."""
    _, _, schema = source
    wants = deployment.put(an_endpoint(f"{schema['namespace']}.*"))
    wants_all = deployment.put(an_endpoint("*"))
    other_tenant = deployment.put(an_endpoint("*", tenant="globex"))
    publish(deployment, source, 0)
    deployment.start()
    deployment.wait_for_log("partitions.started")
    publish(deployment, source, *range(1, 101))

    first = deployment.deliveries(wants, count=100)
    expected = [f"o{n}" for n in range(1, 101)]
    assert expected == order_ids(first)
    assert expected == order_ids(deployment.deliveries(wants_all, count=100))
    assert deployment.deliveries(other_tenant, count=0) == []
    receipts = [
        codec("match").decode(record.value())
        for record in deployment.read(deployment.topics.matches, count=100)
    ]
    assert sorted([wants.endpoint_id, wants_all.endpoint_id]) == receipts[0]["matched"]
    assert [d["event_id"] for d in first] == [r["event_id"] for r in receipts]
    payload = orjson.loads(first[0]["payload"])
    assert payload["data"] == {"order_id": "o1", "placed_at": "1970-01-01T00:00:00Z"}
    assert (f"{schema['namespace']}.created", 1) == (payload["type"], payload["version"])


def is_open(deployment, lane):
    committed, written = deployment.ends(lane)
    return written > committed + 100


def catch_in_a_transaction(deployment, process, lane):
    """Stop the matcher while the lane holds records that are not committed."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        process.send_signal(signal.SIGSTOP)
        if is_open(deployment, lane):
            # What was on its way to the broker when the matcher stopped, maybe its commit, has
            # arrived by then.
            time.sleep(0.3)
            if is_open(deployment, lane):
                return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError("no transaction was caught open")


def test_a_killed_matcher_leaves_nothing_missing_or_doubled(deployment, source):
    """SIGKILL in an open transaction: the lane holds each event once, readable within 3 s."""
    endpoint = deployment.put(an_endpoint("*"))
    lane, count = endpoint.placement.topic, 30_000
    process = deployment.start()
    deployment.wait_for_log("partitions.started")
    publish(deployment, source, *range(count))
    catch_in_a_transaction(deployment, process, lane)
    committed = len(deployment.read(lane, count=count, within_s=1))
    written = len(deployment.read(lane, count=count, within_s=1, committed=False))
    assert written > committed, "what read_uncommitted sees, read_committed does not"

    process.kill()
    process.wait()
    deployment.start()
    began = time.monotonic()
    deployment.wait_for_log("process.started", count=2)
    restarted = time.monotonic()
    while deployment.ends(lane)[0] < written:
        assert time.monotonic() < restarted + 3, "the lane was not readable within 3 s"
        time.sleep(0.02)
    print(f"readable {time.monotonic() - began:.2f} s after the start of the new process")

    found = order_ids(deployment.deliveries(endpoint, count=count))
    assert sorted(f"o{n}" for n in range(count)) == sorted(found)


def test_a_registry_that_is_away_stops_only_whom_it_must(deployment, source):
    """Known schemas go on, also after a restart; the rest waits, visibly."""
    endpoint = deployment.put(an_endpoint("*"))
    process = deployment.start()
    deployment.wait_for_log("partitions.started")
    publish(deployment, source, 1)
    deployment.deliveries(endpoint, count=1)
    process.terminate()
    assert process.wait(20) == 0
    deployment.environment["HOOKLANE_REGISTRY_URL"] = "http://127.0.0.1:9"
    other = f"events.{deployment.namespace}.other"
    deployment.create(other)
    deployment.produce(other, b"\0\0\0\0\0" + b"x")
    publish(deployment, source, 2)

    deployment.start()

    assert order_ids(deployment.deliveries(endpoint, count=2)) == ["o1", "o2"]
    deployment.wait_for_log("partition.waits")
    publish(deployment, source, 3)
    assert order_ids(deployment.deliveries(endpoint, count=3)) == ["o1", "o2", "o3"]


def test_an_endpoint_gets_the_very_next_event_after_its_position_was_told(deployment, source):
    """As the API waits for it, thirty times in a row."""
    deployment.start()
    deployment.wait_for_log("partitions.started")
    began = time.monotonic()
    for number in range(30):
        endpoint = deployment.put(an_endpoint("*"))
        deployment.wait_for_position(number + 1)
        publish(deployment, source, number)
        assert [f"o{number}"] == order_ids(deployment.deliveries(endpoint, count=1, quick=True))
    print(f"{(time.monotonic() - began) / 30 * 1000:.0f} ms each")


def test_what_is_no_event_is_set_aside(deployment, source):
    """Raw with its reason; the events around it are delivered."""
    topic, schema_id, _ = source
    endpoint = deployment.put(an_endpoint("*"))
    deployment.start()
    deployment.wait_for_log("partitions.started")
    publish(deployment, source, 1)
    broken = [b"", b"{}", b"\0" + schema_id.to_bytes(4, "big") + b"\xff" * 50, None]
    for value in broken:
        deployment.produce(topic, value)
    publish(deployment, source, 2)

    assert order_ids(deployment.deliveries(endpoint, count=2)) == ["o1", "o2"]
    records = deployment.read(deployment.topics.rejected_events, count=4)
    found = sorted((r.value() or b"", dict(r.headers())["rejected-reason"]) for r in records)
    reasons = {b"{}": b"frame", b"": b"frame"}
    assert sorted((v or b"", reasons.get(v or b"", b"value")) for v in broken) == found


def test_at_least_once_writes_without_transactions(deployment, source):
    """No transaction markers are in the lane."""
    endpoint = deployment.put(an_endpoint("*"))
    deployment.start(fanout_guarantee="at_least_once")
    deployment.wait_for_log("partitions.started")
    publish(deployment, source, *range(100))
    assert [f"o{n}" for n in range(100)] == order_ids(deployment.deliveries(endpoint, count=100))
    assert deployment.ends(endpoint.placement.topic) == (100, 100)


def crowd(deployment, size):
    """Announce endpoints that share a lane; give their ids, in order."""
    lane = deployment.put(an_endpoint("*", endpoint_id="ep_0000")).placement
    ids = [f"ep_{number:04}" for number in range(size)]
    for endpoint_id in ids[1:]:
        value = endpoint_value(an_endpoint("*", endpoint_id=endpoint_id, placement=lane))
        topic = deployment.topics.endpoints
        deployment.produce(topic, codec("endpoint").encode(value), key=endpoint_id)
    deployment.flush()
    return lane.topic, ids


def test_a_matcher_killed_between_two_parts_of_a_fan_out_leaves_none_out(deployment, source):
    """SIGKILL within an event of 150 endpoints, four records a transaction: each gets it once."""
    lane, ids = crowd(deployment, 150)
    process = deployment.start(transaction_records_max="4")
    deployment.wait_for_log("partitions.started")
    publish(deployment, source, 1)
    deadline = time.monotonic() + 20
    while deployment.ends(lane)[0] < 20:
        assert time.monotonic() < deadline, "no part came"
    process.kill()
    process.wait()
    parts_before = deployment.log().count("fan_out.split")
    assert 0 < parts_before < 49, "it was to be killed between two parts"

    deployment.start(transaction_records_max="4")

    found = [
        codec("delivery").decode(record.value()) for record in deployment.read(lane, count=150)
    ]
    assert ids == [value["endpoint_id"] for value in found]
    assert len({value["delivery_id"] for value in found}) == 150
    receipts = [
        codec("match").decode(record.value())
        for record in deployment.read(deployment.topics.matches, count=50)
    ]
    assert list(range(50)) == [value["part"] for value in receipts]
    assert ids == [one for value in receipts for one in value["matched"]]


def test_a_second_matcher_joins_and_leaves_without_an_event_doubled_or_missed(deployment):
    """Source partitions are shared out while events come; each is in the lane once."""
    topic = f"events.{deployment.namespace}"
    deployment.create(topic, 4)
    schema = a_schema(deployment.namespace)
    source = topic, deployment.register(f"{deployment.namespace}.created", schema), schema
    endpoint = deployment.put(an_endpoint("*"))
    deployment.start()
    deployment.wait_for_log("partitions.started")
    second, numbers = deployment.start(ordinal="1"), iter(range(100_000))
    deadline = time.monotonic() + 20
    while deployment.log().count("partitions.started") < 2:
        assert time.monotonic() < deadline, "it took no partition"
        publish(deployment, source, *(next(numbers) for _ in range(20)))
        time.sleep(0.02)
    publish(deployment, source, *(next(numbers) for _ in range(200)))
    second.terminate()
    publish(deployment, source, *(next(numbers) for _ in range(200)))

    count = next(numbers)
    found = order_ids(deployment.deliveries(endpoint, count=count))
    assert sorted(f"o{n}" for n in range(count)) == sorted(found)
