"""A journal on a real database, with a clock that stands and an anchor file."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from security.audit import Journal, Limits
from security.audit.writer import Pool
from security.caller import Caller, Role, Tier
from security.crypto import Keys

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CALLER = Caller(
    client="station-carer",
    role=Role.STATION_CARER,
    organisation="52410102MJ0000003J",
    tier=Tier.STATION,
    purpose="CAREMGT",
    token="0c5e0c1a-5b1c-4a53-8d6e-0d4d6a3b9f10",
    request="6a0c5a34-31a7-4a0e-9d0c-5f4f2d1c7b21",
    address="10.1.2.3",
)
Make = Callable[..., Journal]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(database, min_size=1, max_size=8) as pool:
        if await pool.fetchval("SELECT to_regclass('audit.event')") is None:
            await _migrate(pool)
        yield pool


async def _migrate(pool: Pool) -> None:
    path = Path(__file__).parents[3] / "gateway/store/postgres/migrations/versions/0003_audit.py"
    spec = importlib.util.spec_from_file_location("audit_migration", path)
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    await pool.execute("CREATE TABLE IF NOT EXISTS audit_pending (id uuid PRIMARY KEY, ts timestamptz, entry bytea)")
    for statement in migration.STATEMENTS:
        await pool.execute(statement)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.create(tmp_path / "keys.json")


@pytest.fixture
def anchor_path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.jsonl"


@pytest.fixture
def make(pool: Pool, keys: Keys, anchor_path: Path) -> Make:
    def make(writer_id: str = "w1", **limits: float) -> Journal:
        chosen = Limits(**limits)  # type: ignore[arg-type]
        return Journal(pool, keys, now=lambda: NOON, writer_id=writer_id, anchor_path=anchor_path, limits=chosen)

    return make


@pytest.fixture
async def journal(make: Make) -> AsyncIterator[Journal]:
    journal = make()
    await journal.start()
    yield journal
    await journal.stop()
