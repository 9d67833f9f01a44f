from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command

from hooklane.adapters.health_store import Observation, WrittenEvent
from hooklane.adapters.sql import upgrade as upgrading
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.tables import outbox
from hooklane.adapters.sql.upgrade import upgrade
from hooklane.adapters.store import LostRace, OffsetMove
from hooklane.domain import operational
from hooklane.domain.attempt import Outcome
from hooklane.domain.endpoint import Cause, Endpoint, EndpointState, Placement, next_state
from hooklane.domain.guard import Reach
from hooklane.domain.health import Health, HealthState
from hooklane.domain.operational import OperationalEvent
from hooklane.domain.subscription import Subscription
from hooklane.domain.topics import Partition, Topics

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
TOPICS = Topics(prefix="test")
ATTEMPTS = Partition(TOPICS.attempts, 0)


def endpoint(number=1, **fields):
    endpoint_id = f"ep_{number}"
    about = {
        "endpoint_id": endpoint_id, "tenant": "acme", "revision": 1, "url": "https://a.example/",
        "state": EndpointState.ACTIVE, "subscription": Subscription(patterns=("order.*",)),
        "secrets": (), "sealed_headers": None, "timeout": timedelta(seconds=15),
        "retry_schedule": (), "placement": Placement(topic=f"test.lane.{number}", partition=0),
    }  # fmt: skip
    return Endpoint(**{**about, **fields})


def told(endpoint_id="ep_1", number=1):
    return OperationalEvent(
        event_type=operational.FAILING,
        id_in_source=f"endpoint.failing:{endpoint_id}:{number}",
        tenant="acme",
        endpoint_id=endpoint_id,
        at=NOW,
        values={"endpoint_id": endpoint_id, "last_status": None, "consecutive_failures": number},
    )


WHOLE = Health(
    endpoint_id="ep_1",
    tenant="acme",
    state=HealthState.FAILING,
    failing_since=NOW,
    consecutive_failures=7,
    last_success_at=NOW - timedelta(hours=1),
    last_failure_at=NOW,
    last_outcome=Outcome.REJECTED,
    last_status=500,
    told_since=NOW,
    slots={5_900_000: (1, 2, 3), 5_900_001: (0, 0, 1)},
    dead_window_at=NOW,
    dead_told=2,
    dead_untold=3,
)


@pytest.fixture
def store(engine):
    found = SqlControlStore(engine, TOPICS)
    found.add_tenant("acme", at=NOW)
    found.add_endpoint(endpoint(), at=NOW, lanes_max=10)
    return found


def owed(store):
    return [one.event for one in store.owed_events(100, event_types=operational.TYPES)]


def move(expected, offset):
    return OffsetMove(partition=ATTEMPTS, expected=expected, offset=offset)


def keep(store, *observations, **about):
    store.observe(
        [one.health.endpoint_id for one in observations], lambda _: observations, at=NOW, **about
    )


def test_what_is_known_is_kept_whole(store):
    """Every field comes back, also a second time over the first."""
    assert store.health("ep_1") is None
    keep(store, Observation(health=replace(WHOLE, consecutive_failures=1)))
    keep(store, Observation(health=WHOLE))
    assert store.health("ep_1") == WHOLE
    assert store.failing_count() == 1


def test_who_judges_sees_the_endpoints_that_are_there(store):
    """With revision, state and what was known; deleted and unknown ones are left out."""
    store.add_endpoint(endpoint(2), at=NOW, lanes_max=10)
    store.change_endpoint(
        "ep_2",
        lambda kept: replace(kept.endpoint, revision=2, state=EndpointState.DELETED),
        at=NOW,
    )
    keep(store, Observation(health=WHOLE))
    seen = {}

    def judge(watched):
        seen.update(watched)
        return []

    store.observe(["ep_1", "ep_2", "ep_nobody"], judge, at=NOW)
    assert list(seen) == ["ep_1"]
    assert (seen["ep_1"].revision, seen["ep_1"].state) == (1, EndpointState.ACTIVE)
    assert seen["ep_1"].health == WHOLE


def test_health_events_and_offsets_are_one_transaction(store):
    """Whoever loses the race for an offset writes nothing."""
    created = owed(store)
    first = Observation(health=WHOLE, events=[told()])
    keep(store, first, moves=[move(None, 5)], reader="health")
    again = Observation(health=replace(WHOLE, consecutive_failures=99), events=[told(number=2)])
    for lost in (move(None, 9), move(4, 9)):
        with pytest.raises(LostRace):
            keep(store, again, moves=[lost], reader="health")
    assert store.health("ep_1") == WHOLE
    assert owed(store) == [*created, told()]
    assert store.offsets("health") == {ATTEMPTS: 5}


def test_a_change_owes_its_events_in_its_transaction(store):
    """Created, disabled; a decision to change nothing owes nothing."""
    store.change_endpoint("ep_1", lambda _: None, at=NOW)
    store.change_endpoint("ep_1", moved(Cause.DISABLE), at=NOW)
    assert [event.event_type for event in owed(store)] == [
        operational.CREATED,
        operational.DISABLED,
    ]

    def fails(_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.change_endpoint("ep_1", fails, at=NOW)
    assert store.owed_events_count() == 2


def moved(cause):
    return lambda kept: replace(
        kept.endpoint,
        revision=kept.endpoint.revision + 1,
        state=next_state(kept.endpoint.state, cause),
        state_reason="gone",
    )


def test_an_enabled_endpoint_s_run_begins_anew(store):
    """Five days of failure before do not disable it again at its next one."""
    keep(store, Observation(health=WHOLE))
    store.change_endpoint("ep_1", moved(Cause.DISABLE), at=NOW)
    assert store.health("ep_1") == WHOLE
    store.change_endpoint("ep_1", moved(Cause.ENABLE), at=NOW)
    anew = replace(WHOLE, state=HealthState.HEALTHY, failing_since=None, consecutive_failures=0)
    assert store.health("ep_1") == anew


def test_a_deleted_endpoint_has_no_health(store):
    """Its row goes with it."""
    keep(store, Observation(health=WHOLE))
    store.change_endpoint("ep_1", moved(Cause.DELETE), at=NOW)
    assert store.health("ep_1") is None


def test_the_silenced_are_found_when_their_minute_is_over(store):
    """Only those with something left to tell."""
    keep(store, Observation(health=WHOLE))
    assert store.silenced(before=NOW - timedelta(seconds=1), limit=10) == []
    assert store.silenced(before=NOW, limit=10) == ["ep_1"]
    keep(store, Observation(health=replace(WHOLE, dead_untold=0)))
    assert store.silenced(before=NOW, limit=10) == []


def test_the_reach_counts_the_endpoints_tried_of_late_and_those_that_succeeded(store):
    """Each once, by the times that are kept; what was tried before counts for nothing."""
    times = [(None, 0), (0, 5), (5, 0), (9, None), (7, 3), (None, None)]
    for number, times_ago in enumerate(times, 2):
        store.add_endpoint(endpoint(number), at=NOW, lanes_max=10)
        success, failure = (m if m is None else NOW - timedelta(minutes=m) for m in times_ago)
        health = replace(
            WHOLE, endpoint_id=f"ep_{number}", last_success_at=success, last_failure_at=failure
        )
        keep(store, Observation(health=health))

    found = [store.reach(since=NOW - timedelta(minutes=ago)) for ago in (0, 4, 5)]

    assert found == [
        Reach(attempted=3, succeeded=1), Reach(attempted=4, succeeded=1),
        Reach(attempted=4, succeeded=2),
    ]  # fmt: skip


def test_an_owed_event_moves_to_the_outbox_once(store):
    """Of two processes that write it the second finds it gone; key, value and headers are kept."""
    before = store.unpublished_count()
    found = store.owed_events(10, event_types=operational.TYPES)
    written = [
        WrittenEvent(owed=one, value=b"\0avro", headers=[("ce_id", b"x"), ("ce_tenant", b"acme")])
        for one in found
    ]
    assert store.write_events(written, topic="events.test", at=NOW) == 1
    assert store.write_events(written, topic="events.test", at=NOW) == 0
    assert (store.owed_events_count(), store.unpublished_count()) == (0, before + 1)
    row = store.unpublished(10)[-1]
    assert (row.topic, row.key, row.value, row.revision) == ("events.test", b"acme", b"\0avro", 0)
    assert row.headers == [("ce_id", b"x"), ("ce_tenant", b"acme")]
    assert store.unpublished(10)[0].headers == []


def test_owed_events_come_in_order_by_type_and_are_forgotten_when_old(store):
    """A type that can't be written does not stop the others."""
    keep(store, Observation(health=WHOLE, events=[told(number=1), told(number=2)]))
    failing = store.owed_events(10, event_types=[operational.FAILING])
    assert [one.event.values["consecutive_failures"] for one in failing] == [1, 2]
    assert store.owed_events(10, event_types=[]) == []
    assert store.forget_owed_events(before=NOW) == 0
    assert store.forget_owed_events(before=NOW + timedelta(seconds=1)) == 3


def test_rows_of_the_version_before_are_kept(empty):
    """What the outbox owed before is published without headers of its own."""
    config = upgrading._config()
    with writing(empty) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(
            sa.text(
                "INSERT INTO outbox (topic, record_key, record_value, endpoint_id, revision, "
                "created_at) VALUES ('test.commands', :key, :value, '', 0, 1)"
            ),
            {"key": b"k", "value": b"v"},
        )
    upgrade(empty)
    (row,) = SqlControlStore(empty, TOPICS).unpublished(10)
    assert (row.key, row.value, row.headers) == (b"k", b"v", [])
    with writing(empty) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
    with reading(empty) as connection:
        tables = sa.inspect(connection).get_table_names()
        count = connection.execute(sa.select(sa.func.count(outbox.c.outbox_id))).scalar_one()
    assert "endpoint_health" not in tables
    assert count == 1
