"""The attacked world: built once a process, copied for each module."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tests.attacks.world import Built, World, build, opened
from tests.conftest import with_database


@pytest.fixture(scope="session")
def built(pg_dsn: str, pg_template: str, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Give the world at rest."""
    name = f"attacks_{secrets.token_hex(6)}"
    asyncio.run(_create(pg_dsn, f"CREATE DATABASE {name} TEMPLATE {pg_template} STRATEGY FILE_COPY"))
    return asyncio.run(build(with_database(pg_dsn, name), tmp_path_factory.mktemp("attacks") / "home"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(built: Built, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Give a running copy of the world for the tests of one module."""
    async with opened(built, Path(tmp_path_factory.mktemp("world")) / "home") as running:
        yield running


async def _create(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
