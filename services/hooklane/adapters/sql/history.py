"""Lists of what the recorder wrote: attempts and dead letters, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hooklane.adapters.sql.engine import reading
from hooklane.adapters.sql.tables import attempts, dead_letters
from hooklane.adapters.store import AttemptFilter, Cursor, DeadLetterFilter, PageRequest, Row
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import NotFound

Condition = sa.ColumnElement[bool]


class SqlHistory:
    """Reads the attempt log and the dead letters."""

    def __init__(self, engine: Engine) -> None:
        """Keep the engine."""
        self._engine = engine

    def attempts(self, chosen: AttemptFilter, page: PageRequest) -> list[Row]:
        """List attempts, newest first."""
        columns = attempts.c
        wanted = {
            columns.event_id: chosen.event_id,
            columns.endpoint_id: chosen.endpoint_id,
            columns.delivery_id: chosen.delivery_id,
            columns.outcome: chosen.outcome,
        }
        conditions = [column == value for column, value in wanted.items() if value is not None]
        if page.after is not None:
            conditions.append(_below(columns.started_at, columns.attempt_id, page.after))
        query = (
            sa.select(attempts)
            .where(*conditions)
            .order_by(columns.started_at.desc(), columns.attempt_id.desc())
            .limit(page.limit)
        )
        return self._rows(query)

    def dead_letters(self, chosen: DeadLetterFilter, page: PageRequest) -> list[Row]:
        """List dead letters, newest first, without their payloads."""
        columns = dead_letters.c
        conditions = list(_dead(chosen))
        if page.after is not None:
            conditions.append(_below(columns.died_at, columns.delivery_id, page.after))
        query = (
            sa.select(*(column for column in columns if column is not columns.payload))
            .where(*conditions)
            .order_by(columns.died_at.desc(), columns.delivery_id.desc())
            .limit(page.limit)
        )
        return self._rows(query)

    def dead_letter(self, delivery_id: str) -> Row:
        """Give a dead letter with its payload.

        Raises:
            NotFound: there is none, or it was redriven.
        """
        chosen = DeadLetterFilter(delivery_ids=(delivery_id,))
        rows = self._rows(sa.select(dead_letters).where(*_dead(chosen)))
        if not rows:
            raise NotFound(f"no dead letter of delivery {delivery_id}")
        return rows[0]

    def count_dead_letters(self, chosen: DeadLetterFilter) -> int:
        """Count dead letters."""
        query = sa.select(sa.func.count()).select_from(dead_letters).where(*_dead(chosen))
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())

    def dead_letters_by_reason(self) -> dict[str, int]:
        """Count dead letters, by reason."""
        columns = dead_letters.c
        query = (
            sa.select(columns.reason, sa.func.count())
            .where(columns.redriven_at.is_(None))
            .group_by(columns.reason)
            .order_by(columns.reason)
        )
        with reading(self._engine) as connection:
            found = connection.execute(query).all()
        return {reason: count for reason, count in found}  # noqa: C416  rows are no pairs to mypy

    def _rows(self, query: sa.Select[Any]) -> list[Row]:
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def _dead(chosen: DeadLetterFilter) -> Iterator[Condition]:
    columns = dead_letters.c
    yield columns.redriven_at.is_(None)
    if chosen.endpoint_id is not None:
        yield columns.endpoint_id == chosen.endpoint_id
    if chosen.reason is not None:
        yield columns.reason == chosen.reason
    if chosen.since is not None:
        yield columns.died_at >= to_ms(chosen.since)
    if chosen.delivery_ids:
        yield columns.delivery_id.in_(chosen.delivery_ids)


def _below(time: sa.ColumnElement[int], row_id: sa.ColumnElement[str], after: Cursor) -> Condition:
    at, last = after
    return sa.or_(time < at, sa.and_(time == at, row_id < last))
