"""Bring a database to the newest schema, or tell where it stands.

In: a libpq DSN. Out: a migrated database. Online only, one transaction for everything, one migration at a time
(other starters wait). Revisions live in `migrations/versions`: 0001 the store, 0002 security, 0003 audit.
"""

from __future__ import annotations

from importlib import resources

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

# Any number will do that nothing else in the database locks: "yiyang" as digits of a phone.
_LOCK = 949264


async def upgrade(dsn: str) -> None:
    """Apply every revision that ``dsn`` lacks, all or nothing; a second caller waits and finds nothing to do."""
    engine = _engine(dsn)
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def current(dsn: str) -> str:
    """Return the revision at which the database stands, "" for an empty one."""
    engine = _engine(dsn)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_current)
    finally:
        await engine.dispose()


def head() -> str:
    """Return the newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _engine(dsn: str) -> AsyncEngine:
    # The creator takes the DSN as it is: SQLAlchemy's own URL form has no place for some of libpq's options.
    return create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(dsn, timeout=30)
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("gateway.store.postgres") / "migrations"))
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""
