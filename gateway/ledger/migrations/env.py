"""What Alembic runs: the steps, on the connection and in the transaction that gateway.ledger.migrate gives it."""

from alembic import context

from gateway.ledger.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
