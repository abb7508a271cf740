"""What the gate knows stays true whoever commits: the second hub here is another process on the same database."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from gateway.fhir.problem import Problem
from gateway.hub import Hub
from gateway.hub.learning import STALE_AFTER_S
from gateway.store.protocol import Batch, Stored, Write
from tests.harness import HOSPITAL, World, consent

PLAN = ("CarePlan", "elder-plan")


@pytest.fixture
async def other(world: World) -> AsyncIterator[Hub]:
    """Give the hub of a process that was there before anything was stored."""
    hub = world.restarted()
    await hub.warm()
    yield hub
    await hub.learning.stop()


async def is_read(world: World, hub: Hub) -> bool:
    """Tell whether the station reads its elder's care plan from ``hub``."""
    try:
        await hub.read(world.caller("station-doctor"), *PLAN)
    except Problem as problem:
        if problem.code != "SEC-404":
            raise
        return False
    return True


async def is_found(world: World, hub: Hub) -> bool:
    return bool((await hub.search(world.caller("station-doctor"), "CarePlan")).rows)


async def withdraw(world: World) -> None:
    await world.write(HOSPITAL, consent("elder", status="inactive"))


async def test_what_another_process_commits_is_learnt(world: World) -> None:
    await withdraw(world)
    other = world.restarted()
    await other.warm()
    await world.write(HOSPITAL, consent("elder"))
    before = await is_read(world, other)

    await other.learning.catch_up()

    assert (before, await is_read(world, other), await is_found(world, other)) == (False, True, True)


async def test_a_restriction_that_was_kept_does_not_outlive_a_withdrawal_elsewhere(world: World, other: Hub) -> None:
    await other.learning.catch_up()
    before = await is_found(world, other)

    await withdraw(world)
    await other.learning.catch_up()

    assert (before, await is_found(world, other), await is_read(world, other)) == (True, False, False)


async def test_a_deletion_elsewhere_takes_away_what_was_given(world: World, other: Hub) -> None:
    await other.learning.catch_up()
    stored = await world.store.read("Consent", "elder-consent")
    assert stored is not None

    await world.store.commit(Batch((Write("Consent", stored.id, b"", stored.facts, deleted=True),)))
    await other.learning.catch_up()

    assert not await is_read(world, other)


async def test_a_transaction_that_stays_open_holds_no_withdrawal_up(world: World, other: Hub, database: str) -> None:
    await other.learning.catch_up()
    slow = await asyncpg.connect(database)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.fetchval("SELECT pg_current_xact_id()")

        await withdraw(world)
        await other.learning.catch_up()

        assert not await is_read(world, other)
        await transaction.rollback()
    finally:
        await slow.close()


async def test_what_was_committed_while_all_was_being_read_is_in_the_first_look(world: World) -> None:
    late = world.restarted()
    search, withdrawn = world.store.search, False

    async def searched(*args: object, **options: object) -> object:
        nonlocal withdrawn
        page = await search(*args, **options)  # type: ignore[arg-type]
        if not withdrawn:
            withdrawn = True
            await withdraw(world)
        return page

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.store, "search", searched)
        await late.warm()
    await late.learning.catch_up()

    assert not await is_read(world, late)


async def test_an_older_row_read_meanwhile_does_not_undo_what_this_process_committed(world: World) -> None:
    hub = world.hub
    await hub.learning.catch_up()
    read_many = world.store.read_many

    async def read_before_the_withdrawal(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        found = await read_many(keys)
        patch.undo()
        await withdraw(world)
        return found

    with pytest.MonkeyPatch.context() as patch:
        await world.write(HOSPITAL, consent("elder", classes=("DEMOGRAPHIC", "CARE_PLAN")))
        patch.setattr(world.store, "read_many", read_before_the_withdrawal)
        await hub.learning.catch_up()

    assert not await is_read(world, hub)
    await hub.learning.catch_up()
    assert not await is_read(world, hub)


async def test_while_others_cannot_be_followed_nothing_is_decided_and_then_again(
    world: World, other: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await other.learning.catch_up()
    other.learning.start()

    with monkeypatch.context() as away:
        away.setattr(world.store, "news", _gone)
        away.setattr(other.learning, "_clock", lambda: time.monotonic() + STALE_AFTER_S + 1)
        for ask in (is_read(world, other), is_found(world, other)):
            with pytest.raises(Problem, match="HUB-015"):
                await ask

    assert await is_read(world, other)


async def _gone(*_: object) -> None:
    raise Problem("STO-503")
