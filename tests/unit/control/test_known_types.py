"""Which schema a probe's example is made of."""

import orjson
import pytest

from hooklane.adapters.codec import codec
from hooklane.control.known_types import example_payload
from hooklane.domain.errors import Invalid, Unavailable
from hooklane.domain.subscription import subscription


def schema(name, *fields):
    kinds = [{"name": field, "type": "int"} for field in (*fields, "last")]
    return {"type": "record", "name": name, "fields": kinds}


def learn(bench, event_type, version, *, subject=None, text=None):
    """Write what a matcher learned."""
    value = {
        "schema_id": version,
        "text": text or orjson.dumps(schema(event_type, f"v{version}")).decode(),
        "subject": subject or event_type,
        "version": version,
    }
    writer = bench.cluster.producer(instance="matcher")
    writer.produce(bench.topics.schemas, codec("schema").encode(value), key=b"%d" % version)


def made(bench, *patterns, wanted=None):
    found = bench.desk.known_types.example(
        subscription(patterns), wanted, event_id="evt_1", now=bench.clock.now()
    )
    data = orjson.loads(found.payload)
    assert (data["id"], data["type"], data["version"]) == ("evt_1", found.event_type, found.version)
    return found.event_type, found.version, list(data["data"])


def test_the_registrys_newest_version_comes_first(bench):
    """It is what producers write next."""
    bench.registry.put("a.one", schema("a.one", "x"))
    bench.registry.put("a.one", schema("a.one", "x", "y"))
    learn(bench, "a.one", 1)

    assert made(bench, "a.one") == ("a.one", 2, ["x", "y", "last"])


def test_without_the_registry_what_was_learned_counts(bench):
    """The newest of the type's own subject."""
    bench.registry.failure = Unavailable("away")
    learn(bench, "a.one", 3)
    learn(bench, "a.one", 2)
    learn(bench, "a.one", 4, subject="events.a-value")
    learn(bench, "a.two", 5, text="{")

    assert made(bench, "a.one") == ("a.one", 3, ["v3", "last"])


def test_what_is_shipped_is_known_too(bench):
    """By the newest version."""
    bench.registry.failure = Unavailable("away")

    assert made(bench, "order.created")[:2] == ("order.created", 2)
    assert made(bench, "endpoint.disabled")[0] == "endpoint.disabled"


def test_a_wildcard_takes_the_first_known_below_it(bench):
    """By name; a type that nobody knows is passed."""
    learn(bench, "a.two", 1)
    learn(bench, "a.one", 1)

    assert made(bench, "b.unknown", "a.*")[0] == "a.one"
    assert made(bench, "*", wanted="a.two")[0] == "a.two"


def test_a_type_not_subscribed_to_or_not_known_is_refused(bench):
    """The sentence says which."""
    with pytest.raises(Invalid, match=r"does not subscribe to 'a\.one'"):
        made(bench, "b.*", wanted="a.one")
    with pytest.raises(Invalid, match=r"no schema of b\.one is known"):
        made(bench, "b.*", wanted="b.one")
    with pytest.raises(Invalid, match="no schema of any type"):
        made(bench, "b.*")


def test_a_silent_broker_leaves_what_is_shipped(bench):
    """A probe needs no more."""
    bench.cluster.fail_next("ends", Unavailable("gone"))

    assert made(bench, "order.*")[0] == "order.created"


def test_a_schema_that_can_not_be_filled_is_refused(bench):
    """Whatever is wrong with it."""
    endless = {"type": "record", "name": "a.B", "fields": [{"name": "f", "type": "a.B"}]}

    with pytest.raises(Invalid, match=r"no example of a\.B"):
        example_payload(
            endless, event_type="a.B", version=1, event_id="evt_1", now=bench.clock.now()
        )
