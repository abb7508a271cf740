"""Databases that tests make for themselves, empty or as a copy of another; each is gone after its use."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg


async def execute(dsn: str, *statements: str) -> None:
    """Run ``statements`` one after the other, each by itself, on a connection of their own."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def created(dsn: str, prefix: str, template: str = "") -> str:
    """Make a database beside that of ``dsn``, empty or a copy of ``template``; return its DSN."""
    name = f"{prefix}_{secrets.token_hex(8)}"
    copied = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
    await execute(dsn, f"CREATE DATABASE {name}{copied}")
    return with_database(dsn, name)


async def dropped(dsn: str, made: str) -> None:
    """Drop the database of the DSN ``made``, whoever is still connected to it."""
    await execute(dsn, f"DROP DATABASE {name_of(made)} WITH (FORCE)")


@asynccontextmanager
async def database_of(dsn: str, prefix: str, template: str = "") -> AsyncIterator[str]:
    """Give the DSN of a database as `created` makes it."""
    made = await created(dsn, prefix, template)
    try:
        yield made
    finally:
        await dropped(dsn, made)


@contextmanager
def standing_database(dsn: str, prefix: str, template: str = "") -> Iterator[str]:
    """Do what `database_of` does where no loop is running."""
    made = asyncio.run(created(dsn, prefix, template))
    try:
        yield made
    finally:
        asyncio.run(dropped(dsn, made))


def name_of(dsn: str) -> str:
    """Return the name of the database of ``dsn``."""
    return urlsplit(dsn).path.lstrip("/")


def with_database(dsn: str, name: str) -> str:
    """Return ``dsn`` pointing at the database ``name``."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
