"""Endpoints' health, operational events on their way, and the headers of outbox records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; what the outbox owes already has no headers of its own."""
    op.create_table(
        "endpoint_health",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
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
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_endpoint_health")),
    )
    op.create_table(
        "operational_events",
        sa.Column("event_number", COUNTED, autoincrement=True, nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("id_in_source", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_number", name=op.f("pk_operational_events")),
        sqlite_autoincrement=True,
    )
    op.add_column("outbox", sa.Column("record_headers", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("outbox", "record_headers")
    op.drop_table("operational_events")
    op.drop_table("endpoint_health")
