"""A raw record is one event, always the same, or none by a reason."""

from datetime import timedelta

import orjson
import pytest

from hooklane.adapters.metrics import EVENT_TYPES_DIFFERING
from hooklane.domain.errors import BrokenContract, Unavailable
from hooklane.domain.sources import Source
from hooklane.domain.topics import TopicSpec
from support.matcher_bench import SCHEMA, MatcherBench, encoded


@pytest.fixture
def bench():
    return MatcherBench()


def numbers(values):
    return sorted(orjson.loads(value["payload"])["data"]["n"] for value in values)


def test_a_schema_not_found_is_rejected_after_a_minute(bench):
    """Before that the registry may only be late."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.publish(1, schema_id=99)
    bench.run(matcher)
    assert bench.rejected() == []

    bench.clock.advance(timedelta(seconds=61))
    bench.publish(2, 3, 4)
    bench.run(matcher)

    (rejected,) = bench.rejected()
    assert rejected["rejected-reason"] == b"schema_not_found"
    assert numbers(bench.lane(endpoint)) == [2, 3, 4]


def test_a_tenant_a_source_may_not_name_is_set_aside(bench):
    """So is an event without one where the source has no default."""
    bench = MatcherBench(
        sources=(
            Source(pattern="events.order", tenants=("acme",)),
            Source(pattern="events.order.free", default_tenant="globex"),
        )
    )
    bench.create("events.order.free")
    acme, globex = bench.endpoint(), bench.endpoint(tenant="globex")
    matcher = bench.started()
    bench.publish(1, headers=[("ce_tenant", b"acme")])
    bench.publish(2, headers=[("ce_tenant", b"globex")])
    bench.publish(3)
    bench.publish(4, topic="events.order.free")

    bench.run(matcher)

    assert numbers(bench.lane(acme)) == [1]
    assert numbers(bench.lane(globex)) == [4]
    assert [r["rejected-reason"] for r in bench.rejected()] == [b"tenant", b"tenant"]


def test_the_same_ce_id_is_the_same_event(bench):
    """Written twice it is fanned out twice, under the same ids; another tenant's is another."""
    acme, globex = bench.endpoint(), bench.endpoint(tenant="globex")
    matcher = bench.started()
    said = [("ce_id", b"7"), ("ce_source", b"shop")]
    bench.publish(1, 1, headers=said)
    bench.publish(1, headers=[*said, ("ce_tenant", b"globex")])

    bench.run(matcher)

    one, two = bench.lane(acme)
    (other,) = bench.lane(globex)
    assert one["delivery_id"] == two["delivery_id"]
    assert one["event_id"] == two["event_id"] != other["event_id"]


def test_ce_time_is_the_events_time(bench):
    """In the payload and in the record; without it the append's."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    bench.publish(1, headers=[("ce_time", b"2026-02-03T04:05:06.789+01:00")])
    bench.run(matcher)
    (delivery,) = bench.lane(endpoint)
    payload = orjson.loads(delivery["payload"])
    assert payload["timestamp"] == "2026-02-03T03:05:06.789000Z"


def test_a_schema_not_found_waits_no_longer_for_a_clock_that_is_ahead(bench):
    """A producer's own timestamp may lie in the future: then it counts from when it was missed."""
    endpoint = bench.endpoint()
    spec = TopicSpec(name="events.order.made", partitions=1, settings={})
    bench.admin.ensure([spec], replication=1)
    matcher = bench.started()
    bench.publish(1, schema_id=99, topic="events.order.made")
    record = Ahead(bench.records("events.order.made")[0])
    reader = matcher._around.reader
    with pytest.raises(Unavailable):
        reader.read(record)
    bench.clock.advance(timedelta(seconds=61))
    with pytest.raises(BrokenContract) as raised:
        reader.read(record)
    assert raised.value.fields == {"reason": "schema_not_found"}
    assert bench.lane(endpoint) == []


class Ahead:
    """A record whose producer's clock is half an hour ahead."""

    def __init__(self, record):
        self._record = record

    def __getattr__(self, name):
        return getattr(self._record, name)

    def timestamp(self):
        return 1, self._record.timestamp()[1] + 1_800_000


@pytest.mark.parametrize(
    ("value", "key", "topic", "reason"),
    [
        ("x" * 300_000, b"k", "events.note", "payload_too_large"),
        ("x", b"k" * 20_000, "events.note", "key_too_large"),
        ("x", b"k", "elsewhere", "tenant"),
    ],
)
def test_what_is_too_large_or_from_elsewhere_is_no_event(bench, *, value, key, topic, reason):
    """By its reason."""
    schema = {**SCHEMA, "name": "noted", "fields": [{"name": "t", "type": "string"}]}
    schema_id = bench.registry.put("order.noted", schema)
    bench.create(topic)
    matcher = bench.started()
    bench.publish_raw(encoded(schema_id, schema, {"t": value}), topic=topic, key=key)
    (record,) = bench.records(topic)
    with pytest.raises(BrokenContract) as raised:
        matcher._around.reader.read(record)
    assert raised.value.fields == {"reason": reason}


def test_a_position_is_an_identity_only_once_its_topic_is_known(bench):
    """Until then the event waits."""
    matcher = bench.started()
    bench.create("events.late")
    bench.publish(1, topic="events.late")
    (record,) = bench.records("events.late")
    reader = matcher._around.reader
    assert not reader.is_readable(record)
    reader.know(cluster="c", topic_ids={"events.late": "t"})
    assert reader.is_readable(record)
    assert reader.read(record).event_id == reader.read(record).event_id


def test_a_differing_ce_type_is_counted_and_the_full_name_wins(bench):
    """The producer meant something else."""
    endpoint = bench.endpoint("order.created")
    matcher = bench.started()
    before = EVENT_TYPES_DIFFERING._value.get()
    bench.publish(1, headers=[("ce_type", b"order.made")])
    bench.publish(2, headers=[("ce_type", b"order.created")])
    bench.run(matcher)
    assert numbers(bench.lane(endpoint)) == [1, 2]
    assert EVENT_TYPES_DIFFERING._value.get() > before
