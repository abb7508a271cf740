"""The attacked world: built once a process, copied for each module."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.attacks.world import Built, World, build, opened
from tests.databases import created


@pytest.fixture(scope="session")
def built(pg_dsn: str, pg_template: str, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Give the world at rest."""
    made = asyncio.run(created(pg_dsn, "attacks", pg_template))
    return asyncio.run(build(made, tmp_path_factory.mktemp("attacks") / "home"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(built: Built, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Give a running copy of the world for the tests of one module."""
    async with opened(built, Path(tmp_path_factory.mktemp("world")) / "home") as running:
        yield running
