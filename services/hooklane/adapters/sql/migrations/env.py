"""What alembic loads: runs migrations over the connection that `upgrade` opened."""

from alembic import context

from hooklane.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
