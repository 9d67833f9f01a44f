"""Text search in payloads: what PostgreSQL needs for it beside the schema.

SQLite's search table and its triggers come with a migration. PostgreSQL needs the extension
pg_trgm, which a role may not be allowed to install: then search works still, by reading.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from hooklane.adapters.log import Log

EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
INDEX = "ix_receipts_payload_text"


def prepare(connection: Connection, *, log: Log) -> bool:
    """Make the trigram index where it is missing; tell whether it is there."""
    if connection.dialect.name != "postgresql":
        return True
    if connection.execute(sa.text("SELECT to_regclass(:index)"), {"index": INDEX}).scalar():
        return True
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(EXTENSION)
            connection.exec_driver_sql(
                f"CREATE INDEX {INDEX} ON receipts USING gin (payload_text gin_trgm_ops)"
            )
    except DBAPIError as error:
        first = str(error.orig).partition("\n")[0]
        log("search.unindexed", level="warning", error=first)
        return False
    return True
