"""What the lists of the log share: bounded reads, conditions, and where a page goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.log_store import PageRequest, Row
from hooklane.adapters.sql.engine import reading
from hooklane.adapters.sql.tables import receipts
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import Unavailable

Condition = sa.ColumnElement[bool]
Text = sa.ColumnElement[str]
Number = sa.ColumnElement[int]

READ_TIMEOUT = timedelta(seconds=10)
# How many of SQLite's instructions pass between two looks at the clock: a millisecond's worth.
_STEPS = 20_000
_CANCELLED = "57014"
# An expression of more terms is refused.
_LETTERS_LOOKED_UP = 100
_ESCAPE = "\\"


class Listing:
    """Reads rows, and gives up where that takes too long."""

    _read_timeout = READ_TIMEOUT

    def __init__(self, engine: Engine) -> None:
        """Keep the engine."""
        self._engine = engine

    def _rows(self, query: sa.Select[Any]) -> list[Row]:
        with reading_within(self._engine, self._read_timeout) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


@contextmanager
def reading_within(engine: Engine, limit: timedelta) -> Iterator[Connection]:
    """Open a transaction that only reads, each of its statements for so long at most.

    Raises:
        Unavailable: the database is away, or a statement took longer.
    """
    try:
        with reading(engine) as connection:
            if engine.dialect.name == "postgresql":
                limit_ms = limit // timedelta(milliseconds=1)
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit_ms}")
                yield connection
            else:
                with _interrupting(connection, limit):
                    yield connection
    except Unavailable as error:
        if not _was_cut(error):
            raise
        seconds = f"{limit.total_seconds():g} s"
        raise Unavailable(f"database: no answer within {seconds}; narrow the filters") from error


def equal(wanted: Mapping[Any, object]) -> list[Condition]:
    """Give the conditions of the values that are set, by column."""
    return [column == value for column, value in wanted.items() if value is not None]


def between(
    column: Number, *, since: datetime | None, until: datetime | None
) -> Iterator[Condition]:
    """Give the conditions of a span of time: since is in it, until is not."""
    if since is not None:
        yield column >= to_ms(since)
    if until is not None:
        yield column < to_ms(until)


def page_of(
    query: sa.Select[Any], page: PageRequest, *, time: Number, row_id: Text
) -> sa.Select[Any]:
    """Order newest first and go on after the cursor, by an index on the time."""
    if page.after is not None:
        at, last = page.after
        below = row_id <= last if page.inclusive else row_id < last
        query = query.where(time <= at, sa.or_(time < at, below))
    return query.order_by(time.desc(), row_id.desc()).limit(page.limit)


def containing(column: Text, text: str) -> Condition:
    """Match text anywhere in a column, letter by letter, whatever LIKE would read into it."""
    return column.like(f"%{escaped(text)}%", escape=_ESCAPE)


def escaped(text: str) -> str:
    """Write what LIKE takes for wild cards as themselves."""
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text


def in_payload(engine: Engine, text: str) -> Condition:
    """Match receipts whose payload has this text, by the trigram index; case does not count."""
    if engine.dialect.name == "postgresql":
        return receipts.c.payload_text.ilike(f"%{escaped(text)}%", escape=_ESCAPE)
    # The table knows which trigrams a payload has, not where: the text itself is looked at after.
    ends = range(3, min(len(text), _LETTERS_LOOKED_UP) + 1)
    trigrams = {text[end - 3 : end].replace('"', '""') for end in ends} or {""}
    phrase = " ".join(f'"{trigram}"' for trigram in sorted(trigrams))
    found = sa.text("SELECT rowid FROM receipts_search WHERE receipts_search MATCH :phrase")
    # SQLite's receipts have this column more, which the shared table does not name.
    row_id: sa.ColumnElement[int] = sa.literal_column("receipts.row_id", sa.Integer())
    rows = row_id.in_(found.bindparams(phrase=phrase).columns(sa.column("rowid", sa.Integer())))
    return sa.and_(rows, containing(receipts.c.payload_text, text))


@contextmanager
def _interrupting(connection: Connection, limit: timedelta) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    clock = SystemClock()
    deadline = clock.monotonic() + limit.total_seconds()
    driver.set_progress_handler(lambda: clock.monotonic() > deadline, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _was_cut(error: Unavailable) -> bool:
    cause = getattr(error.__cause__, "orig", None)
    return getattr(cause, "sqlstate", None) == _CANCELLED or str(cause) == "interrupted"
