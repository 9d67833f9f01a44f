import json
from datetime import timedelta

import fastavro
import pytest

from hooklane.adapters.codec import schemas_dir
from hooklane.adapters.events import EventReader
from hooklane.adapters.rendering import EventSchema
from hooklane.control.operational import KEPT, Teller
from hooklane.domain import operational
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import Conflict, Unavailable
from hooklane.domain.health import Health, Met, Rules, observed
from hooklane.domain.operational import OperationalEvent, replay_finished
from hooklane.domain.sources import Sources
from support.control import draft

FAILED = (Outcome.REJECTED,) * 3


@pytest.fixture
def teller(bench, api):
    found = Teller(
        bench.store, bench.registry, topics=bench.topics, clock=bench.clock, log=bench.log
    )
    found.ring = bench.ring
    return found


def records(bench):
    found = []
    for partition in range(bench.topics.counts.commands):
        found += bench.records(bench.topics.operational, partition)
    return found


class Registered:
    """Schemas as the registry has them, without a cache of its own."""

    def __init__(self, registry):
        self._registry = registry

    def get(self, ref, _topic):
        known = self._registry.known(ref)
        schema = EventSchema(known.schema)
        return schema.of_version(known.versions[schema.event_type])


def events(bench):
    """Give the events as a matcher reads them."""
    reader = EventReader(
        Registered(bench.registry), Sources([], prefix=bench.topics.prefix), clock=bench.clock
    )
    return [reader.read(record) for record in records(bench)]


def test_a_change_is_published_as_an_ordinary_event_of_its_tenant(api, bench, teller):
    """A matcher reads it like any other: type, version, tenant, time, and what it holds."""
    made = api.post("/v1/endpoints", json=draft()).json()
    teller.step()
    (event,) = events(bench)
    assert (event.event_type, event.version, event.tenant, event.key) == (
        operational.CREATED,
        1,
        "acme",
        b"acme",
    )
    payload = json.loads(event.payload)
    assert payload["data"] == {
        "endpoint_id": made["id"],
        "revision": 1,
        "url": draft()["url"],
        "subscription": ["order.*"],
    }
    assert payload["timestamp"][:19] == made["created_at"][:19]
    teller.step()
    assert len(records(bench)) == 1


def test_a_change_told_again_is_the_same_event(api, bench, teller):
    """Source and id are the deployment's and the change's, so receivers see one webhook-id."""
    api.post("/v1/endpoints", json=draft())
    (owed,) = bench.store.owed_events(10, event_types=operational.TYPES)
    teller.step()
    written = [dict(record.headers()) for record in records(bench)]
    again = dict(teller._written(owed).headers)
    assert [one["ce_id"] for one in written] == [again["ce_id"]]
    assert [one["ce_source"] for one in written] == [b"test"]


def test_while_the_registry_is_away_events_wait(api, bench, teller):
    """Nothing else of control waits for it; then all are told, in their order."""
    bench.registry.failure = Unavailable("registry")
    made = api.post("/v1/endpoints", json=draft()).json()
    api.patch(
        f"/v1/endpoints/{made['id']}",
        json={"secret": "whsec_" + "a2V5" * 8},
        headers={"If-Match": '"1"'},
    )
    with pytest.raises(Unavailable):
        teller.step()
    assert records(bench) == []
    bench.registry.failure = None
    teller.step()
    found = [event.event_type for event in events(bench)]
    assert found == [operational.CREATED, operational.SECRET_ROTATED]


def test_events_older_than_their_topic_keeps_them_are_forgotten(api, bench, teller):
    """A registry that never comes back fills no database; the loss is logged."""
    api.post("/v1/endpoints", json=draft())
    bench.registry.failure = Unavailable("registry")
    bench.clock.advance(KEPT + timedelta(minutes=1))
    with pytest.raises(Unavailable):
        teller.step()
    assert bench.store.owed_events_count() == 0
    assert ("operational.forgotten", {"events": 1}) in bench.lines


def test_a_type_that_somebody_else_has_waits_alone(api, bench, teller):
    """The others are told; it is asked for again once a minute."""
    other = {"type": "record", "namespace": "endpoint", "name": "created", "fields": []}
    bench.registry.put(operational.CREATED, other)
    made = api.post("/v1/endpoints", json=draft()).json()
    api.patch(
        f"/v1/endpoints/{made['id']}",
        json={"secret": "whsec_" + "a2V5" * 8},
        headers={"If-Match": '"1"'},
    )
    teller.step()
    assert [event.event_type for event in events(bench)] == [operational.SECRET_ROTATED]
    refused = [fields["type"] for what, fields in bench.lines if what == "operational.refused"]
    assert refused == [operational.CREATED]
    asked = bench.registry.asked
    teller.step()
    assert bench.registry.asked == asked
    bench.clock.advance(timedelta(seconds=61))
    teller.step()
    assert bench.registry.asked > asked


def test_a_registry_that_refuses_is_no_end(bench, teller):
    """A conflict is logged, by type."""
    bench.registry.failure = Conflict("no")
    teller.step()
    assert len([what for what, _ in bench.lines if what == "operational.refused"]) == len(
        operational.TYPES
    )


@pytest.mark.parametrize("event_type", operational.TYPES)
def test_each_type_has_a_schema_an_example_and_values_that_fit(bench, teller, event_type):
    """What the rules give is what the schema takes; the example names every field."""
    folder = schemas_dir() / "operational" / event_type
    schema = json.loads((folder / "v1.avsc").read_text(encoding="utf-8"))
    example = json.loads((folder / "example.v1.json").read_text(encoding="utf-8"))
    assert f"{schema['namespace']}.{schema['name']}" == event_type
    assert {field["name"] for field in schema["fields"]} == set(example)
    fastavro.parse_schema(schema)
    teller.step()
    for event in told(bench):
        if event.event_type == event_type:
            value = teller._writers[event_type].write(event.values)
            assert value[:1] == b"\0"
            assert set(event.values) <= set(example)


def told(bench) -> list[OperationalEvent]:
    """Give an event of each type that attempts and replays raise."""
    now = bench.clock.now()
    attempts = [
        Met(
            attempt_id=f"att_{n}", delivery_id="dlv_a", event_id="evt_a",
            event_type="order.created", at_ms=to_ms(now), outcome=outcome, is_dead=n == 2,
        )
        for n, outcome in enumerate((*FAILED, Outcome.SUCCEEDED))
    ]  # fmt: skip
    rules = Rules(failing_after=2, dead_per_minute_max=1)
    health = Health(endpoint_id="ep_a", tenant="acme")
    health, events = observed(health, [*attempts, attempts[2]], rules=rules, now=now)
    _, more = observed(health, [], rules=rules, now=now + timedelta(minutes=1))
    values = {"state": "finished", "read": 3, "matched": 2, "reason": ""}
    replay = replay_finished("cmd_a", tenant="acme", endpoint_id="ep_a", at=now, values=values)
    return [*events, *more, replay]
