"""Bring a database to the newest schema, or tell where it stands.

In: a libpq DSN. Out: a migrated database. Online only, one transaction for everything, one migration at a time
(other starters wait). Revisions live in `migrations/versions`: 0001 the store, 0002 security, 0003 audit,
0004 workers, 0005 keeping, 0006 the floor, 0007 full pages, 0008 numbers, 0009 terminology. Alembic and
SQLAlchemy are imported by `upgrade` and `downgrade` alone: every start asks where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

import asyncpg

from gateway.fhir.problem import Problem

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

# Any number will do that nothing else in the database locks: "yiyang" as digits of a phone.
_LOCK = 949264
_CONNECT_S = 30
OLDEST = "0003"
"""Before it are the records and the audit trail themselves: there is no way back but a restored backup."""


async def upgrade(dsn: str) -> None:
    """Apply every revision that ``dsn`` lacks, all or nothing; a second caller waits and finds nothing to do."""
    await _locked(dsn, _upgrade)


async def downgrade(dsn: str, revision: str) -> None:
    """Take back every revision after ``revision``, all or nothing; OLDEST is the farthest back.

    What is taken back are tables and columns of the program's own bookkeeping. Raises ValueError for one before OLDEST
    or after the head: records and entries are never dropped by a migration.
    """
    if not OLDEST <= revision <= head():
        raise ValueError(revision)
    await _locked(dsn, lambda connection: _downgrade(connection, revision))


async def _locked(dsn: str, work: Callable[[Connection], None]) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    # The creator takes the DSN as it is: SQLAlchemy's own URL form has no place for some of libpq's options.
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(dsn, timeout=_CONNECT_S)
    )
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            await connection.run_sync(work)
    finally:
        await engine.dispose()


async def current(dsn: str) -> str:
    """Return the revision at which the database stands, "" for an empty one."""
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_S)
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return ""
        return await connection.fetchval("SELECT version_num FROM alembic_version") or ""
    finally:
        await connection.close()


async def demand_fit(dsn: str) -> str:
    """Return the database's revision when this code may work with it. Raises Problem("CFG-003").

    That is its own, or a newer one which says that code of this revision still may (`schema_floor`, 0006).
    """
    found, wanted = await current(dsn), head()
    if found == wanted or (found > wanted and "" < await floor(dsn) <= wanted):
        return found
    raise Problem("CFG-003", found=found or "-", wanted=wanted)


async def floor(dsn: str) -> str:
    """Return the oldest revision whose code may work with the database, "" where it does not say."""
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_S)
    try:
        if await connection.fetchval("SELECT to_regclass('schema_floor')") is None:
            return ""
        return await connection.fetchval("SELECT revision FROM schema_floor") or ""
    finally:
        await connection.close()


def head() -> str:
    """Return the newest revision that this code knows: they are one line, and their files begin with the number."""
    names = (entry.name for entry in (_folder() / "versions").iterdir())
    return max(name[:4] for name in names if re.fullmatch(r"\d{4}_\w+\.py", name))


def _folder() -> Traversable:
    return resources.files("gateway.store.postgres") / "migrations"


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(_config(connection), "head")


def _downgrade(connection: Connection, revision: str) -> None:
    from alembic import command

    command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder()))
    config.attributes["connection"] = connection
    return config
