"""Open what every word of the command line and every door stands on: database, keys, registry, journal, store.

In: settings. Out: `Rooms`, open until the block ends, closed in the reverse order. Refuses an installation that was
never initialised (CFG-002) or whose database is older or newer than the code (STO-503 from the pool, CFG-003).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.app import terms
from gateway.app.database import open_database
from gateway.config import Settings
from gateway.fhir.problem import Problem
from gateway.store.postgres import migrate
from gateway.store.postgres.inbox import PostgresInbox
from gateway.store.postgres.pool import HeldPool, open_pool
from gateway.store.postgres.presence import Claim, Presence
from gateway.store.postgres.store import PostgresStore
from security.audit import Journal
from security.audit.journal import Committed
from security.crypto import Keys
from security.oauth import TokenKeys
from security.state import Registry

Clock = Callable[[], datetime]
POOL_SIZE = 16
"""Connections of one process: hot reads hold some, commits and the journal take the others (design default)."""
RETRY_S = 0.2
PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Rooms:
    """The open rooms of one process. ``database_pid`` is the embedded server's, 0 for another one."""

    settings: Settings
    dsn: str
    database_pid: int
    pool: HeldPool
    keys: Keys
    registry: Registry
    journal: Journal
    store: PostgresStore
    inbox: PostgresInbox
    presence: Presence
    now: Clock


def utc_now() -> datetime:
    """Return the time: the one clock of the process, handed to every room."""
    return datetime.now(UTC)  # noqa: TID251 - here it is made


@asynccontextmanager
async def open_rooms(
    settings: Settings, *, writer: str = "cli", now: Clock = utc_now, committed: Committed | None = None
) -> AsyncIterator[Rooms]:
    """Open everything for the block. ``writer`` names the audit chain; several processes of one name take turns.
    ``committed`` is told of every commit of the journal.

    Raises Problem CFG-002 (not initialised), CFG-003 (database of another version), SEC-9nn (keys), STO-503.
    """
    if not settings.key_file.exists():
        raise Problem("CFG-002")
    keys = Keys.load(settings.key_file)
    async with AsyncExitStack() as stack:
        dsn, pid = await stack.enter_async_context(open_database(settings))
        pool = await open_pool(dsn, size=POOL_SIZE)
        stack.push_async_callback(pool.close)
        await migrate.demand_fit(dsn)
        registry = Registry(pool, now=now)
        await registry.start()
        stack.push_async_callback(registry.close)
        presence = Presence(dsn)
        await presence.start()
        stack.push_async_callback(presence.stop)
        claim = await presence.claim_writer(writer)
        journal = Journal(
            pool,
            keys,
            now=now,
            writer_id=claim.name,
            anchor_path=settings.anchor_file,
            claim=claim.number,
            renew=lambda: _claimed(presence, writer),
            committed=committed,
        )
        await journal.start()
        stack.push_async_callback(journal.stop)
        store = PostgresStore(pool, keys, now=now)
        inbox = PostgresInbox(pool, keys, now=now, seat=presence.seat)
        yield Rooms(settings, dsn, pid, pool, keys, registry, journal, store, inbox, presence, now)


async def _claimed(presence: Presence, writer: str) -> Claim:
    """Return the claim of a free name, however often the database has to be asked."""
    while True:
        try:
            return await presence.claim_writer(writer)
        except Problem:
            await asyncio.sleep(RETRY_S)


async def install(settings: Settings) -> bool:
    """Make what a new installation needs: folders, keys, the migrated database. Return whether anything was new.

    What exists is left as it is; a half-made installation is completed. Raises what keys and database raise.
    """
    new = _make_keys(settings)
    async with open_database(settings) as (dsn, _):
        before = await migrate.current(dsn)
        await migrate.upgrade(dsn)
        loaded = await terms.load_shipped(dsn)
        return new or loaded or before != await migrate.current(dsn)


def _make_keys(settings: Settings) -> bool:
    for folder in (settings.home, settings.key_file.parent, settings.client_keys, settings.anchor_file.parent):
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    made = False
    makers: tuple[tuple[Path, Callable[[Path], object]], ...] = (
        (settings.key_file, Keys.create),
        (settings.token_key_file, TokenKeys.create),
    )
    for path, make in makers:
        if not path.exists():
            make(path)
            made = True
    return made
