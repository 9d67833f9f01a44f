"""The first schema: tenants, endpoints, outbox, offsets, attempts, dead letters, gaps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "attempts",
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
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_attempts")),
    )
    op.create_index(
        op.f("ix_attempts_delivery_id_started_at_attempt_id"),
        "attempts",
        ["delivery_id", "started_at", "attempt_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_attempts_endpoint_id_started_at_attempt_id"),
        "attempts",
        ["endpoint_id", "started_at", "attempt_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_attempts_event_id_started_at_attempt_id"),
        "attempts",
        ["event_id", "started_at", "attempt_id"],
        unique=False,
    )
    op.create_table(
        "dead_letters",
        sa.Column("delivery_id", sa.Text(), nullable=False),
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
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_dead_letters")),
    )
    op.create_index(
        op.f("ix_dead_letters_died_at_delivery_id"),
        "dead_letters",
        ["died_at", "delivery_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_dead_letters_endpoint_id_died_at_delivery_id"),
        "dead_letters",
        ["endpoint_id", "died_at", "delivery_id"],
        unique=False,
    )
    op.create_table(
        "gaps",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_start", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "reader", "topic", "partition", "first_offset", name=op.f("pk_gaps")
        ),
    )
    op.create_table(
        "offsets",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", "topic", "partition", name=op.f("pk_offsets")),
    )
    op.create_table(
        "outbox",
        sa.Column("outbox_id", COUNTED, autoincrement=True, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("record_key", sa.LargeBinary(), nullable=False),
        sa.Column("record_value", sa.LargeBinary(), nullable=True),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_outbox_published_at_outbox_id"),
        "outbox",
        ["published_at", "outbox_id"],
        unique=False,
    )
    op.create_table(
        "tenants",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tenants")),
    )
    op.create_table(
        "endpoints",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
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
        sa.Column("placement", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("announced_revision", sa.BigInteger(), nullable=False),
        sa.Column("announced_offset", sa.BigInteger(), nullable=True),
        sa.Column("lane_topic", sa.Text(), nullable=True),
        sa.Column("buried_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.name"], name=op.f("fk_endpoints_tenant")),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_endpoints")),
    )
    op.create_index(
        op.f("ix_endpoints_created_at_endpoint_id"),
        "endpoints",
        ["created_at", "endpoint_id"],
        unique=False,
    )
    op.create_index(op.f("ix_endpoints_state"), "endpoints", ["state"], unique=False)
    op.create_index(
        op.f("ix_endpoints_tenant_created_at_endpoint_id"),
        "endpoints",
        ["tenant", "created_at", "endpoint_id"],
        unique=False,
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index(op.f("ix_endpoints_tenant_created_at_endpoint_id"), table_name="endpoints")
    op.drop_index(op.f("ix_endpoints_state"), table_name="endpoints")
    op.drop_index(op.f("ix_endpoints_created_at_endpoint_id"), table_name="endpoints")
    op.drop_table("endpoints")
    op.drop_table("tenants")
    op.drop_index(op.f("ix_outbox_published_at_outbox_id"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("offsets")
    op.drop_table("gaps")
    op.drop_index(
        op.f("ix_dead_letters_endpoint_id_died_at_delivery_id"), table_name="dead_letters"
    )
    op.drop_index(op.f("ix_dead_letters_died_at_delivery_id"), table_name="dead_letters")
    op.drop_table("dead_letters")
    op.drop_index(op.f("ix_attempts_event_id_started_at_attempt_id"), table_name="attempts")
    op.drop_index(op.f("ix_attempts_endpoint_id_started_at_attempt_id"), table_name="attempts")
    op.drop_index(op.f("ix_attempts_delivery_id_started_at_attempt_id"), table_name="attempts")
    op.drop_table("attempts")
