"""Endpoints that share the pool: who was placed by hand, and lanes that no revision names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; an endpoint of before has its own lane, and nobody placed it."""
    pinned: sa.Column[bool] = sa.Column(
        "pinned", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("endpoints", pinned)
    left = sa.Column("lanes_left", sa.JSON(), nullable=False, server_default="[]")
    op.add_column("endpoints", left)


def downgrade() -> None:
    """Take them away."""
    for name in ("lanes_left", "pinned"):
        op.drop_column("endpoints", name)
