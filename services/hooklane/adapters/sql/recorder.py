"""`adapters.store.RecorderStore` over SQL: rows in batches, offsets in the same transaction.

Promises: exactly the records between two offsets, each once; a batch is one statement a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.sql import offsets
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.tables import attempts, dead_letters, gaps
from hooklane.adapters.sql.upgrade import check
from hooklane.adapters.store import Recorded
from hooklane.domain.topics import Partition

_ATTEMPT_VALUES = itemgetter(*(column.name for column in attempts.c))


class SqlRecorderStore:
    """The recorder's side of the database."""

    def __init__(self, engine: Engine) -> None:
        """Keep the engine."""
        self._engine = engine
        insert: Any = postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert
        self._add_attempts = _plain_insert(attempts, engine)
        self._add_gap = insert(gaps).on_conflict_do_nothing()
        added = insert(dead_letters)
        self._put_dead_letter = added.on_conflict_do_update(
            index_elements=[dead_letters.c.delivery_id],
            set_={
                column.name: added.excluded[column.name]
                for column in dead_letters.c
                if column.name != "delivery_id"
            },
        )

    def offsets(self, reader: str) -> dict[Partition, int]:
        """Give how far a reader has come."""
        with reading(self._engine) as connection:
            return offsets.read(connection, reader)

    def record(self, reader: str, batch: Recorded) -> None:
        """Write rows and offsets, all or nothing.

        Raises:
            LostRace: an offset was not where it was expected.
        """
        with writing(self._engine) as connection:
            # First, so that of two owners of a partition the second waits here and then loses.
            offsets.move(connection, batch.moves, reader=reader)
            if batch.attempts:
                values = [_ATTEMPT_VALUES(row) for row in batch.attempts]
                connection.exec_driver_sql(self._add_attempts, values)
            if batch.dead_letters:
                connection.execute(self._put_dead_letter, list(batch.dead_letters))
            if batch.redriven:
                _mark_redriven(connection, batch.redriven)
            if batch.gaps:
                connection.execute(self._add_gap, list(batch.gaps))

    def ping(self) -> None:
        """Ask whether the database answers and has our tables."""
        check(self._engine)

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()


def _plain_insert(table: sa.Table, engine: Engine) -> str:
    # Every attempt passes here: the driver's own statement costs a third of SQLAlchemy's.
    columns = [column.name for column in table.c]
    mark = "?" if engine.dialect.paramstyle == "qmark" else "%s"
    quote = engine.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    marks = ", ".join([mark] * len(columns))
    into = f"INSERT INTO {quote(table.name)} ({names})"
    return f"{into} VALUES ({marks}) ON CONFLICT DO NOTHING"


def _mark_redriven(connection: Connection, redriven: Mapping[str, int]) -> None:
    connection.execute(
        sa.update(dead_letters)
        .where(dead_letters.c.delivery_id == sa.bindparam("of_delivery"))
        .values(redriven_at=sa.bindparam("when")),
        [{"of_delivery": delivery_id, "when": at} for delivery_id, at in redriven.items()],
    )
