"""Two gateways on one database, in one process: everything of theirs is their own but the database and the keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio

from gateway.app import open_app
from tests.databases import database_of
from tests.flows.town import URL, Town, open_town

WITHIN_S = 8.0
"""Far beyond the second that is promised: what is told below the run is how long it took, what fails is never."""


class Pair(NamedTuple):
    """Gateway ``a`` and gateway ``b``; the same parties know both."""

    a: Town
    b: Town


@asynccontextmanager
async def another(town: Town) -> AsyncIterator[Town]:
    """Give one more gateway on the database of ``town``, opened now."""
    settings = replace(town.app.rooms.settings, mllp_port=0)
    async with open_app(settings, now=town.clock) as app:
        transport = httpx.ASGITransport(app=app.asgi, raise_app_exceptions=False, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
            yield Town(app, http, town.keys, town.clock)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing(pg_dsn: str, pg_template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Give two gateways to many tests, none of which may change what another looks at."""
    async with (
        database_of(pg_dsn, "workers", pg_template) as made,
        open_town(made, tmp_path_factory.mktemp("standing")) as a,
        another(a) as b,
    ):
        yield Pair(a, b)


@pytest.fixture
async def pair(database: str, tmp_path: Path) -> AsyncIterator[Pair]:
    async with open_town(database, tmp_path / "home") as a, another(a) as b:
        yield Pair(a, b)


async def until(what: Callable[[], Awaitable[object]]) -> float:
    """Ask until ``what`` holds; return the seconds it took, fail when it never does."""
    began = time.monotonic()
    while not await what():
        assert time.monotonic() - began < WITHIN_S, "it did not come"
        await asyncio.sleep(0.02)
    return time.monotonic() - began
