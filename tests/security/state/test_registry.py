"""Several processes, one registry: changes are seen within a second, an assertion is spent once, silence shuts out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from gateway.fhir.problem import Problem
from security.state import Registry
from security.state.registry import STALE_AFTER_S
from tests.security.state.world import Clock


@pytest.fixture
async def second(registry: Registry, pool: asyncpg.Pool[asyncpg.Record], clock: Clock) -> AsyncIterator[Registry]:
    other = Registry(pool, now=clock)
    await other.start()
    yield other
    await other.close()


async def test_another_process_sees_a_change_within_a_second(registry: Registry, second: Registry) -> None:
    assert second.snapshot().client("centre-doctor") is not None
    change = await registry.disable_client("centre-doctor")
    known = await asyncio.wait_for(second.seen(change.version), 1)
    assert known.client("centre-doctor") is None


async def test_a_change_made_by_hand_in_sql_is_seen_too(second: Registry, pool: asyncpg.Pool[asyncpg.Record]) -> None:
    before = second.snapshot().version
    await pool.execute("UPDATE security.client SET disabled = now() WHERE client_id = 'centre-doctor'")
    known = await asyncio.wait_for(second.seen(before + 1), 1)
    assert known.client("centre-doctor") is None


async def test_a_revoked_token_is_seen_by_another_process(registry: Registry, second: Registry, clock: Clock) -> None:
    await registry.revoke("t-1", clock() + timedelta(minutes=5))
    known = await asyncio.wait_for(second.seen(registry.snapshot().version), 1)
    assert known.revoked == {"t-1"}


async def test_a_snapshot_once_taken_never_changes(registry: Registry) -> None:
    held = registry.snapshot()
    await registry.disable_client("centre-doctor")
    assert held.client("centre-doctor") is not None


async def test_a_look_without_change_keeps_the_snapshot(registry: Registry) -> None:
    held = registry.snapshot()
    await registry.refresh()
    assert registry.snapshot() is held


async def test_an_assertion_is_spent_once_among_two_processes(
    registry: Registry, second: Registry, clock: Clock
) -> None:
    end = clock() + timedelta(minutes=5)
    outcomes = await asyncio.gather(*(each.spend("centre-doctor", "j-1", end) for each in (registry, second) * 5))
    assert sorted(outcomes) == [False] * 9 + [True]


async def test_a_jti_of_any_length_and_text_is_remembered(registry: Registry, clock: Clock) -> None:
    for jti in ("j" * 255, "中文\x00'; --"):
        assert await registry.spend("centre-doctor", jti, clock())
        assert not await registry.spend("centre-doctor", jti, clock())


async def test_what_is_spent_outlives_the_assertion(
    registry: Registry, pool: asyncpg.Pool[asyncpg.Record], clock: Clock
) -> None:
    end = clock() + timedelta(minutes=5)
    await registry.spend("centre-doctor", "j-1", end)
    assert await pool.fetchval("SELECT expires FROM security.used_jti") > end


async def test_what_expired_long_ago_is_removed_by_a_running_process(
    registry: Registry, pool: asyncpg.Pool[asyncpg.Record], clock: Clock
) -> None:
    await registry.spend("centre-doctor", "old", clock() - timedelta(hours=1))
    await registry.spend("centre-doctor", "young", clock() + timedelta(minutes=5))
    other = Registry(pool, now=clock, poll_s=0.01)
    await other.start()
    try:
        async with asyncio.timeout(2):
            while await pool.fetchval("SELECT count(*) FROM security.used_jti") > 1:  # noqa: ASYNC110 - it shows there alone
                await asyncio.sleep(0.01)
    finally:
        await other.close()
    assert not await registry.spend("centre-doctor", "young", clock())


async def test_use_is_noted_without_a_new_version(registry: Registry, clock: Clock) -> None:
    before = registry.snapshot().version
    await registry.spend("centre-doctor", "j-1", clock())
    await registry.refresh()
    assert registry.snapshot().version == before
    assert (await registry.get_client("centre-doctor")).last_used == clock()


async def test_a_replay_is_no_use(registry: Registry, clock: Clock) -> None:
    start = clock()
    await registry.spend("centre-doctor", "j-1", start)
    clock.forward(120)
    await registry.spend("centre-doctor", "j-1", start)
    assert (await registry.get_client("centre-doctor")).last_used == start


async def test_a_registry_never_loaded_lets_nobody_in(pool: asyncpg.Pool[asyncpg.Record], clock: Clock) -> None:
    with pytest.raises(Problem) as caught:
        Registry(pool, now=clock).snapshot()
    assert caught.value.code == "SEC-119"


async def test_a_snapshot_not_confirmed_for_long_lets_nobody_in(
    pool: asyncpg.Pool[asyncpg.Record], clock: Clock
) -> None:
    passed = 0.0
    registry = Registry(pool, now=clock, elapsed=lambda: passed)
    await registry.refresh()
    passed = STALE_AFTER_S
    assert registry.snapshot().version
    passed += 0.1
    clock.forward(-3600)  # a clock that is set back changes nothing
    with pytest.raises(Problem) as caught:
        registry.snapshot()
    assert caught.value.code == "SEC-119"


async def test_a_database_that_is_gone_is_said_so_and_nothing_is_spent(
    registry: Registry, pool: asyncpg.Pool[asyncpg.Record], clock: Clock
) -> None:
    await pool.close()
    with pytest.raises(Problem) as caught:
        await registry.spend("centre-doctor", "j-1", clock())
    assert caught.value.code == "SEC-119"
