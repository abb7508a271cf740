"""Which way a search goes, and that every way finds the same rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from gateway.fhir.predicate import In
from gateway.store.postgres import lookup, planning
from gateway.store.postgres.kinds import PARTITIONS
from tests.gateway.store.conftest import PostgresWorld
from tests.gateway.store.making import asked, find, observation, patient, put, walk

Plan = dict[str, Any]
FINAL = "c|status|final"
_READ = "SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = $1"
"""How many rows of a table this transaction has read by its indexes."""


def number_of(text: str) -> int:
    return 1 if text == FINAL else 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status=final&_sort=-date", True),
        ("status=final&_sort=-_lastUpdated", True),
        ("status=final&_sort=_id", True),
        ("status=final", True),
        ("status=final&_sort=date", False),
        ("status=final&code=8480-6&_sort=-date", False),
        ("status=final&patient=p1", False),
        ("status=final&identifier=x", False),
        ("status=final&_id=o1", False),
        ("code=8480-6&_sort=-date", False),
        ("", False),
    ],
)
def test_rows_are_read_in_order_where_every_key_is_common_and_an_index_has_the_order(
    text: str,
    expected: bool,  # noqa: FBT001 - the parameter's value
) -> None:
    assert planning.walks(asked("Observation", text), {1: 0.9}, number_of) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("patient=Patient/p1&_sort=-date", "p1"),
        ("subject=Patient/p1&code=x&_sort=-date", "p1"),
        ("patient=Patient/p1&_sort=date", ""),
        ("patient=Patient/p1", ""),
        ("patient=Patient/p1,Patient/p2&_sort=-date", ""),
        ("performer=Patient/p1&_sort=-date", ""),
    ],
)
def test_one_elders_rows_come_from_its_own_index_newest_first(text: str, expected: str) -> None:
    assert planning.elder_in_order(asked("Observation", text)) == expected


@pytest.mark.parametrize("sort", ["", "&_sort=-date", "&_sort=date", "&_sort=-_lastUpdated", "&_sort=-_id"])
async def test_a_common_key_finds_the_same_rows_before_and_after_it_is_known_as_such(
    world: PostgresWorld, sort: str
) -> None:
    await put(world.store, *(observation(f"o{number:02}", f"2026-01-{number + 1:02}") for number in range(9)))
    await put(world.store, {**observation("draft"), "status": "registered"})
    query = replace(asked("Observation", f"status=final{sort}"), count=4)
    before = await walk(world.store, query)

    await world.pool.execute("ANALYZE res_observation")
    informed = world.store_with(world.keys)

    assert await walk(informed, query) == before
    assert len(before) == 9


async def test_what_analyze_counted_is_known(world: PostgresWorld) -> None:
    await put(world.store, *(observation(f"o{number}") for number in range(5)))
    await world.pool.execute("ANALYZE res_observation")

    shares = await world.store_with(world.keys)._searching._frequencies.of("res_observation")

    assert shares[world.keys.index_key(FINAL)] == pytest.approx(1.0)


async def test_a_page_of_one_elder_reads_no_more_rows_than_it_needs(
    world: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(
        world.store, *(observation(f"o{number:03}", f"2026-01-01T{number % 24:02}:00:00Z") for number in range(300))
    )
    await world.pool.execute("ANALYZE res_observation")
    plans: list[Plan] = []

    async def explained(sql: str, *values: object) -> list[asyncpg.Record]:
        async with world.pool.acquire() as connection:
            statement = await connection.prepare(sql)
            plans.extend(nodes((await statement.explain(*values, analyze=True))[0]["Plan"]))
            return await statement.fetch(*values)

    monkeypatch.setattr(world.pool, "fetch_held", explained)

    page = await find(world.store, "Observation", "patient=Patient/p1&_sort=-date&_count=5")

    assert len(page.rows) == 5
    scans = [plan for plan in plans if plan.get("Relation Name") == "res_observation"]
    assert len(scans) == 2
    assert all(plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) <= 6 for plan in scans)


async def test_a_walk_in_order_ends_with_its_page(world: PostgresWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(world.store, *(observation(f"o{number:03}") for number in range(300)))
    await world.pool.execute("ANALYZE res_observation")
    informed = world.store_with(world.keys)
    read: list[int] = []

    async def counted(sql: str, *values: object) -> list[asyncpg.Record]:
        async with world.pool.acquire() as connection, connection.transaction():
            found = await connection.fetch(sql, *values)
            read.append(await connection.fetchval(_READ, "res_observation"))
            return found

    monkeypatch.setattr(world.pool, "fetch_held", counted)

    page = await informed.search(
        replace(asked("Observation", "status=final"), count=5), In("klass", frozenset({"NURSING"}))
    )

    assert (len(page.rows), read[-1]) == (5, 6)


async def test_rows_of_several_kinds_are_looked_up_in_their_partitions(world: PostgresWorld) -> None:
    await put(world.store, observation("o1"), patient("p1"))
    keys = [("Patient", "p1"), ("Observation", "o1"), ("Observation", "o2"), ("Group", "g1")]

    text, _ = lookup.by_keys(("id",), keys)
    found = await world.store.read_many(keys)

    assert [table for table in PARTITIONS if f" {table} " in text] == ["res_observation", "res_patient", "res_other"]
    assert set(found) == {("Patient", "p1"), ("Observation", "o1")}


def nodes(plan: Plan) -> list[Plan]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes(part))]
