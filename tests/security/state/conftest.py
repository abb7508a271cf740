"""A registry on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from security.state import Registry
from tests.databases import standing_database
from tests.security.state.world import Clock, open_pool, settle


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def registry_database(pg_dsn: str, pg_template: str) -> Iterator[str]:
    with standing_database(pg_dsn, "registry", pg_template) as dsn:
        yield dsn


@pytest.fixture
async def pool(registry_database: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    async with open_pool(registry_database) as pool:
        yield pool


@pytest.fixture
async def empty(pool: asyncpg.Pool[asyncpg.Record], clock: Clock) -> Registry:
    registry = Registry(pool, now=clock)
    await registry.refresh()
    return registry


@pytest.fixture
async def registry(empty: Registry) -> Registry:
    await settle(empty)
    return empty
