"""Terminology on a database of its own, with what comes with the program."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.config import data_root
from gateway.store.postgres.pool import HeldPool, open_pool
from gateway.terminology import Terminology, shipped


@pytest.fixture
async def pool(database: str) -> AsyncIterator[HeldPool]:
    made = await open_pool(database, size=4)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def terms(pool: HeldPool) -> Terminology:
    made = Terminology(pool)
    await made.load_shipped(shipped(data_root("profiles")))
    return made


@pytest.fixture
def folder() -> Path:
    return data_root("profiles")
