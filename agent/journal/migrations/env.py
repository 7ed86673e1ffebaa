"""Runs the migrations on the connection that the journal hands over, inside the journal's own transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="easfix_version")
context.run_migrations()
