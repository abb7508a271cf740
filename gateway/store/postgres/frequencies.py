"""How many rows carry a key, as PostgreSQL's own analyze has counted: it tells whether an index of keys pays.

A plan is made once for every value (see `pool`), so PostgreSQL itself would take each key for a rare one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.store.postgres.kinds import PARTITIONS
from gateway.store.postgres.pool import HeldPool

REFRESH_S: Final = 600
"""Frequencies move slowly; one small question every ten minutes (design default)."""
_NONE: Final[Mapping[int, float]] = MappingProxyType({})
_STATISTICS = """
SELECT tablename, most_common_elems::text::bigint[] AS keys, most_common_elem_freqs AS shares FROM pg_stats
WHERE schemaname = current_schema() AND attname = 'keys' AND tablename = ANY($1::text[])"""


class Frequencies:
    """The share of rows that carry each common key, by partition."""

    def __init__(self, pool: HeldPool) -> None:
        """Ask ``pool`` when first needed."""
        self._pool = pool
        self._shares: dict[str, Mapping[int, float]] = {}
        self._until = 0.0

    async def of(self, table: str) -> Mapping[int, float]:
        """Return the shares (0..1) of the common keys in ``table``; a key that is not there is rare."""
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            found = await self._pool.fetch_held(_STATISTICS, PARTITIONS)
            self._until = now + REFRESH_S
            # Three more numbers stand behind the shares: least, greatest, share of NULL.
            self._shares = {
                row["tablename"]: dict(zip(row["keys"], row["shares"], strict=False)) for row in found if row["keys"]
            }
        return self._shares.get(table, _NONE)
