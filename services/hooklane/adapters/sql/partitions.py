"""PostgreSQL's partitions by day: made ahead, made for a batch that needs them, dropped when old.

What has no partition of its own lies in the default one, where nothing is lost and lists find it;
a day's rows move on when its partition is made. So a role that may not make tables, or a lock that
is not had in time, costs speed only: it is told, and tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from hooklane.adapters.log import Log
from hooklane.adapters.sql.engine import reading, writing
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import Unavailable

TABLES = {"attempts": "started_at", "receipts": "received_at"}
DAY_MS = 86_400_000
DAYS_AHEAD = 3
LOCK_TIMEOUT_MS = 2_000
# Any constant will do, as long as all who make partitions use the same.
_TURN = 7_209_316_212
# No right to, no lock in time, rows that came in between, made by another, a deadlock.
_TRIED_AGAIN = {"42501", "55P03", "23514", "42P07", "40P01"}


class DayPartitions:
    """The partitions of all partitioned tables."""

    def __init__(self, engine: Engine, *, log: Log) -> None:
        """Begin without knowing any."""
        self._engine, self._log = engine, log
        self._days: dict[str, set[int]] = {table: set() for table in TABLES}
        self._window = range(0)

    def tend(self, keep: timedelta, *, at: datetime) -> bool:
        """Make the coming days' partitions, drop those past, move what lies in the default one.

        Args:
            keep: how long rows stay; a partition goes once its newest row may.
            at: now.

        Returns:
            Whether rows of another day lie in a default partition.
        """
        today = to_ms(at) // DAY_MS
        self._window = range(to_ms(at - keep) // DAY_MS, today + DAYS_AHEAD + 1)
        more = False
        for table in TABLES:
            days = self._read_days(table)
            for day in sorted(days):
                if day < self._window.start:
                    self._drop(table, day)
            for day in range(today, self._window.stop):
                self._make(table, day)
            astray = self._day_astray(table)
            more |= astray is not None and self._make(table, astray)
        return more

    def cover(self, table: str, times: Iterable[int]) -> None:
        """Make the partitions that rows of these times need, as far as they are worth keeping."""
        for day in {time // DAY_MS for time in times} - self._days[table]:
            if day in self._window:
                self._make(table, day)

    def _read_days(self, table: str) -> set[int]:
        query = sa.text(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:of)"
        )
        with reading(self._engine) as connection:
            names = connection.execute(query, {"of": table}).scalars().all()
        found = (day_of(name, table) for name in names)
        self._days[table] = {day for day in found if day is not None}
        return self._days[table]

    def _day_astray(self, table: str) -> int | None:
        """Give the first day within the window that has rows in the default partition."""
        time = TABLES[table]
        query = sa.text(
            f"SELECT min({time}) FROM {table}_default WHERE {time} >= :first AND {time} < :end"  # noqa: S608  names of ours
        )
        ends = {"first": self._window.start * DAY_MS, "end": self._window.stop * DAY_MS}
        with reading(self._engine) as connection:
            found = connection.execute(query, ends).scalar()
        return None if found is None else int(found) // DAY_MS

    def _make(self, table: str, day: int) -> bool:
        if day in self._days[table]:
            return True
        name, time = name_of(table, day), TABLES[table]
        within = f"{time} >= {day * DAY_MS} AND {time} < {(day + 1) * DAY_MS}"
        bounds = f"FROM ({day * DAY_MS}) TO ({(day + 1) * DAY_MS})"
        statements = (
            # The lock that ATTACH needs, first: nothing comes in between, and nobody deadlocks.
            f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE",
            f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)",
            f"INSERT INTO {name} SELECT * FROM {table}_default WHERE {within}",  # noqa: S608  names of ours
            f"DELETE FROM {table}_default WHERE {within}",  # noqa: S608  names of ours
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}",
        )
        if self._run(statements, unless=name):
            self._days[table].add(day)
            return True
        return False

    def _drop(self, table: str, day: int) -> None:
        if self._run((f"DROP TABLE IF EXISTS {name_of(table, day)}",)):
            self._days[table].discard(day)

    def _run(self, statements: Sequence[str], *, unless: str | None = None) -> bool:
        try:
            with writing(self._engine) as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))
                found = connection.execute(sa.select(sa.func.to_regclass(unless))).scalar()
                for statement in statements if found is None else ():
                    connection.exec_driver_sql(statement)
        except Unavailable as error:
            if _state_of(error) not in _TRIED_AGAIN:
                raise
            self._log("partition.refused", level="warning", error=str(error), on=statements[-1])
            return False
        return True


def name_of(table: str, day: int) -> str:
    """Name a day's partition."""
    return f"{table}_{datetime.fromtimestamp(day * DAY_MS / 1_000, UTC):%Y%m%d}"


def day_of(name: str, table: str) -> int | None:
    """Give the day of a partition, None for the default one."""
    try:
        found = datetime.strptime(name.removeprefix(f"{table}_"), "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return to_ms(found) // DAY_MS


def _state_of(error: Unavailable) -> str | None:
    cause = error.__cause__
    return getattr(cause.orig, "sqlstate", None) if isinstance(cause, DBAPIError) else None
