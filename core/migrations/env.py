"""Alembic environment: the connection, and for autogeneration the metadata, come from the caller."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    include_schemas=False,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
