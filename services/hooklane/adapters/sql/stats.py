"""Counts and times of attempts over time, one read of the span each.

PostgreSQL ranks times itself; SQLite counts each millisecond and `ranked` does it. Both give the
nearest rank, so that what is shown is a time that was measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby

import sqlalchemy as sa

from hooklane.adapters.log_store import Row, StatsQuery
from hooklane.adapters.sql.listing import Condition, Listing, Number, between, equal
from hooklane.adapters.sql.tables import attempts

P50, P95 = 0.5, 0.95


class SqlStats(Listing):
    """Counts attempts."""

    def attempt_counts(self, query: StatsQuery) -> list[Row]:
        """Count attempts by bucket (unix ms of its start), outcome and verdict."""
        bucket, columns = _bucket(query), attempts.c
        count = sa.func.count().label("count")
        return self._rows(
            sa.select(bucket, columns.outcome, columns.verdict, count)
            .where(*_chosen(query))
            .group_by(bucket, columns.outcome, columns.verdict)
            .order_by(bucket)
        )

    def attempt_times(self, query: StatsQuery) -> list[Row]:
        """Give p50 and p95 of the attempts' whole time in ms, by bucket."""
        bucket, time = _bucket(query), attempts.c.total_ms
        chosen = [*_chosen(query), time.is_not(None)]
        if self._engine.dialect.name == "postgresql":
            p50, p95 = (
                sa.func.percentile_disc(part).within_group(time).label(name)
                for part, name in ((P50, "p50_ms"), (P95, "p95_ms"))
            )
            ordered = sa.select(bucket, p50, p95).where(*chosen).group_by(bucket)
            return self._rows(ordered.order_by(bucket))
        count = sa.func.count().label("count")
        counted = sa.select(bucket, time, count).where(*chosen).group_by(bucket, time)
        rows = self._rows(counted.order_by(bucket, time))
        return [
            {"bucket": at, "p50_ms": ranked(counts, P50), "p95_ms": ranked(counts, P95)}
            for at, found in groupby(rows, key=lambda row: row["bucket"])
            if (counts := [(row["total_ms"], row["count"]) for row in found])
        ]


def ranked(counts: Iterable[tuple[int, int]], part: float) -> int:
    """Give the value at or below which this part lies, of values in order and their counts."""
    pairs = list(counts)
    wanted = part * sum(count for _, count in pairs)
    passed = 0
    for value, count in pairs:
        passed += count
        if passed >= wanted:
            return value
    raise AssertionError("nothing was counted")


def _bucket(query: StatsQuery) -> sa.Label[int]:
    width = query.width // timedelta(milliseconds=1)
    # Written out, because PostgreSQL takes two parameters of one value for two expressions.
    started: Number = attempts.c.started_at
    return (started - started % sa.literal_column(str(width), sa.BigInteger())).label("bucket")


def _chosen(query: StatsQuery) -> list[Condition]:
    columns = attempts.c
    wanted = equal(
        {
            columns.tenant: query.tenant,
            columns.endpoint_id: query.endpoint_id,
            columns.type: query.type,
        }
    )
    return [*wanted, *between(columns.started_at, since=query.since, until=query.until)]
