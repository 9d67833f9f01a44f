"""PostgreSQL alone: partitions by day, COPY, and the index of payload search."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hooklane.adapters.sql.engine import connect, reading, writing
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.sql.tables import attempts
from hooklane.adapters.sql.upgrade import upgrade
from hooklane.adapters.store import Keep, Recorded
from hooklane.domain.errors import Invalid, Unavailable
from hooklane.recorder.rows import attempt_row
from support.recording import attempt_value

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOW_MS, HOUR_MS = 1_772_352_000_000, 3_600_000


@pytest.fixture
def url(postgresql):
    return postgresql


@pytest.fixture
def lines():
    return []


@pytest.fixture
def store(engine, lines):
    return SqlRecorderStore(engine, log=lambda what, /, **fields: lines.append((what, fields)))


def attempts_of(hours):
    values = (attempt_value(h, started_at=NOW_MS - h * HOUR_MS) for h in hours)
    return [attempt_row(value) for value in values]


def numbers(engine, table="attempts"):
    with reading(engine) as connection:
        found = connection.exec_driver_sql(f"SELECT number FROM {table} ORDER BY number")
        return list(found.scalars())


def tend(store, at=NOW):
    for _ in range(50):
        if not store.tend(Keep(), at=at):
            return
    raise AssertionError("it never came to an end")


def partitions(engine, table):
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)"
    with reading(engine) as connection:
        return sorted(connection.exec_driver_sql(query, (table,)).scalars())


def test_partitions_are_made_ahead_and_for_what_a_batch_needs(engine, store, lines):
    """Today and three days more; an older day when rows of it come; none for what is too old."""
    tend(store)
    ahead = [f"attempts_202603{day:02}" for day in range(1, 5)]
    assert partitions(engine, "attempts") == [*ahead, "attempts_default"]
    store.record("recorder", Recorded(attempts=attempts_of((30, 5_000)), redriven={}))
    assert partitions(engine, "attempts") == ["attempts_20260228", *ahead, "attempts_default"]
    assert numbers(engine, "attempts_default") == [5_000]
    assert lines == []


def test_old_partitions_are_dropped(engine, store):
    """A day goes whole, once its last row may go."""
    tend(store)
    later = NOW + timedelta(days=32)
    tend(store, at=later)
    ahead = [f"receipts_202604{day:02}" for day in range(2, 6)]
    still = [f"receipts_202603{day:02}" for day in range(3, 5)]
    assert partitions(engine, "receipts") == [*still, *ahead, "receipts_default"]


def test_rows_that_lie_in_the_default_partition_move_on(engine, store):
    """As a migration, or a time without the right to make tables, leaves them."""
    store.record("recorder", Recorded(attempts=attempts_of((0, 30, 60)), redriven={}))
    assert partitions(engine, "attempts") == ["attempts_default"]
    tend(store)
    assert (numbers(engine, "attempts_default"), numbers(engine)) == ([], [0, 30, 60])


def test_a_role_that_may_not_make_partitions_records_on(engine, url, store, lines):
    """It is told; rows lie in the default partition until somebody may."""
    names = "attempts, receipts, attempts_default, receipts_default, dead_letters, offsets, emptied"
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS scribe")
        connection.exec_driver_sql("CREATE ROLE scribe LOGIN")
        connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {names} TO scribe")
    theirs = connect(url.replace("hooklane@", "scribe@"))
    own = SqlRecorderStore(theirs, log=lambda what, /, **fields: lines.append((what, fields)))
    try:
        tend(own)
        own.record("recorder", Recorded(attempts=attempts_of((0, 30)), redriven={}))
        tend(own)
    finally:
        theirs.dispose()
        with writing(engine) as connection:
            connection.exec_driver_sql("DROP OWNED BY scribe")
            connection.exec_driver_sql("DROP ROLE scribe")
    assert {what for what, _ in lines} == {"partition.refused"}
    tend(store)
    assert "attempts_20260228" in partitions(engine, "attempts")


def test_a_lock_that_is_not_had_in_time_is_tried_again(engine, store, lines, monkeypatch):
    """Somebody reads the log for long: the recorder does not wait for them."""
    monkeypatch.setattr("hooklane.adapters.sql.partitions.LOCK_TIMEOUT_MS", 20)
    with reading(engine) as connection:
        connection.execute(sa.select(attempts)).all()
        tend(store)
        assert "attempts_20260301" not in partitions(engine, "attempts")
    tend(store)
    assert "attempts_20260301" in partitions(engine, "attempts")
    assert {what for what, _ in lines} == {"partition.refused"}


def test_payload_search_has_an_index_where_the_role_may_make_it(engine):
    """And control tells when it may not, and goes on."""
    with reading(engine) as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        query = "EXPLAIN SELECT 1 FROM receipts WHERE payload_text ILIKE '%%berlin%%'"
        plan = str(connection.exec_driver_sql(query).all())
    assert "payload_text ~~* '%berlin%'" in plan
    assert "Bitmap Index Scan" in plan


def test_without_the_extension_control_goes_on(engine, lines, monkeypatch):
    """A role may lack the right, a server the files."""
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP EXTENSION pg_trgm CASCADE")
    statement = "CREATE EXTENSION IF NOT EXISTS pg_no_such_thing"
    monkeypatch.setattr("hooklane.adapters.sql.search.EXTENSION", statement)
    upgrade(engine, log=lambda what, /, **fields: lines.append((what, fields["level"])))
    assert lines == [("search.unindexed", "warning")]
    monkeypatch.undo()
    upgrade(engine)
    with reading(engine) as connection:
        found = connection.exec_driver_sql("SELECT to_regclass('ix_receipts_payload_text')")
        assert found.scalar() is not None


def test_a_value_that_the_database_can_t_hold_is_invalid(engine, store):
    """COPY says so as any statement does; the batch is refused whole, and the store works on."""
    (row,) = attempts_of((1,))
    with pytest.raises(Invalid):
        store.record("recorder", Recorded(attempts=[row, row | {"error": "\0"}], redriven={}))
    store.record("recorder", Recorded(attempts=[row], redriven={}))
    assert numbers(engine) == [1]


def test_a_database_that_goes_away_in_mid_copy_is_unavailable(engine, store):
    """Nothing of the batch is there, and the next one finds it back."""

    def rows():
        yield from attempts_of((1, 2))
        with writing(engine) as other:
            other.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'COPY%%' AND pid <> pg_backend_pid()"
            )
        yield from attempts_of((3,))

    class Going(list):
        def __bool__(self):
            return True

        def __iter__(self):
            return rows()

    with pytest.raises(Unavailable):
        store.record("recorder", Recorded(attempts=Going(), redriven={}))
    assert numbers(engine) == []
    store.record("recorder", Recorded(attempts=attempts_of((4,)), redriven={}))
    assert numbers(engine) == [4]
