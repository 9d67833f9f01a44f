"""The log's lists on both databases: bounded in time, and by an index each."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hooklane.adapters.log_store import (
    AttemptFilter,
    DeadLetterFilter,
    PageRequest,
    ReceiptFilter,
    StatsQuery,
)
from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.history import SqlHistory
from hooklane.adapters.sql.listing import escaped, reading_within
from hooklane.adapters.sql.stats import ranked
from hooklane.domain.delivery import EPOCH
from hooklane.domain.errors import NotFound, Unavailable
from support import logbook

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
PAGE = PageRequest(limit=50, after=(1_772_352_000_000, "x"))


class Told(SqlHistory):
    """Keeps the queries instead of running them."""

    def __init__(self, engine):
        super().__init__(engine)
        self.queries = []

    def _rows(self, query):
        self.queries.append(query)
        return []


def plan(engine, query):
    """Give a query's plan as the database tells it, with its tables too full to be read through."""
    made = query.compile(engine, compile_kwargs={"render_postcompile": True})
    kind = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    parameters = made.params if made.positiontup is None else tuple(
        made.params[name] for name in made.positiontup
    )  # fmt: skip
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = connection.exec_driver_sql(f"{kind} {made}", parameters).all()
    return "\n".join(str(row) for row in rows)


def asked(engine, ask):
    """Give the one query that a call makes."""
    told = Told(engine)
    with suppress(NotFound):
        ask(told)
    (query,) = told.queries
    return query


SPAN = {"since": AT - timedelta(days=1), "until": AT}
STATS = StatsQuery(width=timedelta(hours=1), **SPAN)
READS = {
    "attempts": lambda log: log.attempts(AttemptFilter(), PAGE),
    "attempts of a tenant": lambda log: log.attempts(AttemptFilter(tenant="acme"), PAGE),
    "attempts of an event": lambda log: log.attempts(AttemptFilter(event_id="evt_1"), PAGE),
    "attempts of an endpoint": lambda log: log.attempts(AttemptFilter(endpoint_id="ep_1"), PAGE),
    "attempts of a delivery": lambda log: log.attempts(AttemptFilter(delivery_id="dlv_1"), PAGE),
    "attempts of a type": lambda log: log.attempts(AttemptFilter(type="order.created"), PAGE),
    "attempts that met something": lambda log: log.attempts(
        AttemptFilter(outcome="rejected", verdict="retry", status=500, **SPAN), PAGE
    ),
    "attempts by text": lambda log: log.attempts(AttemptFilter(tenant="acme", text="text"), PAGE),
    "an attempt": lambda log: log.attempt("att_1"),
    "newest attempts": lambda log: log.last_attempts(["dlv_1", "dlv_2"], since=EPOCH),
    "receipts": lambda log: log.receipts(ReceiptFilter(events_only=True), PAGE),
    "receipts of a tenant": lambda log: log.receipts(ReceiptFilter(tenant="acme"), PAGE),
    "receipts of a type": lambda log: log.receipts(ReceiptFilter(type="order.paid"), PAGE),
    "receipts of an endpoint": lambda log: log.receipts(
        ReceiptFilter(tenant="acme", endpoint_id="ep_1", events_only=True), PAGE
    ),
    "receipts by text": lambda log: log.receipts(ReceiptFilter(text="text"), PAGE),
    "receipts of an event": lambda log: log.receipts_of("evt_1", limit=10),
    "dead letters": lambda log: log.dead_letters(DeadLetterFilter(), PAGE),
    "dead letters of an endpoint": lambda log: log.dead_letters(
        DeadLetterFilter(endpoint_id="ep_1", **SPAN), PAGE
    ),
    "dead letters of a tenant": lambda log: log.dead_letters(
        DeadLetterFilter(tenant="acme", type="order.paid"), PAGE
    ),
    "a dead letter": lambda log: log.dead_letter("dlv_1"),
    "marks of dead letters": lambda log: log.dead_letter_marks(["dlv_1"]),
    "counts": lambda log: log.attempt_counts(STATS),
    "times": lambda log: log.attempt_times(STATS),
    "states": lambda log: log.endpoint_states(["ep_1"]),
}


FAILURES = {
    "ix_attempts_failed_tenant": AttemptFilter(tenant="acme", outcome="rejected"),
    "ix_attempts_failed_endpoint_id": AttemptFilter(endpoint_id="ep_1", verdict="retry"),
}


@pytest.mark.parametrize("index", FAILURES)
def test_failures_are_found_without_reading_through_successes(engine, index):
    """They have an index of their own, small because they are few."""
    found = plan(engine, asked(engine, lambda log: log.attempts(FAILURES[index], PAGE)))
    if engine.dialect.name == "sqlite":
        assert index in found
    else:
        # A partition's index has a name of PostgreSQL's own; what it leaves to be filtered tells.
        assert "<> 'succeeded'" not in found, found


def test_every_read_is_by_an_index(engine):
    """No list and no count reads a table through; PostgreSQL prunes to the days of a span."""
    for name, ask in READS.items():
        found = plan(engine, asked(engine, ask))
        if engine.dialect.name == "postgresql":
            assert "Seq Scan" not in found, f"{name}:\n{found}"
        else:
            # What is scanned without an index is the little that an inner query found.
            assert [table for table in scanned(found) if not table.startswith(INNER)] == [], name


INNER = ("anon", "(subquery")


def scanned(told):
    """Give what a plan of SQLite's reads through."""
    return [
        line.split("SCAN ")[1]
        for line in told.splitlines()
        if "SCAN " in line and "INDEX" not in line
    ]


def test_payload_search_is_by_trigrams(engine):
    """Text in payloads is found by the trigram index, not by reading them."""
    found = plan(engine, asked(engine, READS["receipts by text"]))
    index = "VIRTUAL TABLE INDEX" if engine.dialect.name == "sqlite" else "payload_text"
    assert index in found


def test_a_read_that_takes_too_long_is_given_up(engine):
    """The database is told to stop, and the connection is fit for the next read."""
    endless = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT count(*) FROM n",
        "postgresql": "SELECT pg_sleep(60)",
    }[engine.dialect.name]
    with (
        pytest.raises(Unavailable, match=r"no answer within 0\.05 s"),
        reading_within(engine, timedelta(milliseconds=50)) as connection,
    ):
        connection.execute(sa.text(endless))
    with reading_within(engine, timedelta(milliseconds=50)) as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_the_limit_of_reads_is_no_limit_of_writes(engine):
    """It ends with the read's transaction."""
    with reading_within(engine, timedelta(milliseconds=50)) as connection:
        connection.execute(sa.text("SELECT 1"))
    if engine.dialect.name == "postgresql":
        with writing(engine) as connection:
            assert connection.execute(sa.text("SHOW statement_timeout")).scalar() == "0"


def test_the_newest_attempt_of_each_delivery_is_given(engine):
    """The last to start; of one millisecond the higher number; none older than asked for."""
    logbook.write(
        engine,
        logbook.attempt("evt_1", at=1_000),
        logbook.attempt("evt_1", at=2_000, number=2),
        logbook.delivered("evt_1", at=2_000, number=3),
        logbook.attempt("evt_2", at=500),
    )
    log, ids = SqlHistory(engine), [logbook.of("evt_1"), logbook.of("evt_2"), "dlv_unknown"]
    found = {row["event_id"]: row["number"] for row in log.last_attempts(ids, since=EPOCH)}
    assert found == {"evt_1": 3, "evt_2": 1}
    later = log.last_attempts(ids, since=EPOCH + timedelta(seconds=1))
    assert [row["event_id"] for row in later] == ["evt_1"]


def test_percentiles_are_by_nearest_rank(engine):
    """Both databases give a time that was measured, and the same one."""
    times = {"dns_ms": None, "connect_ms": None, "tls_ms": None, "first_byte_ms": None}
    for number, total in enumerate([5, 1, 3, 2, 4] * 4):
        row = logbook.delivered(f"evt_{number}", at=1_000, timings=times | {"total_ms": total})
        logbook.write(engine, row)
    query = StatsQuery(since=EPOCH, until=AT, width=timedelta(hours=1))
    (found,) = SqlHistory(engine).attempt_times(query)
    assert found == {"bucket": 0, "p50_ms": 3, "p95_ms": 5}
    assert [ranked([(1, 1)], 0.95), ranked([(1, 19), (9, 1)], 0.95)] == [1, 1]


def test_wild_cards_are_text():
    """What LIKE reads into a character is escaped, the escape first."""
    assert escaped("50%_\\") == "50\\%\\_\\\\"
