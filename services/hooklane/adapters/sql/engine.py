"""Connections: how a database is opened, read and written, and what its absence is called.

Promises: SQLite writers queue for the lock at BEGIN (never a lock upgrade that fails half-way);
whatever the driver raises when the database is away becomes Unavailable.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hooklane.domain.errors import Invalid, Misconfigured, Unavailable

BUSY_TIMEOUT_MS = 10_000
POOL_TIMEOUT_S = 5
CACHE_KIB = 32 * 1024
CHECKPOINT_PAGES = 8_000


def connect(url: str, *, durable: bool = True) -> Engine:
    """Make an engine; nothing is opened yet.

    Args:
        url: an SQLAlchemy URL; `postgresql://` takes psycopg.
        durable: SQLite only: whether a commit survives a power cut (else only a crash), for
            writers whose rows can be read from Kafka anew.

    Raises:
        Misconfigured: the URL is none, or of another database.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            engine = sa.create_engine(parsed, pool_timeout=POOL_TIMEOUT_S)
            _prepare_sqlite(engine, durable=durable)
            return engine
        if backend == "postgresql":
            return sa.create_engine(
                parsed,
                pool_timeout=POOL_TIMEOUT_S,
                pool_pre_ping=True,
                connect_args={"connect_timeout": 5, "application_name": "hooklane"},
            )
    except (ArgumentError, NoSuchModuleError) as error:
        raise Misconfigured(f"database URL: {error}") from None
    raise Misconfigured(f"database {backend!r} is neither sqlite nor postgresql")


def _prepare_sqlite(engine: Engine, *, durable: bool) -> None:
    synchronous = "FULL" if durable else "NORMAL"

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions of its own accord: `begin` below does.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Ids are random: indexes that don't fit the cache would be read page by page.
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads."""
    with _translated(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes; it commits at the end, or rolls back on any exception."""
    with _translated(), engine.connect() as plain:
        connection = plain.execution_options(writes=True)
        with connection.begin():
            yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except DataError as error:
        raise Invalid(f"the database can't hold a value: {error.orig}") from None
    except (DBAPIError, PoolTimeout) as error:
        first = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise Unavailable(f"database: {first}") from error
