"""Many rows into one table at the driver's speed: every attempt and every receipt passes here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.sql.tables import receipts
from hooklane.adapters.store import Row
from hooklane.domain.errors import Invalid, Unavailable

Add = Callable[[Connection, Sequence[Row]], None]

_POSTGRESQL_TYPES = ((sa.Integer, "int4"), (sa.LargeBinary, "bytea"), (sa.Text, "text"))


class Inserting:
    """Adds rows to a table of SQLite, by its driver's own statement."""

    def __init__(self, table: sa.Table) -> None:
        """Write the statement once."""
        self._values = itemgetter(*(column.name for column in table.c))
        # SQLAlchemy's own way, row by row, costs a third more.
        self._statement = str(sa.insert(table).compile(dialect=sqlite.dialect()))

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Add the rows."""
        if rows:
            connection.exec_driver_sql(self._statement, [self._values(row) for row in rows])


class IndexingReceipts:
    """Adds receipts to SQLite, and to their search table what is to be found."""

    def __init__(self) -> None:
        """Write the statements once."""
        self._insert = Inserting(receipts)

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Add the rows."""
        if not rows:
            return
        last = connection.exec_driver_sql("SELECT coalesce(max(row_id), 0) FROM receipts").scalar()
        self._insert(connection, rows)
        # At once: a trigger would have the search table write its pages out at every row.
        connection.exec_driver_sql(
            "INSERT INTO receipts_search (rowid, payload_text) SELECT row_id, payload_text "
            "FROM receipts WHERE row_id > ? AND payload_text IS NOT NULL",
            (last,),
        )


class Copying:
    """Adds rows to a table of PostgreSQL, by COPY."""

    def __init__(self, table: sa.Table) -> None:
        """Write the statement once."""
        self._values = itemgetter(*(column.name for column in table.c))
        names = ", ".join(f'"{column.name}"' for column in table.c)
        self._statement = f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)'.encode()
        self._types = [_type_of(column) for column in table.c]

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Add the rows.

        Raises:
            Invalid: the database can't hold a value.
            Unavailable: the database went away.
        """
        if not rows:
            return
        driver: Any = connection.connection.driver_connection
        values = self._values
        # SQLAlchemy has no COPY, so what the driver raises comes as it is.
        try:
            with driver.cursor() as cursor, cursor.copy(self._statement) as copy:
                copy.set_types(self._types)
                write = copy.write_row
                for row in rows:
                    write(values(row))
        except psycopg.DataError as error:
            raise Invalid(f"the database can't hold a value: {error}") from None
        except psycopg.Error as error:
            raise Unavailable(f"database: {error}") from error


def adder(engine: Engine, table: sa.Table) -> Add:
    """Give what adds rows to this table of this database."""
    if engine.dialect.name == "postgresql":
        return Copying(table)
    return IndexingReceipts() if table is receipts else Inserting(table)


def _type_of(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.BigInteger):
        return "int8"
    return next(name for kind, name in _POSTGRESQL_TYPES if isinstance(column.type, kind))
