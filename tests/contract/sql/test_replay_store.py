"""Replays are kept with their command, and end once."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic import command as alembic

from contract.sql.test_migration_0002 import migrate
from hooklane.adapters.replay_store import KeptReplay, Progress, ReplayFilter, SourceRange
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.sql.engine import reading
from hooklane.adapters.store import Command, PageRequest
from hooklane.domain.errors import NotFound
from hooklane.domain.topics import Topics
from support.deliveries import START

COMMAND = Command(topic="hooklane.commands", key=b"ep_a", value=b"v", endpoint_id="ep_a")


@pytest.fixture
def store(engine):
    return SqlControlStore(engine, Topics())


def kept(number=0, **fields):
    values = {
        "replay_id": f"cmd_{number}",
        "endpoint_id": "ep_a",
        "tenant": "acme",
        "created_at": START + timedelta(seconds=number),
        "ranges": (SourceRange("events.order", 0, 3, 10), SourceRange("events.order", 1, 0, 5)),
        **fields,
    }
    return KeptReplay(**values)


def ended(replay, **fields):
    progress = Progress(
        **{
            "state": "finished", "done": 12, "read": 11, "matched": 7, "undecodable": 1,
            "started_at": START, "finished_at": START + timedelta(minutes=1), **fields,
        }
    )  # fmt: skip
    return replace(replay, progress=progress)


def test_a_replay_is_kept_with_its_command(store):
    """As it was asked; the command is owed in the same transaction."""
    asked = kept(rate_per_s=50, since=START, until=START + timedelta(hours=1))
    store.add_replay(asked, COMMAND)

    assert store.replay("cmd_0") == asked
    assert asked.total == 12
    assert [row.value for row in store.unpublished(10)] == [b"v"]
    with pytest.raises(NotFound):
        store.replay("cmd_9")


def test_replays_are_listed_newest_first_by_tenant_and_endpoint(store):
    """Pages join without gap or repetition."""
    for number in range(5):
        tenant, endpoint_id = ("acme", "ep_a") if number % 2 else ("globex", "ep_b")
        store.add_replay(kept(number, tenant=tenant, endpoint_id=endpoint_id), COMMAND)

    first = store.replays(ReplayFilter(), PageRequest(limit=3))
    assert [one.replay_id for one in first] == ["cmd_4", "cmd_3", "cmd_2"]
    after = (int(first[-1].created_at.timestamp() * 1000), "cmd_2")
    rest = store.replays(ReplayFilter(), PageRequest(limit=3, after=after))
    assert [one.replay_id for one in rest] == ["cmd_1", "cmd_0"]
    own = store.replays(ReplayFilter(tenant="acme"), PageRequest(limit=9))
    assert [one.replay_id for one in own] == ["cmd_3", "cmd_1"]
    theirs = store.replays(ReplayFilter(endpoint_id="ep_b"), PageRequest(limit=9))
    assert [one.replay_id for one in theirs] == ["cmd_4", "cmd_2", "cmd_0"]


def test_a_replay_ends_once_and_is_told_once(store):
    """Whoever of several sees it first."""
    store.add_replay(kept(), COMMAND)
    store.add_replay(kept(1), COMMAND)

    assert store.end_replay(ended(kept()))
    assert not store.end_replay(ended(kept(), state="cancelled"))

    assert store.replay("cmd_0") == ended(kept())
    assert [one.replay_id for one in store.open_replays(10)] == ["cmd_1"]
    (told,) = store.owed_events(10, event_types=["replay.finished"])
    assert (told.event.tenant, told.event.values) == (
        "acme",
        {"replay_id": "cmd_0", "endpoint_id": "ep_a", "state": "finished", "matched": 7,
         "read": 11, "reason": ""},
    )  # fmt: skip


def test_a_replay_is_cancelled_once(store):
    """The second time owes no command; nor what has ended."""
    store.add_replay(kept(), COMMAND)
    store.add_replay(kept(1), COMMAND)
    store.end_replay(ended(kept(1)))
    later = START + timedelta(minutes=5)

    assert store.ask_cancel("cmd_0", COMMAND, at=later)
    assert not store.ask_cancel("cmd_0", COMMAND, at=later)
    assert not store.ask_cancel("cmd_1", COMMAND, at=later)

    assert store.replay("cmd_0").cancel_asked_at == later
    assert len(store.unpublished(10)) == 3


def test_the_migration_leaves_what_was_there(empty):
    """On a database of the version before, and back again."""
    migrate(empty, alembic.upgrade, "0005")
    with empty.connect() as connection:
        connection.execute(sa.text("INSERT INTO tenants (name, created_at) VALUES ('acme', 1)"))
        connection.commit()
    migrate(empty, alembic.upgrade, "0006")
    SqlControlStore(empty, Topics()).add_replay(kept(), COMMAND)
    migrate(empty, alembic.downgrade, "0005")
    with reading(empty) as connection:
        assert connection.execute(sa.text("SELECT name FROM tenants")).scalars().all() == ["acme"]
        assert "replays" not in sa.inspect(connection).get_table_names()
