"""Lists and searches over five million attempts in PostgreSQL, as the control API asks for them."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

import sqlalchemy as sa

from hooklane.adapters.log import no_log
from hooklane.adapters.log_store import AttemptFilter, PageRequest, ReceiptFilter
from hooklane.adapters.sql.engine import connect, writing
from hooklane.adapters.sql.history import SqlHistory
from hooklane.adapters.sql.partitions import DAY_MS, DayPartitions
from hooklane.adapters.sql.search import prepare
from hooklane.adapters.sql.tables import attempts, receipts
from hooklane.adapters.sql.upgrade import upgrade
from support.postgresql import cluster

ATTEMPTS, FAN_OUT, ENDPOINTS, TENANTS = 5_000_000, 10, 1_000, 50
DAYS = 30
RUNS = 40
# A server of a small machine; what is measured is reading, so a load that is cut short is none.
SERVER = ("shared_buffers=1GB", "maintenance_work_mem=512MB", "max_wal_size=8GB")

_ID = "substr(md5(({0})::text), 1, 26)"
_TENANT = "'tenant' || (n % {0})"
_RECEIPTS = f"""
INSERT INTO receipts SELECT
  'evt_' || {_ID.format("n")} || ':event::0', 'evt_' || {_ID.format("n")},
  {_TENANT.format(TENANTS)}, 'order.created', 1, NULL, at, 'events.order', 0, n, 1, 'event', '', 0,
  '[]', '[]', {FAN_OUT}, NULL,
  '{{"id" "' || n || '","note" "' || md5((n * 7)::text) || repeat(' filler', 60) || '"}}', at
FROM (SELECT n, :first + n * :step AS at FROM generate_series(CAST(1 AS bigint), :count) AS n) AS s
"""
_ATTEMPTS = f"""
INSERT INTO attempts SELECT
  'att_' || {_ID.format("m")}, 'dlv_' || {_ID.format("m * 3")}, 'evt_' || {_ID.format("n")},
  'ep_' || ((n * 7 + k) % {ENDPOINTS}), {_TENANT.format(TENANTS)}, 'order.created', 1, 'event', 1,
  at, NULL, NULL, NULL, 3, 5, CASE WHEN m % 50 = 0 THEN 'rejected' ELSE 'succeeded' END,
  CASE WHEN m % 50 = 0 THEN 500 ELSE 200 END, '', '[]', 'ok'::bytea,
  CASE WHEN m % 50 = 0 THEN 'retry' ELSE 'delivered' END, NULL, NULL, ''
FROM (SELECT n, k, n * {FAN_OUT} + k AS m, :first + n * :step + k AS at
      FROM generate_series(CAST(1 AS bigint), :count) AS n,
           generate_series(0, {FAN_OUT - 1}) AS k) AS s
"""


def history() -> dict[str, Any]:
    """Fill a database and time what the API's lists ask of it: p50 and p95 in milliseconds."""
    with cluster(settings=SERVER) as url:
        engine = connect(url)
        upgrade(engine)
        _fill(engine)
        store = SqlHistory(engine)
        figures = {name: _timed(ask(store)) for name, ask in _QUESTIONS.items()}
        engine.dispose()
    return {"attempts": ATTEMPTS, **figures}


def _fill(engine: Any) -> None:
    now = datetime.now(UTC)
    first = int((now - timedelta(days=DAYS)).timestamp() * 1_000)
    count = ATTEMPTS // FAN_OUT
    numbers = {"first": first, "step": DAYS * DAY_MS // count, "count": count}
    days = DayPartitions(engine, log=no_log)
    days.tend(timedelta(days=DAYS + 1), at=now)
    for table in ("receipts", "attempts"):
        days.cover(table, range(first, first + (DAYS + 1) * DAY_MS, DAY_MS))
    indexes = [index for table in (receipts, attempts) for index in table.indexes]
    with writing(engine) as connection:
        # Indexes once, at the end: what they cost while rows come is the recorder's benchmark.
        for index in indexes:
            index.drop(connection)
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        for statement in (_RECEIPTS, _ATTEMPTS):
            connection.execute(sa.text(statement), numbers)
        for index in indexes:
            index.create(connection)
        prepare(connection, log=no_log)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE receipts, attempts")


Ask = Callable[[], object]
_chance = random.Random(1)


def _endpoint() -> str:
    return f"ep_{_chance.randrange(ENDPOINTS)}"


def _tenant() -> str:
    return f"tenant{_chance.randrange(TENANTS)}"


def _needle() -> str:
    number = _chance.randrange(ATTEMPTS // FAN_OUT)
    return md5(str(number * 7).encode(), usedforsecurity=False).hexdigest()[:16]


PAGE = PageRequest(limit=50)
_QUESTIONS: dict[str, Callable[[SqlHistory], Ask]] = {
    "attempts_of_endpoint": lambda store: (
        lambda: store.attempts(AttemptFilter(endpoint_id=_endpoint()), PAGE)
    ),
    "failures_of_tenant": lambda store: (
        lambda: store.attempts(AttemptFilter(tenant=_tenant(), outcome="rejected"), PAGE)
    ),
    "newest_attempts": lambda store: lambda: store.attempts(AttemptFilter(), PAGE),
    "events_of_tenant": lambda store: (
        lambda: store.receipts(ReceiptFilter(tenant=_tenant(), events_only=True), PAGE)
    ),
    "search_in_payloads": lambda store: (
        lambda: store.receipts(ReceiptFilter(text=_needle(), events_only=True), PAGE)
    ),
}


def _timed(ask: Ask) -> dict[str, float]:
    spans = []
    for _ in range(RUNS):
        started = time.perf_counter()
        ask()
        spans.append((time.perf_counter() - started) * 1_000)
    spans.sort()
    return {
        "p50_ms": round(statistics.median(spans), 1),
        "p95_ms": round(spans[int(len(spans) * 0.95)], 1),
    }
