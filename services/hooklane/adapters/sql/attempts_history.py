"""Attempts as the control plane reads them: lists, one, and the newest of many deliveries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from hooklane.adapters.log_store import AttemptFilter, PageRequest, Row
from hooklane.adapters.sql.listing import Listing, between, equal, in_payload, page_of
from hooklane.adapters.sql.tables import attempts, receipts
from hooklane.domain.attempt import Outcome
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import NotFound

# No retry waits longer: a day, and its jitter.
WAIT_MAX = timedelta(hours=25)

# Written out, not a parameter: only then is it seen that the index on failures will do.
_SUCCEEDED: sa.ColumnElement[str] = sa.literal_column(f"'{Outcome.SUCCEEDED.value}'", sa.Text())


class SqlAttempts(Listing):
    """Reads attempts."""

    def attempts(self, chosen: AttemptFilter, page: PageRequest) -> list[Row]:
        """List attempts, newest first."""
        return self._rows(self._attempts_query(chosen, page))

    def attempt(self, attempt_id: str) -> Row:
        """Give an attempt.

        Raises:
            NotFound: there is none.
        """
        query = sa.select(attempts).where(attempts.c.attempt_id == attempt_id).limit(1)
        for row in self._rows(query):
            return row
        raise NotFound(f"no attempt {attempt_id}")

    def last_attempts(self, delivery_ids: Collection[str], *, since: datetime) -> list[Row]:
        """Give the newest attempt of each delivery, of those that started since."""
        columns = attempts.c
        place = (
            sa.func.row_number()
            .over(
                partition_by=columns.delivery_id,
                order_by=(columns.started_at.desc(), columns.number.desc()),
            )
            .label("place")
        )
        wanted = (
            columns.delivery_id, columns.event_id, columns.endpoint_id, columns.tenant,
            columns.type, columns.version, columns.trigger, columns.started_at, columns.number,
            columns.verdict, columns.tier_s, columns.due_at, columns.reason,
        )  # fmt: skip
        ranked = (
            sa.select(*wanted, place)
            .where(columns.delivery_id.in_(list(delivery_ids)), columns.started_at >= to_ms(since))
            .subquery()
        )
        return self._rows(sa.select(ranked).where(ranked.c.place == 1))

    def count_waiting(self, endpoint_id: str, *, now: datetime) -> int:
        """Count an endpoint's deliveries whose newest attempt says retry, and are not due."""
        one, later = attempts.alias("one"), attempts.alias("later")
        # Both by time too: of PostgreSQL's days only these are looked at.
        since_ms = to_ms(now - WAIT_MAX)
        newer = (
            sa.exists()
            .where(later.c.delivery_id == one.c.delivery_id)
            .where(later.c.started_at >= since_ms, later.c.number > one.c.number)
        )
        query = (
            sa.select(sa.func.count(one.c.delivery_id.distinct()).label("count"))
            .where(one.c.endpoint_id == endpoint_id, one.c.started_at >= since_ms)
            .where(one.c.verdict == "retry", one.c.due_at > to_ms(now), ~newer)
        )
        (row,) = self._rows(query)
        return int(row["count"])

    def _attempts_query(
        self, chosen: AttemptFilter, page: PageRequest
    ) -> sa.Select[tuple[object, ...]]:
        columns = attempts.c
        conditions = equal(
            {
                columns.tenant: chosen.tenant,
                columns.event_id: chosen.event_id,
                columns.endpoint_id: chosen.endpoint_id,
                columns.delivery_id: chosen.delivery_id,
                columns.type: chosen.type,
                columns.outcome: chosen.outcome,
                columns.verdict: chosen.verdict,
                columns.status: chosen.status,
            }
        )
        conditions += between(columns.started_at, since=chosen.since, until=chosen.until)
        if _asks_for_failures(chosen):
            conditions.append(columns.outcome != _SUCCEEDED)
        if chosen.text is not None:
            found = [in_payload(self._engine, chosen.text)]
            found += equal({receipts.c.tenant: chosen.tenant, receipts.c.type: chosen.type})
            conditions.append(columns.event_id.in_(sa.select(receipts.c.event_id).where(*found)))
        query = sa.select(attempts).where(*conditions)
        return page_of(query, page, time=columns.started_at, row_id=columns.attempt_id)


def _asks_for_failures(chosen: AttemptFilter) -> bool:
    outcome, verdict = chosen.outcome, chosen.verdict
    failed = outcome is not None and outcome != Outcome.SUCCEEDED.value
    return failed or (verdict is not None and verdict != "delivered")
