"""What an older program wrote is indexed as this one does, and no version of anything changes."""

from __future__ import annotations

import pytest

from gateway.fhir.problem import Problem
from gateway.store.protocol import Batch, Write
from gateway.store.reindexing import reindex
from tests.gateway.store.conftest import PostgresWorld
from tests.gateway.store.making import find, ids, observation, patient, put

WEIGHT = {**observation("w"), "valueQuantity": {"value": 72.5, "system": "http://unitsofmeasure.org", "code": "kg"}}


async def _as_an_older_program(world: PostgresWorld) -> None:
    """Leave what a program would that knows neither strings nor numbers."""
    await put(world.store, {**patient("p"), "name": [{"text": "王示兰"}]})
    await put(world.store, WEIGHT)
    await world.pool.execute("DELETE FROM num")
    await world.pool.execute("UPDATE res SET keys = '{}', ixh = 0")


async def test_what_an_older_program_wrote_is_found(world: PostgresWorld) -> None:
    await _as_an_older_program(world)
    assert ids((await find(world.store, "Patient", "name=王")).rows) == []

    done = await reindex(world.store)

    assert done == (2, 0)
    assert ids((await find(world.store, "Patient", "name=王")).rows) == ["p"]
    assert ids((await find(world.store, "Observation", "value-quantity=gt72||kg")).rows) == ["w"]


async def test_no_version_changes(world: PostgresWorld) -> None:
    await _as_an_older_program(world)
    before = await world.pool.fetch("SELECT id, ver, ts, sha, body FROM res ORDER BY id")

    await reindex(world.store)
    await reindex(world.store)

    assert await world.pool.fetch("SELECT id, ver, ts, sha, body FROM res ORDER BY id") == before
    assert await world.pool.fetchval("SELECT count(*) FROM hist") == 0


async def test_a_deletion_stays_one(world: PostgresWorld) -> None:
    await put(world.store, patient("p"))
    stored = await world.store.read("Patient", "p")
    assert stored is not None
    await world.store.commit(Batch((Write("Patient", "p", b"", stored.facts, deleted=True),)))

    assert (await reindex(world.store)).seen == 0
    gone = await world.store.read("Patient", "p")
    assert gone is not None
    assert gone.deleted


async def test_what_another_writer_was_faster_with_is_left_to_it(
    world: PostgresWorld,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await _as_an_older_program(world)
    commit = world.store.commit
    raced = False

    async def late(batch: Batch) -> object:
        nonlocal raced
        if not raced:
            raced = True
            await put(world.store, {**WEIGHT, "status": "amended"})
        return await commit(batch)

    async def plainly(batch: Batch) -> object:
        return await commit(batch)

    monkeypatch.setattr(world.store, "commit", late)

    assert (await reindex(world.store)).left == 1
    monkeypatch.setattr(world.store, "commit", plainly)
    assert ids((await find(world.store, "Patient", "name=王")).rows) == ["p"]
    assert ids((await find(world.store, "Observation", "status=amended")).rows) == ["w"]


async def test_a_database_that_is_away_is_told(world: PostgresWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(batch: Batch) -> object:
        raise Problem("STO-503")

    await put(world.store, patient("p"))
    monkeypatch.setattr(world.store, "commit", away)

    with pytest.raises(Problem, match="STO-503"):
        await reindex(world.store)
