"""The tables, as the newest migration leaves them (a contract test compares).

Every change here comes with a migration in `migrations/versions`.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite counts rows only in a column that is exactly INTEGER.
Counted = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("name", sa.Text(), primary_key=True),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("uid", sa.Text(), nullable=True),
    sa.Index(None, "uid", unique=True),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_id", sa.Text(), primary_key=True),
    # of the whole key: what is kept opens nothing
    sa.Column("digest", sa.Text(), nullable=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("tenant", sa.Text(), sa.ForeignKey("tenants.name"), nullable=True),
    sa.Column("may_write", sa.Boolean(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("last_used_at", sa.BigInteger(), nullable=True),
    sa.Column("revoked_at", sa.BigInteger(), nullable=True),
    sa.Index(None, "digest", unique=True),
    sa.Index(None, "created_at", "key_id"),
)

endpoints = sa.Table(
    "endpoints",
    metadata,
    sa.Column("endpoint_id", sa.Text(), primary_key=True),
    sa.Column("tenant", sa.Text(), sa.ForeignKey("tenants.name"), nullable=False),
    sa.Column("revision", sa.BigInteger(), nullable=False),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("state_reason", sa.Text(), nullable=False),
    sa.Column("url", sa.Text(), nullable=False),
    sa.Column("patterns", sa.JSON(), nullable=False),
    sa.Column("secrets", sa.JSON(), nullable=False),
    sa.Column("headers", sa.JSON(), nullable=False),
    sa.Column("timeout_ms", sa.Integer(), nullable=False),
    sa.Column("retry_schedule_s", sa.JSON(), nullable=False),
    sa.Column("event_order", sa.Text(), nullable=False),
    sa.Column("in_flight_max", sa.Integer(), nullable=True),
    sa.Column("rate_per_s", sa.Integer(), nullable=True),
    sa.Column("batch", sa.JSON(), nullable=True),
    sa.Column("placement", sa.JSON(), nullable=False),
    sa.Column("former", sa.JSON(), nullable=False, server_default="[]"),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
    sa.Column("deleted_at", sa.BigInteger(), nullable=True),
    sa.Column("announced_revision", sa.BigInteger(), nullable=False),
    sa.Column("announced_offset", sa.BigInteger(), nullable=True),
    sa.Column("lane_topic", sa.Text(), nullable=True),
    sa.Column("lanes_left", sa.JSON(), nullable=False, server_default="[]"),
    sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("buried_at", sa.BigInteger(), nullable=True),
    sa.Column("uid", sa.Text(), nullable=True),
    sa.Column("description", sa.Text(), nullable=False, server_default=""),
    sa.Column("metadata", sa.JSON(), nullable=False, server_default="{}"),
    sa.Column("draft", sa.JSON(), nullable=True),
    sa.Index(None, "tenant", "created_at", "endpoint_id"),
    # A deleted endpoint's uid is free again.
    sa.Index(
        "ix_endpoints_tenant_uid",
        "tenant",
        "uid",
        unique=True,
        sqlite_where=sa.text("state <> 'deleted'"),
        postgresql_where=sa.text("state <> 'deleted'"),
    ),
    sa.Index(None, "created_at", "endpoint_id"),
    sa.Index(None, "state"),
)

endpoint_revisions = sa.Table(
    "endpoint_revisions",
    metadata,
    sa.Column("endpoint_id", sa.Text(), primary_key=True),
    sa.Column("revision", sa.BigInteger(), primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("state_reason", sa.Text(), nullable=False),
    sa.Column("patterns", sa.JSON(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("position", sa.BigInteger(), nullable=True),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("outbox_id", Counted, primary_key=True, autoincrement=True),
    sa.Column("topic", sa.Text(), nullable=False),
    sa.Column("record_key", sa.LargeBinary(), nullable=False),
    sa.Column("record_value", sa.LargeBinary(), nullable=True),
    sa.Column("record_headers", sa.Text(), nullable=True),
    sa.Column("lane", sa.Text(), nullable=True),
    sa.Column("endpoint_id", sa.Text(), nullable=False),
    sa.Column("revision", sa.BigInteger(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("published_at", sa.BigInteger(), nullable=True),
    sa.Index(None, "published_at", "outbox_id"),
    sqlite_autoincrement=True,
)

offsets = sa.Table(
    "offsets",
    metadata,
    sa.Column("reader", sa.Text(), primary_key=True),
    sa.Column("topic", sa.Text(), primary_key=True),
    sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("next_offset", sa.BigInteger(), nullable=False),
)

# Of attempts.
NOT_SUCCEEDED = "outcome <> 'succeeded'"

# The two that grow with traffic have no unique index: offsets see to it that a record is one row,
# and of random ids each index costs a page. PostgreSQL keeps them in partitions by day, made and
# dropped by the recorder (`partitions`). SQLite's receipts have one column more, `row_id`, the key
# of the search table (`search`); it is no column here because PostgreSQL has none.
attempts = sa.Table(
    "attempts",
    metadata,
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
    sa.Index(None, "attempt_id"),
    sa.Index(None, "delivery_id"),
    sa.Index(None, "event_id"),
    sa.Index(None, "endpoint_id", "started_at"),
    sa.Index(None, "tenant", "started_at"),
    sa.Index(None, "started_at"),
    # Few are not successes, and those are what people look for.
    *(
        sa.Index(
            f"ix_attempts_failed_{column}",
            column,
            "started_at",
            postgresql_where=sa.text(NOT_SUCCEEDED),
            sqlite_where=sa.text(NOT_SUCCEEDED),
        )
        for column in ("tenant", "endpoint_id")
    ),
    postgresql_partition_by="RANGE (started_at)",
)

# One row a receipt record. An event that its producer wrote twice has two of the same id.
receipts = sa.Table(
    "receipts",
    metadata,
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
    sa.Index(None, "event_id"),
    sa.Index(None, "tenant", "received_at"),
    sa.Index(None, "type", "received_at"),
    sa.Index(None, "received_at"),
    postgresql_partition_by="RANGE (received_at)",
)

# How far payloads and bodies were emptied, by table: those of rows before this time are gone.
emptied = sa.Table(
    "emptied",
    metadata,
    sa.Column("name", sa.Text(), primary_key=True),
    sa.Column("before", sa.BigInteger(), nullable=False),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("delivery_id", sa.Text(), primary_key=True),
    sa.Column("endpoint_id", sa.Text(), nullable=False),
    sa.Column("event_id", sa.Text(), nullable=False),
    sa.Column("tenant", sa.Text(), nullable=False),
    sa.Column("type", sa.Text(), nullable=False),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("trigger", sa.Text(), nullable=False),
    sa.Column("command_id", sa.Text(), nullable=False),
    sa.Column("event_time", sa.BigInteger(), nullable=False),
    sa.Column("content_type", sa.Text(), nullable=False),
    sa.Column("payload", sa.LargeBinary(), nullable=False),
    sa.Column("reason", sa.Text(), nullable=False),
    sa.Column("attempts_made", sa.Integer(), nullable=False),
    sa.Column("last_outcome", sa.Text(), nullable=False),
    sa.Column("first_attempt_at", sa.BigInteger(), nullable=True),
    sa.Column("waiting_since", sa.BigInteger(), nullable=False),
    sa.Column("died_at", sa.BigInteger(), nullable=False),
    sa.Column("redriven_at", sa.BigInteger(), nullable=True),
    sa.Column("partition", sa.Integer(), nullable=False),
    sa.Column("record_offset", sa.BigInteger(), nullable=False),
    sa.Index(None, "endpoint_id", "died_at", "delivery_id"),
    sa.Index(None, "died_at", "delivery_id"),
)

gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("reader", sa.Text(), primary_key=True),
    sa.Column("topic", sa.Text(), primary_key=True),
    sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("first_offset", sa.BigInteger(), primary_key=True, autoincrement=False),
    sa.Column("log_start", sa.BigInteger(), nullable=False),
    sa.Column("found_at", sa.BigInteger(), nullable=False),
)

# `slots` and `content` are JSON in text columns: nothing ever asks inside them.
endpoint_health = sa.Table(
    "endpoint_health",
    metadata,
    sa.Column("endpoint_id", sa.Text(), primary_key=True),
    sa.Column("tenant", sa.Text(), nullable=False),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("failing_since", sa.BigInteger(), nullable=True),
    sa.Column("consecutive_failures", sa.BigInteger(), nullable=False),
    sa.Column("last_success_at", sa.BigInteger(), nullable=True),
    sa.Column("last_failure_at", sa.BigInteger(), nullable=True),
    sa.Column("last_outcome", sa.Text(), nullable=False),
    sa.Column("last_status", sa.Integer(), nullable=True),
    sa.Column("told_since", sa.BigInteger(), nullable=True),
    sa.Column("slots", sa.Text(), nullable=False),
    sa.Column("dead_window_at", sa.BigInteger(), nullable=True),
    sa.Column("dead_told", sa.BigInteger(), nullable=False),
    sa.Column("dead_untold", sa.BigInteger(), nullable=False),
    sa.Column("updated_at", sa.BigInteger(), nullable=False),
)

operational_events = sa.Table(
    "operational_events",
    metadata,
    sa.Column("event_number", Counted, primary_key=True, autoincrement=True),
    sa.Column("event_type", sa.Text(), nullable=False),
    sa.Column("id_in_source", sa.Text(), nullable=False),
    sa.Column("tenant", sa.Text(), nullable=False),
    sa.Column("endpoint_id", sa.Text(), nullable=False),
    sa.Column("happened_at", sa.BigInteger(), nullable=False),
    sa.Column("content", sa.Text(), nullable=False),
    sqlite_autoincrement=True,
)

# `ranges` is JSON in a text column: nothing ever asks inside it.
replays = sa.Table(
    "replays",
    metadata,
    sa.Column("replay_id", sa.Text(), primary_key=True),
    sa.Column("endpoint_id", sa.Text(), nullable=False),
    sa.Column("tenant", sa.Text(), nullable=False),
    sa.Column("created_at", sa.BigInteger(), nullable=False),
    sa.Column("ranges", sa.Text(), nullable=False),
    sa.Column("rate_per_s", sa.Integer(), nullable=False),
    sa.Column("since", sa.BigInteger(), nullable=True),
    sa.Column("until", sa.BigInteger(), nullable=True),
    sa.Column("cancel_asked_at", sa.BigInteger(), nullable=True),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("reason", sa.Text(), nullable=False),
    sa.Column("done_count", sa.BigInteger(), nullable=False),
    sa.Column("read_count", sa.BigInteger(), nullable=False),
    sa.Column("matched_count", sa.BigInteger(), nullable=False),
    sa.Column("undecodable_count", sa.BigInteger(), nullable=False),
    sa.Column("started_at", sa.BigInteger(), nullable=True),
    sa.Column("finished_at", sa.BigInteger(), nullable=True),
    sa.Index(None, "created_at", "replay_id"),
    sa.Index(None, "tenant", "created_at", "replay_id"),
    sa.Index(None, "endpoint_id", "created_at", "replay_id"),
    sa.Index(None, "finished_at"),
)
