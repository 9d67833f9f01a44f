"""Find a tenant's or an endpoint's failed attempts without reading through its successes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAMES = {"ix_attempts_failed_tenant": "tenant", "ix_attempts_failed_endpoint_id": "endpoint_id"}
NOT_SUCCEEDED = "outcome <> 'succeeded'"


def upgrade() -> None:
    """Make the indexes."""
    for name, column in NAMES.items():
        op.create_index(
            name,
            "attempts",
            [column, "started_at"],
            postgresql_where=sa.text(NOT_SUCCEEDED),
            sqlite_where=sa.text(NOT_SUCCEEDED),
        )


def downgrade() -> None:
    """Drop them."""
    for name in NAMES:
        op.drop_index(name, table_name="attempts")
