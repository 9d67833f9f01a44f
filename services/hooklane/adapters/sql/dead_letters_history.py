"""Dead letters as the control plane reads them; those redriven count only as such."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from hooklane.adapters.log_store import DeadLetterFilter, PageRequest, Row
from hooklane.adapters.sql.listing import Condition, Listing, between, equal, page_of
from hooklane.adapters.sql.tables import dead_letters
from hooklane.domain.errors import NotFound


class SqlDeadLetters(Listing):
    """Reads dead letters."""

    def dead_letters(self, chosen: DeadLetterFilter, page: PageRequest) -> list[Row]:
        """List dead letters, newest first, without their payloads."""
        return self._rows(self._dead_letters_query(chosen, page))

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

    def dead_letter_marks(self, delivery_ids: Collection[str]) -> list[Row]:
        """Give when these died and were redriven, of those that ever died."""
        columns = dead_letters.c
        wanted = (
            columns.delivery_id, columns.event_id, columns.endpoint_id, columns.tenant,
            columns.type, columns.version, columns.trigger, columns.died_at, columns.redriven_at,
            columns.reason,
        )  # fmt: skip
        return self._rows(sa.select(*wanted).where(columns.delivery_id.in_(list(delivery_ids))))

    def count_dead_letters(self, chosen: DeadLetterFilter) -> int:
        """Count dead letters."""
        query = sa.select(sa.func.count().label("count")).select_from(dead_letters)
        (row,) = self._rows(query.where(*_dead(chosen)))
        return int(row["count"])

    def dead_letters_by_reason(self) -> dict[str, int]:
        """Count dead letters, by reason."""
        columns = dead_letters.c
        query = (
            sa.select(columns.reason, sa.func.count().label("count"))
            .where(columns.redriven_at.is_(None))
            .group_by(columns.reason)
            .order_by(columns.reason)
        )
        return {row["reason"]: row["count"] for row in self._rows(query)}

    def _dead_letters_query(self, chosen: DeadLetterFilter, page: PageRequest) -> sa.Select[Any]:
        columns = dead_letters.c
        shown = (column for column in columns if column is not columns.payload)
        query = sa.select(*shown).where(*_dead(chosen))
        return page_of(query, page, time=columns.died_at, row_id=columns.delivery_id)


def _dead(chosen: DeadLetterFilter) -> list[Condition]:
    columns = dead_letters.c
    conditions = [
        columns.redriven_at.is_(None),
        *equal(
            {
                columns.tenant: chosen.tenant,
                columns.endpoint_id: chosen.endpoint_id,
                columns.type: chosen.type,
                columns.reason: chosen.reason,
            }
        ),
        *between(columns.died_at, since=chosen.since, until=chosen.until),
    ]
    if chosen.delivery_ids:
        conditions.append(columns.delivery_id.in_(chosen.delivery_ids))
    return conditions
