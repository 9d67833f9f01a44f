"""Many rows into one table at the driver's speed: every attempt and every receipt passes here."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from hooklane.adapters.store import Row
from hooklane.domain.errors import Invalid, Unavailable

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


def _type_of(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.BigInteger):
        return "int8"
    return next(name for kind, name in _POSTGRESQL_TYPES if isinstance(column.type, kind))
