"""The journal's search as the hub asks it."""

from __future__ import annotations

from gateway.store.postgres.pool import HeldPool
from security.audit import Filter, Page, find
from security.crypto import Keys


class Trail:
    """Find entries again."""

    def __init__(self, pool: HeldPool, keys: Keys) -> None:
        """Hold the pool and what opens entries."""
        self._pool = pool
        self._keys = keys

    async def find(self, ask: Filter, *, limit: int, cursor: str = "") -> Page:
        """Return a page of the entries that answer ``ask``, newest first."""
        return await find(self._pool, self._keys, ask, limit=limit, cursor=cursor)
