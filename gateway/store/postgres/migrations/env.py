"""Alembic's entry: run the revisions on the connection that `gateway.store.postgres.migrate` holds open.

`op.execute` of a string takes a whole script of plain SQL here: many statements, no ``:name`` parameters.
"""

from __future__ import annotations

from typing import Any, cast

import asyncpg
from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy import Executable
from sqlalchemy.util import await_only


class ScriptImpl(PostgresqlImpl):
    """Alembic's PostgreSQL, but for strings, which go to the driver as they are."""

    __dialect__ = "postgresql"  # takes the place of the one that Alembic registers under this name

    def execute(self, sql: Executable | str, execution_options: dict[str, Any] | None = None) -> None:
        """Run ``sql``; the driver prepares what SQLAlchemy sends, and a prepared statement is one statement only."""
        if not isinstance(sql, str):
            super().execute(sql, execution_options)
            return
        connection = self.connection
        if connection is None:
            raise RuntimeError("migrations run online, through gateway.store.postgres.migrate.upgrade")
        connection.exec_driver_sql("SELECT 1")  # opens the transaction that the script must be in
        driver = cast("asyncpg.Connection[asyncpg.Record]", connection.connection.driver_connection)
        await_only(driver.execute(sql))


context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
