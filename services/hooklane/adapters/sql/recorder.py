"""`adapters.store.RecorderStore` over SQL: rows in batches, offsets in the same transaction.

Promises: exactly the records between two offsets, each once; a batch is one statement a table, and
in PostgreSQL a COPY.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.log import Log, no_log
from hooklane.adapters.sql import offsets
from hooklane.adapters.sql.adding import adder
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.partitions import DayPartitions
from hooklane.adapters.sql.retention import drop_old
from hooklane.adapters.sql.tables import attempts, dead_letters, gaps, receipts
from hooklane.adapters.sql.upgrade import check
from hooklane.adapters.store import Keep, Recorded
from hooklane.domain.topics import Partition


class SqlRecorderStore:
    """The recorder's side of the database."""

    def __init__(self, engine: Engine, *, log: Log = no_log) -> None:
        """Keep the engine."""
        self._engine = engine
        is_postgresql = engine.dialect.name == "postgresql"
        self._partitions = DayPartitions(engine, log=log) if is_postgresql else None
        self._add_attempts, self._add_receipts = adder(engine, attempts), adder(engine, receipts)
        insert: Any = postgresql_insert if is_postgresql else sqlite_insert
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
        if self._partitions is not None:
            self._partitions.cover("attempts", (row["started_at"] for row in batch.attempts))
            self._partitions.cover("receipts", (row["received_at"] for row in batch.receipts))
        with writing(self._engine) as connection:
            # First, so that of two owners of a partition the second waits here and then loses.
            offsets.move(connection, batch.moves, reader=reader)
            self._add_attempts(connection, batch.attempts)
            self._add_receipts(connection, batch.receipts)
            if batch.dead_letters:
                connection.execute(self._put_dead_letter, list(batch.dead_letters))
            if batch.redriven:
                _mark_redriven(connection, batch.redriven)
            if batch.gaps:
                connection.execute(self._add_gap, list(batch.gaps))

    def tend(self, keep: Keep, *, at: datetime) -> bool:
        """Make room ahead and drop what is old, a bounded piece; tell whether more is left."""
        is_more_left = False
        if self._partitions is not None:
            is_more_left = self._partitions.tend(keep.rows, at=at)
        return drop_old(self._engine, keep, at=at) or is_more_left

    def ping(self) -> None:
        """Ask whether the database answers and has our tables."""
        check(self._engine)

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()


def _mark_redriven(connection: Connection, redriven: Mapping[str, int]) -> None:
    connection.execute(
        sa.update(dead_letters)
        .where(dead_letters.c.delivery_id == sa.bindparam("of_delivery"))
        .values(redriven_at=sa.bindparam("when")),
        [{"of_delivery": delivery_id, "when": at} for delivery_id, at in redriven.items()],
    )
