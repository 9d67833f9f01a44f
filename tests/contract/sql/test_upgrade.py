import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from hooklane.adapters.sql.engine import connect, reading
from hooklane.adapters.sql.tables import metadata
from hooklane.adapters.sql.upgrade import check, upgrade
from hooklane.domain.errors import Misconfigured, Unavailable


def is_ours(_found, name, kind, reflected, _other):
    """Leave out what only one database has: partitions, and what search needs."""
    if not reflected:
        return True
    if kind == "table":
        return not name.startswith(("attempts_", "receipts_"))
    return name not in {"row_id", "ix_receipts_payload_text"}


def test_the_migrations_make_the_tables_the_code_uses(engine):
    """Whoever changes a table writes the migration with it."""
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_of_what_is_newest_changes_nothing(engine):
    """Control runs it at every start."""
    upgrade(engine)
    check(engine)


def test_several_that_upgrade_at_once_take_turns(empty, url):
    """Two control processes start on an empty database; both are well."""
    failures = []

    def run():
        own = connect(url)
        try:
            upgrade(own)
        except Exception as error:
            failures.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    check(empty)


def test_a_database_without_the_schema_is_unavailable(empty):
    """It says who makes it."""
    with pytest.raises(Unavailable, match="control makes it"):
        check(empty)


def test_a_database_that_can_t_be_reached_is_unavailable():
    """Not a stack trace of a driver."""
    for url in ("sqlite:////nowhere/at/all.db", "postgresql://127.0.0.1:1/x"):
        engine = connect(url)
        with pytest.raises(Unavailable):
            check(engine)
        engine.dispose()


@pytest.mark.parametrize("url", ["mysql://h/x", "nonsense", "oracle://h/x"])
def test_other_databases_are_refused_at_start(url):
    """Neither sqlite nor postgresql."""
    with pytest.raises(Misconfigured):
        connect(url)
