"""From 0003 to 0004 and back, on rows."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import command

from contract.sql.test_control_store import TOPICS, endpoint
from contract.sql.test_migration_0002 import migrate
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.sql.engine import writing
from hooklane.adapters.sql.rows import columns_of
from hooklane.adapters.sql.tables import endpoints, tenants
from hooklane.adapters.store import EndpointNote, PageRequest

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_endpoints_of_before_have_no_note(empty):
    """They are otherwise as they were; what is written now can be taken back."""
    migrate(empty, command.upgrade, "0003")
    before = endpoint(rate_per_s=None, batch=None, former=())
    row = {
        **columns_of(before), "created_at": 1, "updated_at": 1, "announced_revision": 0,
    }  # fmt: skip
    with writing(empty) as connection:
        connection.execute(sa.insert(tenants).values(name="acme", created_at=1))
        there = {found["name"] for found in sa.inspect(connection).get_columns("endpoints")}
        names = [column for column in endpoints.c if column.name in row.keys() & there]
        old = sa.table("endpoints", *(sa.column(c.name, c.type) for c in names))
        connection.execute(sa.insert(old).values({c.name: row[c.name] for c in names}))
    migrate(empty, command.upgrade, "head")
    store = SqlControlStore(empty, TOPICS)
    kept = store.endpoint("ep_1")
    assert (kept.endpoint, kept.note) == (before, EndpointNote())
    assert store.tenant("acme").uid is None
    store.add_endpoint(endpoint(2), at=AT, lanes_max=9, note=EndpointNote(uid="mine"))
    assert store.keys(PageRequest(limit=9)) == []
    migrate(empty, command.downgrade, "0003")
    migrate(empty, command.upgrade, "head")
    assert store.endpoint("ep_2").note == EndpointNote()
