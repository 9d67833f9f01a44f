"""Every revision is kept with the position at which the endpoint table has it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command

from hooklane.adapters.sql import upgrade as upgrading
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.tables import endpoint_revisions
from hooklane.domain.endpoint import Endpoint, EndpointState
from hooklane.domain.subscription import Subscription
from hooklane.domain.topics import Topics

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
ENDPOINT = Endpoint(
    endpoint_id="ep_1",
    tenant="acme",
    revision=1,
    state=EndpointState.ACTIVE,
    url="https://hooks.example.com",
    subscription=Subscription(patterns=("order.*",)),
    secrets=(),
    sealed_headers=None,
    timeout=timedelta(seconds=15),
    retry_schedule=(),
    placement=None,
)


@pytest.fixture
def store(engine):
    found = SqlControlStore(engine, Topics(prefix="test"))
    found.add_tenant("acme", at=AT)
    found.add_endpoint(ENDPOINT, at=AT, lanes_max=9)
    return found


def change(store, **fields):
    def decide(kept):
        return replace(kept.endpoint, revision=kept.endpoint.revision + 1, **fields)

    store.change_endpoint("ep_1", decide, at=AT)


def publish(store, positions):
    rows = store.unpublished(10)
    store.mark_published(
        {row.outbox_id: position for row, position in zip(rows, positions, strict=True)},
        {},
        holder=1,
        at=AT,
    )


def revisions_at(store, *offsets):
    found = [store.revision_at("ep_1", offset) for offset in offsets]
    return [one and one.revision for one in found]


def test_the_revision_in_force_is_the_newest_at_or_below_a_position(store):
    """A table read up to a position has every record before it."""
    change(store, state=EndpointState.PAUSED)
    publish(store, [3, 7])
    assert revisions_at(store, 0, 2, 3, 6, 7, 99) == [None, None, 1, 1, 2, 2]
    assert store.revision_at("ep_1", 7).state is EndpointState.PAUSED


def test_what_is_not_published_is_in_force_nowhere(store):
    """It is kept, without a position, and is told as a later one."""
    publish(store, [3])
    change(store, subscription=Subscription(patterns=("user.*",)))
    assert revisions_at(store, 99) == [1]
    (later,) = store.revisions_above("ep_1", revision=1, limit=10)
    assert (later.revision, later.position, later.subscription.patterns, later.created_at) == (
        2, None, ("user.*",), AT,
    )  # fmt: skip


def test_a_record_written_anew_does_not_move_its_revision(store):
    """The first record made it known; the comparison's repeat does not."""
    publish(store, [3])
    store.announce_again("ep_1", at=AT)
    publish(store, [20])
    assert revisions_at(store, 3, 20) == [1, 1]
    assert store.first_revision("ep_1").position == 3


def test_a_raised_revision_is_kept_too(store):
    """The table had gone further than SQL."""
    publish(store, [3])
    store.announce_again("ep_1", at=AT, above=5)
    publish(store, [9])
    assert revisions_at(store, 8, 9) == [1, 6]


def test_a_refused_change_keeps_no_revision(store):
    """It is written with the revision or not at all."""

    def refuse(_kept):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.change_endpoint("ep_1", refuse, at=AT)
    assert store.revisions_above("ep_1", revision=1, limit=10) == []
    assert store.first_revision("ep_2") is None


def test_a_database_of_before_keeps_each_endpoint_s_newest_revision(store, engine):
    """From 0002 to 0003: position as announced, None where the newest is not."""
    change(store)
    publish(store, [3, 7])
    store.add_endpoint(replace(ENDPOINT, endpoint_id="ep_2"), at=AT, lanes_max=9)
    config = upgrading._config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        command.upgrade(config, "0003")
    with reading(engine) as connection:
        columns = endpoint_revisions.c
        rows = connection.execute(
            sa.select(columns.endpoint_id, columns.revision, columns.patterns, columns.position)
        ).all()
    assert sorted(tuple(row) for row in rows) == [
        ("ep_1", 2, ["order.*"], 7),
        ("ep_2", 1, ["order.*"], None),
    ]
