"""A migration adds columns under a running program: what it had prepared goes on, at the latest at the second try."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from gateway.store.postgres.inbox import PostgresInbox
from gateway.store.postgres.pool import GONE, HeldPool, open_pool
from gateway.store.postgres.store import PostgresStore
from security.crypto import Keys
from tests.gateway.store.making import Clock, patient, put
from tests.gateway.store.test_inbox import received


@pytest.fixture
async def pool(database: str) -> AsyncIterator[HeldPool]:
    opened = await open_pool(database, size=2)
    yield opened
    await opened.close()


async def _grow(database: str) -> None:
    """Add a column to every table that holds rows of ours."""
    connection = await asyncpg.connect(database)
    for table in ("inbox", "res", "hist", "ident", "dat", "num", "audit.head", "audit.checkpoint", "audit_pending"):
        await connection.execute(f"ALTER TABLE {table} ADD COLUMN grown int")
    await connection.close()


async def test_messages_are_claimed_settled_and_found_as_before(database: str, pool: HeldPool, tmp_path: Path) -> None:
    inbox = PostgresInbox(pool, Keys.create(tmp_path / "keys.json"), now=Clock())
    for _ in range(4):  # both connections have prepared everything
        await inbox.claim(1)
        await inbox.find("his", "M1")
    await _grow(database)

    await received(inbox, "M1")
    (row,) = await inbox.claim(1)
    await inbox.settle(row.arrival, state="parked", reason="MAP-040")

    assert [found.state for found in await inbox.find("his", "M1")] == ["parked"]


async def test_resources_are_written_read_and_followed_as_before(database: str, pool: HeldPool, tmp_path: Path) -> None:
    store = PostgresStore(pool, Keys.create(tmp_path / "keys.json"), now=Clock())
    await put(store, patient("before"))
    for _ in range(4):
        await store.read("Patient", "before")
        await store.changes("", limit=10)
    await _grow(database)

    await put(store, patient("after"))

    assert (await store.read("Patient", "after")) is not None
    assert (await store.read("Patient", "before")) is not None
    assert [row.id for row in (await store.changes("", limit=10)).rows] == ["before", "after"]


async def test_a_statement_whose_result_changes_is_asked_anew(database: str, pool: HeldPool) -> None:
    for _ in range(4):
        await pool.fetch_held("SELECT * FROM inbox")
    await _grow(database)

    assert await pool.fetch_held("SELECT * FROM inbox") == []


async def test_where_it_cannot_be_asked_anew_it_is_told_as_what_passes_by_itself(database: str, pool: HeldPool) -> None:
    async with pool.acquire() as connection:
        await connection.fetch("SELECT * FROM inbox")
        await _grow(database)
        with pytest.raises(GONE):
            async with connection.transaction():
                await connection.fetch("SELECT * FROM inbox")

        assert await connection.fetch("SELECT * FROM inbox") == []
