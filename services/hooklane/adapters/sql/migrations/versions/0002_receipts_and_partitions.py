"""Receipts; attempts without a unique index; in PostgreSQL both in partitions by day.

Attempts that are there move into the new table, in PostgreSQL into its default partition: the
recorder moves a day's rows on when it makes that day's partition, and drops old ones row by row.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = (
    "attempt_id, delivery_id, event_id, endpoint_id, tenant, type, version, trigger, number, "
    "started_at, dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms, outcome, status, error, "
    "response_headers, response_body, verdict, tier_s, due_at, reason"
)
INDEXES_BEFORE = ("delivery_id", "endpoint_id", "event_id")
ATTEMPT_INDEXES = (
    ("attempt_id",),
    ("delivery_id",),
    ("event_id",),
    ("endpoint_id", "started_at"),
    ("tenant", "started_at"),
    ("started_at",),
)
RECEIPT_INDEXES = (
    ("event_id",),
    ("tenant", "received_at"),
    ("type", "received_at"),
    ("received_at",),
)


def upgrade() -> None:
    """Make receipts, and attempts anew with the rows they had."""
    for column in INDEXES_BEFORE:
        op.drop_index(f"ix_attempts_{column}_started_at_attempt_id", table_name="attempts")
    op.rename_table("attempts", "attempts_before")
    _create_attempts()
    _create_receipts()
    if op.get_bind().dialect.name == "postgresql":
        # A partition's indexes are made with it, so the table has them before its rows.
        op.execute("CREATE TABLE attempts_default PARTITION OF attempts DEFAULT")
        op.execute("CREATE TABLE receipts_default PARTITION OF receipts DEFAULT")
    else:
        _create_search()
    op.execute(
        f"INSERT INTO attempts ({COLUMNS}) SELECT {COLUMNS} FROM attempts_before "  # noqa: S608  names only
        "ORDER BY started_at"
    )
    op.drop_table("attempts_before")
    for table, indexes in (("attempts", ATTEMPT_INDEXES), ("receipts", RECEIPT_INDEXES)):
        for columns in indexes:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    op.create_table(
        "emptied",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_emptied"),
    )


def downgrade() -> None:
    """Drop receipts and give attempts their key back."""
    op.drop_table("emptied")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE receipts_search")
    op.drop_table("receipts")
    for columns in ATTEMPT_INDEXES:
        op.drop_index(f"ix_attempts_{'_'.join(columns)}", table_name="attempts")
    op.rename_table("attempts", "attempts_after")
    op.create_table(
        "attempts",
        *_attempt_columns(),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_attempts"),
    )
    op.execute(
        f"INSERT INTO attempts ({COLUMNS}) SELECT {COLUMNS} FROM attempts_after "  # noqa: S608  names only
        "ORDER BY started_at ON CONFLICT DO NOTHING"
    )
    op.drop_table("attempts_after")
    for column in INDEXES_BEFORE:
        name = f"ix_attempts_{column}_started_at_attempt_id"
        op.create_index(name, "attempts", [column, "started_at", "attempt_id"])


def _create_attempts() -> None:
    op.create_table("attempts", *_attempt_columns(), postgresql_partition_by="RANGE (started_at)")


def _attempt_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("dns_ms", sa.Integer(), nullable=True),
        sa.Column("connect_ms", sa.Integer(), nullable=True),
        sa.Column("tls_ms", sa.Integer(), nullable=True),
        sa.Column("first_byte_ms", sa.Integer(), nullable=True),
        sa.Column("total_ms", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("response_headers", sa.Text(), nullable=False),
        sa.Column("response_body", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("tier_s", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
    ]


def _create_receipts() -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record_key", sa.LargeBinary(), nullable=True),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("source_topic", sa.Text(), nullable=False),
        sa.Column("source_partition", sa.Integer(), nullable=False),
        sa.Column("source_offset", sa.BigInteger(), nullable=False),
        sa.Column("table_offset", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Text(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("matched_count", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("payload_text", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
    ]
    if op.get_bind().dialect.name == "sqlite":
        # The search table's key must outlive VACUUM, which an unnamed rowid need not.
        columns.insert(0, sa.Column("row_id", sa.Integer(), primary_key=True))
    op.create_table("receipts", *columns, postgresql_partition_by="RANGE (received_at)")


def _create_search() -> None:
    # Its text stays in receipts. Whoever adds receipts adds to it, all of a batch at once; the
    # triggers take out what goes. Without positions it is half as large and twice as fast: a search
    # finds what has all trigrams of its text, and then looks at the text.
    op.execute(
        "CREATE VIRTUAL TABLE receipts_search USING fts5(payload_text, content='receipts', "
        "content_rowid='row_id', tokenize='trigram', detail='none')"
    )
    removed = (
        "INSERT INTO receipts_search (receipts_search, rowid, payload_text) "
        "VALUES ('delete', old.row_id, old.payload_text)"
    )
    op.execute(
        "CREATE TRIGGER receipts_search_removed AFTER DELETE ON receipts "
        f"WHEN old.payload_text IS NOT NULL BEGIN {removed}; END"
    )
    op.execute(
        "CREATE TRIGGER receipts_search_emptied AFTER UPDATE OF payload_text ON receipts "
        "WHEN old.payload_text IS NOT NULL AND new.payload_text IS NULL "
        f"BEGIN {removed}; END"
    )
