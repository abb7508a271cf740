"""A database that has gone away: whoever asks is told STO-503, and what only helps is left for later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.fhir.problem import Problem
from gateway.store.postgres import processes, statistics
from gateway.store.postgres.embedded import EmbeddedServer
from gateway.store.postgres.inbox import PostgresInbox
from gateway.store.postgres.pool import HeldPool, open_pool
from gateway.store.postgres.presence import Presence
from gateway.store.postgres.processes import Process
from gateway.store.postgres.statistics import Statistics
from gateway.store.postgres.store import PostgresStore
from gateway.store.protocol import Batch
from security.crypto import Keys
from tests.gateway.store.making import Clock, current, patient, write
from tests.gateway.store.test_inbox import arrival


@dataclass(frozen=True)
class Gone:
    """What stands on a database that has been shut down."""

    dsn: str
    pool: HeldPool
    store: PostgresStore
    inbox: PostgresInbox


@pytest.fixture
async def gone(tmp_path: Path, keys: Keys) -> AsyncIterator[Gone]:
    server = await asyncio.to_thread(EmbeddedServer.start, tmp_path / "pg")
    pool = await open_pool(server.dsn, size=4)
    await pool.fetch_held("SELECT 1")
    await asyncio.to_thread(server.stop)
    clock = Clock()
    yield Gone(server.dsn, pool, PostgresStore(pool, keys, now=clock), PostgresInbox(pool, keys, now=clock))
    pool.terminate()


ASKED: dict[str, Callable[[Gone], Awaitable[object]]] = {
    "a read": lambda gone: current(gone.store, "Patient", "p"),
    "a commit": lambda gone: gone.store.commit(Batch((write(patient()),))),
    "keeping a message": lambda gone: gone.inbox.put(arrival(), state="received", reply=b"AA", reason=""),
    "claiming messages": lambda gone: gone.inbox.claim(1),
    "finding messages": lambda gone: gone.inbox.find("his", "m1"),
    "whether any is on its way": lambda gone: gone.inbox.is_open(7),
    "a page of messages": lambda gone: gone.inbox.page(state="", limit=1, cursor=""),
    "settling a message": lambda gone: gone.inbox.settle(arrival(), state="parked", reason=""),
    "joining": lambda gone: processes.join(gone.pool, Process(1, "w", "h", 2, "c", "p", "m")),
    "who else lives": lambda gone: processes.living(gone.pool),
    "opening a pool": lambda gone: open_pool(gone.dsn),
    "taking a seat": lambda gone: Presence(gone.dsn).start(),
    "claiming a writer's name": lambda gone: Presence(gone.dsn).claim_writer("gateway"),
}


async def test_whoever_asks_is_told_that_it_is_away(gone: Gone) -> None:
    assert {name: await _told(ask(gone)) for name, ask in ASKED.items()} == dict.fromkeys(ASKED, "STO-503")


async def test_what_only_helps_is_left_for_later(gone: Gone, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    kept = Statistics(gone.pool)

    kept.wrote(statistics.FIRST)
    assert kept._task is not None
    await kept._task

    assert [record.message for record in caplog.records if record.name == "yiyang.store"] == ["store.not_analyzed"]
    assert not await Presence(gone.dsn).hold("workflow")


async def _told(asked: Awaitable[object]) -> str:
    try:
        await asked
    except Problem as problem:
        return problem.code
    return "nothing"
