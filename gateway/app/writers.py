"""Give each process an audit chain of its own: a writer's name that nobody else of the installation uses now.

The name is held by a session lock of the database, so that it is free again when the process dies, however it dies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from gateway.fhir.problem import Problem

MAX_WRITERS = 64
"""Processes of one name at a time (design default; one a core, and some hosts)."""
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('yiyang audit writer ' || $1, 0))"


@asynccontextmanager
async def claim_writer(dsn: str, name: str) -> AsyncIterator[str]:
    """Give the first free of ``name``, ``name-2``, ``name-3``... for the block. Raises Problem("STO-503")."""
    try:
        connection = await asyncpg.connect(dsn, timeout=30)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        raise Problem("STO-503") from None
    try:
        yield await _first_free(connection, name)
    finally:
        await connection.close()


async def _first_free(connection: asyncpg.Connection[asyncpg.Record], name: str) -> str:
    for number in range(1, MAX_WRITERS + 1):
        candidate = name if number == 1 else f"{name}-{number}"
        if await connection.fetchval(_LOCK, candidate):
            return candidate
    raise Problem("STO-503")
