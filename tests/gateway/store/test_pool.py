"""The pool when its connections die under it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from gateway.store.postgres.pool import HeldPool, open_pool

SIZE = 4
BROKEN = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError)
"""What the driver may say of a connection that the server ended: it depends on when it hears of it."""
WITHIN_S = 10.0


async def _broken_while_held(pool: HeldPool, killer: asyncpg.Connection[asyncpg.Record]) -> None:
    """Work with a connection that the server ends meanwhile."""
    async with pool.held() as held:
        pid = await held.connection.fetchval("SELECT pg_backend_pid()")
        await killer.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        await held.connection.fetchval("SELECT 1")


async def test_connections_that_broke_while_held_do_not_use_up_the_pool(database: str) -> None:
    pool, killer = await open_pool(database, size=SIZE), await asyncpg.connect(database)

    for _ in range(SIZE * 2):
        with pytest.raises(BROKEN):
            await _broken_while_held(pool, killer)
    async with asyncio.timeout(WITHIN_S):
        rows = await asyncio.gather(*(pool.fetch_held("SELECT 1 AS one") for _ in range(SIZE * 2)))

    assert [row["one"] for (row,) in rows] == [1] * SIZE * 2
    await killer.close()
    await pool.close()


async def test_connections_that_broke_while_free_do_not_use_up_the_pool(database: str) -> None:
    pool, killer = await open_pool(database, size=SIZE), await asyncpg.connect(database)
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'yiyang'"

    for _ in range(SIZE * 2):
        await asyncio.gather(*(pool.fetch_held("SELECT pg_sleep(0.01)") for _ in range(SIZE)))
        await killer.execute(f"{others} AND datname = current_database()")
    async with asyncio.timeout(WITHIN_S):
        rows = await pool.fetch_held("SELECT 1 AS one")

    assert rows[0]["one"] == 1
    await killer.close()
    await pool.close()
