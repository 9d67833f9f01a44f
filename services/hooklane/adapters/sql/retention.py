"""What is old goes: rows where no partition takes them away, and payloads and bodies before them.

Each call does a bounded piece in one transaction, so that on SQLite, where one writes at a time,
nobody waits long. Search follows by itself: SQLite's by its triggers, PostgreSQL's as an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.tables import attempts, dead_letters, emptied, receipts
from hooklane.adapters.store import Keep
from hooklane.domain.delivery import to_ms

PIECE = 2_000
# A dead letter stays as long as its record can be redriven: its topic keeps 30 days.
DEAD_LETTERS_KEPT = timedelta(days=30)


class _Aged(NamedTuple):
    """A table with its time, what of it is emptied, and how a row is told that has it still."""

    table: sa.Table
    time: sa.Column[int]
    empty: Mapping[str, Any]
    is_full: sa.ColumnElement[bool]


_AGED = (
    _Aged(attempts, attempts.c.started_at, {"response_body": b""}, attempts.c.response_body != b""),
    _Aged(
        receipts,
        receipts.c.received_at,
        {"payload": None, "payload_text": None},
        receipts.c.payload.is_not(None),
    ),
    _Aged(dead_letters, dead_letters.c.died_at, {"payload": b""}, dead_letters.c.payload != b""),
)


def drop_old(engine: Engine, keep: Keep, *, at: datetime) -> bool:
    """Delete and empty a piece of what is old; tell whether more is left."""
    more = False
    for aged in _AGED:
        kept = max(keep.rows, DEAD_LETTERS_KEPT) if aged.table is dead_letters else keep.rows
        more |= _delete(engine, aged, before=to_ms(at - kept))
        if keep.payloads < kept:
            more |= _empty(engine, aged, before=to_ms(at - keep.payloads))
    return more


def _delete(engine: Engine, aged: _Aged, *, before: int) -> bool:
    table, row = aged.table.name, "rowid"
    if engine.dialect.name == "postgresql":
        row = "ctid"
        # Partitions by day are dropped whole.
        table = table if aged.table is dead_letters else f"{table}_default"
    old = sa.text(f"SELECT 1 FROM {table} WHERE {aged.time.name} < :before LIMIT 1")  # noqa: S608  names of ours
    with reading(engine) as connection:
        if connection.execute(old, {"before": before}).first() is None:
            return False
    piece = f"SELECT {row} FROM {table} WHERE {aged.time.name} < :before LIMIT :piece"  # noqa: S608  names of ours
    statement = sa.text(f"DELETE FROM {table} WHERE {row} IN ({piece})")  # noqa: S608  names of ours
    with writing(engine) as connection:
        done = connection.execute(statement, {"before": before, "piece": PIECE})
    return done.rowcount >= PIECE


def _empty(engine: Engine, aged: _Aged, *, before: int) -> bool:
    with reading(engine) as connection:
        begun = _mark(connection, aged)
        end = _end_of_piece(connection, aged, begun=begun, before=before)
    if end <= begun:
        return False
    with writing(engine) as connection:
        connection.execute(
            sa.update(aged.table)
            .where(aged.time >= begun, aged.time < end, aged.is_full)
            .values(aged.empty)
        )
        # Two who do this at once do the same, and the mark may go back a piece: no harm.
        connection.execute(sa.delete(emptied).where(emptied.c.name == aged.table.name))
        connection.execute(sa.insert(emptied).values(name=aged.table.name, before=end))
    return end < before


def _mark(connection: Connection, aged: _Aged) -> int:
    query = sa.select(emptied.c.before).where(emptied.c.name == aged.table.name)
    return int(connection.execute(query).scalar() or 0)


def _end_of_piece(connection: Connection, aged: _Aged, *, begun: int, before: int) -> int:
    """Give the time before which a piece's rows lie; rows of one time are never parted."""
    query = (
        sa.select(aged.time)
        .where(aged.time >= begun, aged.time < before)
        .order_by(aged.time)
        .offset(PIECE)
        .limit(1)
    )
    last = connection.execute(query).scalar()
    return before if last is None else int(last) + 1
