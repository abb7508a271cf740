"""Stores to test, made by name: a second kind of store joins `STORES` and passes the same suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest

from gateway.store.postgres.inbox import PostgresInbox
from gateway.store.postgres.pool import HeldPool, open_pool
from gateway.store.postgres.store import PostgresStore
from gateway.store.protocol import FhirStore, Sealer
from security.crypto import Keys
from tests.databases import standing_database
from tests.gateway.store.making import Clock

TABLES = ("res", "hist", "ident", "dat", "num", "idmap", "inbox", "audit_pending", "feed_cursor")
_EMPTY = "; ".join(f"DELETE FROM {table}" for table in TABLES)  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True)
class PostgresWorld:
    """The PostgreSQL store, empty, with what stands around it."""

    dsn: str
    pool: HeldPool
    keys: Keys
    clock: Clock
    store: PostgresStore
    inbox: PostgresInbox

    def store_with(self, sealer: Sealer) -> PostgresStore:
        """Return a store on the same database with another sealer."""
        return PostgresStore(self.pool, sealer, now=self.clock)


@asynccontextmanager
async def postgres_store(world: PostgresWorld) -> AsyncIterator[FhirStore]:
    yield world.store


STORES: dict[str, Callable[[PostgresWorld], AbstractAsyncContextManager[FhirStore]]] = {"postgres": postgres_store}


@pytest.fixture(scope="session")
def shared_database(pg_dsn: str, pg_template: str) -> Iterator[str]:
    """Give a database for many tests: to make one takes longer than most of them."""
    with standing_database(pg_dsn, "store", pg_template) as made:
        yield made


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture
async def world(shared_database: str, keys: Keys) -> AsyncIterator[PostgresWorld]:
    pool = await open_pool(shared_database, size=8)
    clock = Clock()
    try:
        await pool.execute(_EMPTY)
        stores = PostgresStore(pool, keys, now=clock), PostgresInbox(pool, keys, now=clock)
        yield PostgresWorld(shared_database, pool, keys, clock, *stores)
    finally:
        await pool.close()


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, world: PostgresWorld) -> AsyncIterator[FhirStore]:
    """Give an empty store of each kind."""
    async with STORES[request.param](world) as made:
        yield made


@pytest.fixture
def inbox(world: PostgresWorld) -> PostgresInbox:
    return world.inbox


@pytest.fixture
async def connection(world: PostgresWorld) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Give a connection beside the store: somebody else in the database."""
    made = await asyncpg.connect(world.dsn)
    try:
        yield made
    finally:
        await made.close()
