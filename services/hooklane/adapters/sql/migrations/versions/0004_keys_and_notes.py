"""API keys; and what callers note of endpoints and tenants: uid, description, metadata.

Endpoints that are there have no uid, an empty description and no metadata.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEPT = sa.text("state <> 'deleted'")


def upgrade() -> None:
    """Make the table and the columns."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("may_write", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.name"], name=op.f("fk_api_keys_tenant")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_digest"), "api_keys", ["digest"], unique=True)
    op.create_index(
        op.f("ix_api_keys_created_at_key_id"), "api_keys", ["created_at", "key_id"], unique=False
    )
    op.add_column("tenants", sa.Column("uid", sa.Text(), nullable=True))
    op.create_index(op.f("ix_tenants_uid"), "tenants", ["uid"], unique=True)
    op.add_column("endpoints", sa.Column("uid", sa.Text(), nullable=True))
    op.add_column(
        "endpoints", sa.Column("description", sa.Text(), nullable=False, server_default="")
    )
    op.add_column(
        "endpoints", sa.Column("metadata", sa.JSON(), nullable=False, server_default="{}")
    )
    op.add_column("endpoints", sa.Column("draft", sa.JSON(), nullable=True))
    op.create_index(
        op.f("ix_endpoints_tenant_uid"),
        "endpoints",
        ["tenant", "uid"],
        unique=True,
        sqlite_where=_KEPT,
        postgresql_where=_KEPT,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index(op.f("ix_endpoints_tenant_uid"), table_name="endpoints")
    for name in ("draft", "metadata", "description", "uid"):
        op.drop_column("endpoints", name)
    op.drop_index(op.f("ix_tenants_uid"), table_name="tenants")
    op.drop_column("tenants", "uid")
    op.drop_index(op.f("ix_api_keys_created_at_key_id"), table_name="api_keys")
    op.drop_index(op.f("ix_api_keys_digest"), table_name="api_keys")
    op.drop_table("api_keys")
