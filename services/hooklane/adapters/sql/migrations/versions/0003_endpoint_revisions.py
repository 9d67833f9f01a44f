"""Every revision of an endpoint, with the table position from which on it was known.

Of endpoints that are there only the newest revision can be kept; its position is that of its last
announcement. Older ones are not known, and explain says so.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and fill it with what endpoints are now."""
    op.create_table(
        "endpoint_revisions",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("patterns", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_id", "revision", name=op.f("pk_endpoint_revisions")),
    )
    op.execute(
        "INSERT INTO endpoint_revisions "
        "(endpoint_id, revision, state, state_reason, patterns, created_at, position) "
        "SELECT endpoint_id, revision, state, state_reason, patterns, updated_at, "
        "CASE WHEN announced_revision = revision THEN announced_offset END FROM endpoints"
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("endpoint_revisions")
