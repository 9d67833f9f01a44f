"""Rate limits and batches of endpoints, and the lanes an endpoint had before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; an endpoint of before has no limit, no batch and no former lane."""
    op.add_column("endpoints", sa.Column("rate_per_s", sa.Integer(), nullable=True))
    op.add_column("endpoints", sa.Column("batch", sa.JSON(), nullable=True))
    op.add_column("endpoints", sa.Column("former", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Take them away."""
    for name in ("former", "batch", "rate_per_s"):
        op.drop_column("endpoints", name)
