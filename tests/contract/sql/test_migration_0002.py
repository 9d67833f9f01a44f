"""From 0001 to 0002 and back, on rows."""

import pytest
import sqlalchemy as sa
from alembic import command

from hooklane.adapters.sql import upgrade as upgrading
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.tables import attempts
from hooklane.recorder.rows import attempt_row
from support.recording import attempt_value

NUMBERS = [1, 2, 3, 400, 100_000_000]


def migrate(engine, run, revision):
    config = upgrading._config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        run(config, revision)


@pytest.fixture
def before(empty):
    """A database of version 0001 with attempts."""
    migrate(empty, command.upgrade, "0001")
    with writing(empty) as connection:
        rows = [attempt_row(attempt_value(number)) for number in NUMBERS]
        connection.execute(sa.insert(attempts), rows)
    return empty


def found(engine):
    with reading(engine) as connection:
        query = sa.select(attempts).order_by(attempts.c.number)
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return [row | {"response_body": bytes(row["response_body"])} for row in rows]


def test_attempts_move_over_as_they_are(before):
    """Every row, every column; and again on the way back."""
    rows = [attempt_row(attempt_value(number)) for number in NUMBERS]
    migrate(before, command.upgrade, "0002")
    assert found(before) == rows
    migrate(before, command.downgrade, "0001")
    assert found(before) == rows


def test_an_attempt_id_is_found_by_an_index_that_is_not_unique(before):
    """Offsets make a record one row, not a constraint on random ids."""
    migrate(before, command.upgrade, "0002")
    with reading(before) as connection:
        indexes = sa.inspect(connection).get_indexes("attempts")
    (own,) = [index for index in indexes if index["column_names"] == ["attempt_id"]]
    assert not own["unique"]
