"""Replays: what was asked, and how it ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "replays",
        sa.Column("replay_id", sa.Text(), nullable=False),
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
        sa.PrimaryKeyConstraint("replay_id", name=op.f("pk_replays")),
    )
    for columns in (
        ["created_at", "replay_id"],
        ["tenant", "created_at", "replay_id"],
        ["endpoint_id", "created_at", "replay_id"],
        ["finished_at"],
    ):
        op.create_index(op.f(f"ix_replays_{'_'.join(columns)}"), "replays", columns, unique=False)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("replays")
