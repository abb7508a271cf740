"""The journal as the store's verification hears it: what was written, what arrived."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.store import accounts
from gateway.store.accounts import Told
from gateway.store.postgres import fsck
from gateway.store.postgres.fsck.check import Progress
from gateway.store.postgres.pool import HeldPool
from security.audit.record import mask
from security.audit.told import Line, told
from security.crypto import Keys

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def verify_store(pool: HeldPool, keys: Keys, *, progress: Progress | None = None) -> fsck.Report:
    """Hold the whole store against itself, its seals and the journal; writes nothing."""

    async def tell(connection: Any) -> AsyncIterator[Told]:
        async for line in told(connection, keys):
            yield _told(line)

    return await fsck.verify(pool, keys, tell, said=mask, progress=progress)


def _told(line: Line) -> Told:
    entry = line.entry
    # The pipeline's own entry tells that a message is stored; the door's, that it came and was kept.
    arrived = entry.digest and entry.action == "ingest" and not entry.wrote
    word = accounts.message(bytes.fromhex(entry.digest)) if arrived else ""
    return Told(line.place, _EPOCH + timedelta(microseconds=entry.at), entry.wrote, word)
