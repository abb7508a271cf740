"""The terminology of the program in the database, whenever the schema is made or upgraded."""

from __future__ import annotations

from gateway.config import data_root
from gateway.store.postgres.pool import open_pool
from gateway.terminology import Terminology, shipped


async def load_shipped(dsn: str) -> bool:
    """Load what comes with this program into the migrated database ``dsn``; tell whether it was not there yet."""
    pool = await open_pool(dsn, size=1)
    try:
        return await Terminology(pool).load_shipped(shipped(data_root("profiles")))
    finally:
        await pool.close()
