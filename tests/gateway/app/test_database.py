"""The embedded database of a process: when it is killed it is started anew, under the address that everybody has."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import time
from pathlib import Path

import asyncpg
import pytest

from gateway.app.database import Kept, open_database
from gateway.config import Settings
from gateway.store.postgres.embedded import EmbeddedServer

WITHIN_S = 60.0


async def _answers(dsn: str) -> None:
    until = time.monotonic() + WITHIN_S
    while True:
        try:
            connection = await asyncpg.connect(dsn)
        except (OSError, asyncpg.PostgresError):
            assert time.monotonic() < until, "it did not come back"
            await asyncio.sleep(0.05)
        else:
            await connection.close()
            return


@pytest.mark.parametrize("deep", ["", "d" * 90], ids=["beside-the-data", "in-the-temp-folder"])
async def test_a_killed_server_is_back_at_the_same_address(tmp_path: Path, deep: str) -> None:
    settings = Settings(home=tmp_path / deep / "home")
    async with open_database(settings) as (dsn, pid):
        await _answers(dsn)

        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0)
        await _answers(dsn)


async def test_a_server_that_cannot_start_is_tried_until_it_can_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    server = EmbeddedServer.start(tmp_path / "pg")
    kept = Kept(server)
    version, hidden = tmp_path / "pg" / "PG_VERSION", tmp_path / "PG_VERSION.hidden"
    watch = asyncio.create_task(kept.watch())
    try:
        shutil.copy(version, hidden)
        version.write_text("1")  # no server of this version is here
        os.kill(server.pid, signal.SIGKILL)
        async with asyncio.timeout(WITHIN_S):
            while "database.away" not in caplog.messages:  # noqa: ASYNC110 - it shows there alone
                await asyncio.sleep(0.05)
        version.write_bytes(hidden.read_bytes())

        await _answers(server.dsn)
    finally:
        watch.cancel()
        await asyncio.wait((watch,))
        kept.server.stop()
