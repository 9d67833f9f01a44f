"""What is published is what the matcher reads; what is wrong is refused before it leaves."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from hooklane.domain.errors import BrokenContract, Invalid, NotFound, Unavailable
from hooklane.publisher.publisher import Publisher
from support.matcher_bench import SCHEMA, MatcherBench


@pytest.fixture
def bench():
    return MatcherBench()


@pytest.fixture
def publisher(bench):
    return Publisher(
        bench.cluster.producer(instance="p"),
        registry=bench.registry,
        admin=bench.admin,
        clock=bench.clock,
        source="shop",
    )


def test_an_event_arrives_as_it_was_published(bench, publisher):
    """Type, version, tenant, time, key, and the id it said."""
    endpoint = bench.endpoint()
    matcher = bench.started()
    at = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    published = publisher.publish("order.created", {"n": 7}, tenant="acme", key="k", time=at)
    publisher.flush()
    bench.run(matcher)
    (delivery,) = bench.lane(endpoint)
    payload = orjson.loads(delivery["payload"])
    assert payload == {
        "id": published.event_id,
        "type": "order.created",
        "version": 1,
        "timestamp": "2026-02-03T04:05:06Z",
        "data": {"n": 7},
    }
    assert delivery["key"] == b"k"
    assert published.topic == "events.order"
    publisher.close()


def test_the_same_id_is_the_same_event(publisher):
    """For a tenant; without one the publisher can't tell it."""
    same = {"tenant": "acme", "id": "1", "source": "till"}
    one = publisher.publish("order.created", {"n": 1}, **same)
    two = publisher.publish("order.created", {"n": 2}, **same)
    assert one.event_id == two.event_id
    assert publisher.publish("order.created", {"n": 1}, tenant="acme").event_id != one.event_id
    assert publisher.publish("order.created", {"n": 1}).event_id is None


def test_a_version_can_be_chosen(bench, publisher):
    """Else it is the latest, which is asked for again after a minute."""
    assert publisher.check("order.created", {"n": 1}) == 1
    newer = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "m", "type": "int", "default": 0}]}
    bench.registry.put("order.created", newer)
    assert publisher.check("order.created", {"n": 1}) == 1
    assert publisher.check("order.created", {"n": 1}, version=2) == 2
    bench.clock.advance(timedelta(seconds=61))
    assert publisher.check("order.created", {"n": 1, "m": 2}) == 2


def test_a_registry_away_stops_only_what_is_unknown(bench, publisher):
    """A latest version once known is used on."""
    publisher.check("order.created", {"n": 1})
    bench.registry.failure = Unavailable("away")
    bench.clock.advance(timedelta(seconds=61))
    assert publisher.check("order.created", {"n": 1}) == 1
    with pytest.raises(Unavailable):
        publisher.check("order.shipped", {})


@pytest.mark.parametrize(
    ("event_type", "data", "about", "error"),
    [
        ("order.sunk", {"n": 1}, {}, NotFound),
        ("order", {"n": 1}, {}, Invalid),
        ("order.created", {"n": 1}, {"version": 9}, NotFound),
        ("order.created", {"n": "x"}, {}, Invalid),
        ("order.created", {"n": 1}, {"tenant": ""}, Invalid),
        ("order.created", {"n": 1}, {"id": "x" * 2000}, Invalid),
        ("order.created", {"n": 1}, {"source": 3}, Invalid),
        ("order.created", {"n": 1}, {"key": b"x" * 20_000}, Invalid),
        ("order.created", {"n": 1}, {"time": datetime(2026, 1, 1)}, Invalid),  # noqa: DTZ001
    ],
)
def test_what_is_wrong_is_refused(bench, publisher, *, event_type, data, about, error):
    """And nothing is written."""
    with pytest.raises(error):
        publisher.publish(event_type, data, **about)
    assert bench.records("events.order") == []


def test_the_type_version_and_field_are_named(publisher):
    """In one sentence."""
    with pytest.raises(Invalid) as raised:
        publisher.publish("order.created", {"n": "x"})
    expected = "order.created version 1: field n should be a whole number (int), not 'x'"
    assert raised.value.detail == expected


def test_an_event_without_a_topic_is_refused(bench, publisher):
    """Saying what makes it."""
    bench.registry.put("user.registered", {**SCHEMA, "namespace": "user", "name": "registered"})
    with pytest.raises(NotFound, match="schemas register"):
        publisher.publish("user.registered", {"n": 1})


def test_a_subject_that_holds_another_record_is_no_event_type(bench, publisher):
    """The matcher would read another type."""
    bench.registry.put("user.registered", SCHEMA)
    with pytest.raises(BrokenContract):
        publisher.publish("user.registered", {"n": 1})


def test_an_event_too_large_for_kafka_is_refused(bench, publisher):
    """Before it is queued."""
    text = {**SCHEMA, "name": "noted", "fields": [{"name": "t", "type": "string"}]}
    bench.registry.put("order.noted", text)
    with pytest.raises(Invalid, match="bytes"):
        publisher.publish("order.noted", {"t": "x" * 1_000_000})
