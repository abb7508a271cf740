"""Let PostgreSQL look at tables that fill quickly, before its own upkeep does.

Statements are planned once. Planned while a table is empty, a look-up by id may walk an index that only has the kind,
and so takes as long as there are rows, until somebody analyzes the table; autovacuum needs a minute and more to notice.
Source: storage.md section 3.4; docs/decisions/0078-a-young-store-is-analyzed.md.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import asyncpg

from gateway.store.postgres.kinds import PARTITIONS
from gateway.store.postgres.pool import GONE, HeldPool

log = logging.getLogger("yiyang.store")
FIRST: Final = 300
"""Rows written by this process before the first look; each further one after ten times as many (design default)."""
TIMES: Final = 10
LAST: Final = 30_000
"""From here on autovacuum keeps up (design default)."""
# A user who may not is told so by a warning of PostgreSQL's, and nothing is lost but time.
_ANALYZE: Final = f"ANALYZE {', '.join((*PARTITIONS, 'ident', 'idmap', 'inbox'))}"


class Statistics:
    """Count what this process writes, and analyze now and then, in the background."""

    def __init__(self, pool: HeldPool) -> None:
        """Work on ``pool``."""
        self._pool = pool
        self._written = 0
        self._due = FIRST
        self._task: asyncio.Task[None] | None = None

    def wrote(self, rows: int) -> None:
        """Say that ``rows`` were written; costs nothing, waits for nothing."""
        self._written += rows
        if self._written < self._due or self._due > LAST or (self._task is not None and not self._task.done()):
            return
        self._due *= TIMES
        self._task = asyncio.create_task(self._analyze(), name="analyze")

    async def _analyze(self) -> None:
        try:
            await self._pool.execute(_ANALYZE)
        except (*GONE, asyncpg.PostgresError) as error:
            log.info("store.not_analyzed", extra={"error": type(error).__name__})
