"""The schema on the wheel's PostgreSQL and on the system's: made, made once, and good for the store's own work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.store.postgres import migrate
from gateway.store.postgres.embedded import EmbeddedServer
from gateway.store.postgres.embedded_binaries import installations
from gateway.store.postgres.inbox import PostgresInbox
from gateway.store.postgres.kinds import HOT_KINDS, NUMBERS, PARTITIONS
from gateway.store.postgres.pool import open_pool
from gateway.store.postgres.store import PostgresStore
from gateway.store.protocol import Batch
from security.crypto import Keys
from tests.databases import database_of
from tests.gateway.store.making import CARD, Clock, asked, deletion, find, ids, observation, patient, put, walk
from tests.gateway.store.test_inbox import received


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(True, marks=pytest.mark.needs("wheel"), id="wheel"),
        pytest.param(False, marks=pytest.mark.needs("postgres"), id="system"),
    ],
)
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give an empty database of each PostgreSQL that is installed."""
    binaries = next((found for found in installations() if found.from_wheel is request.param), None)
    assert binaries is not None, "`needs` lets nobody come here without it"
    with EmbeddedServer.start(
        tmp_path_factory.mktemp("pg") / "data", binaries=binaries, settings={"fsync": "off"}
    ) as made:
        yield made.dsn


async def test_an_empty_database_is_brought_to_the_head_once_also_by_many_at_once(dsn: str) -> None:
    await asyncio.gather(*(migrate.upgrade(dsn) for _ in range(3)))

    assert await migrate.current(dsn) == migrate.head() == _alembics_head() != ""


def _alembics_head() -> str | None:
    config = Config()
    config.set_main_option("script_location", "gateway:store/postgres/migrations")
    return ScriptDirectory.from_config(config).get_current_head()


async def test_an_empty_database_stands_nowhere(pg_dsn: str) -> None:
    assert await migrate.current(pg_dsn) == ""


async def test_pages_of_current_versions_are_full_and_have_room_again_after_a_downgrade(pg_dsn: str) -> None:
    async with database_of(pg_dsn, "full") as dsn:
        await migrate.upgrade(dsn)
        filled = await _fillfactors(dsn)

        await migrate.downgrade(dsn, "0006")

        assert (filled, await _fillfactors(dsn)) == ({"100"}, {"85"})


async def test_numbers_come_and_go_with_their_revision_and_the_functions_are_as_before(pg_dsn: str) -> None:
    async with database_of(pg_dsn, "numbers") as dsn:
        await migrate.upgrade(dsn)
        await migrate.downgrade(dsn, "0007")
        before = await _functions(dsn)

        await migrate.upgrade(dsn)
        grown = await _functions(dsn)
        await migrate.downgrade(dsn, "0007")

        assert await _functions(dsn) == before
        assert all("DELETE FROM num" in text for name, text in grown.items() if name in before)
        assert set(grown) - set(before) == set()
        assert len(before) == len(PARTITIONS)


async def _functions(dsn: str) -> dict[str, str]:
    """Return the functions that put rows, by name."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT proname, prosrc FROM pg_proc WHERE proargtypes[0] = 'res_in[]'::regtype AND proname LIKE 'put%'"
        )
    finally:
        await connection.close()
    return {row["proname"]: row["prosrc"] for row in rows}


async def _fillfactors(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT option_value FROM pg_class, pg_options_to_table(reloptions)"
            " WHERE relname = ANY($1::text[]) AND option_name = 'fillfactor'",
            PARTITIONS,
        )
    finally:
        await connection.close()
    return {row["option_value"] for row in rows}


async def test_the_store_works_on_what_the_migrations_made(dsn: str, keys: Keys) -> None:
    await migrate.upgrade(dsn)
    pool = await open_pool(dsn, size=4)
    try:
        store, inbox = PostgresStore(pool, keys, now=Clock()), PostgresInbox(pool, keys, now=Clock())
        await put(store, patient(), observation("o1", "2026-01-01"), observation("o2", "2026-01-02"))
        await put(store, observation("o1", "2026-02-01"))
        await store.commit(Batch((deletion(observation("o2")),)))
        await received(inbox)

        assert ids((await find(store, "Patient", f"identifier={CARD}|card-p1")).rows) == ["p1"]
        assert await walk(store, replace(asked("Observation", "patient=Patient/p1&_sort=-date"), count=1)) == ["o1"]
        assert await walk(store, replace(asked("Observation", "code=8480-6&_sort=date"), count=1)) == ["o1"]
        assert len((await store.history("Observation", "o2", count=9)).rows) == 2
        assert len((await store.changes("")).rows) == 3
        assert len(await inbox.claim(9)) == 1
        assert len((await inbox.page(state="", limit=9, cursor=""))[0]) == 1
    finally:
        await pool.close()


async def test_every_hot_kind_has_its_partition_and_number(database: str) -> None:
    connection = await asyncpg.connect(database)
    found = await connection.fetch(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)"
        " FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'res'::regclass"
    )
    bounds = {str(row[0]): str(row[1]) for row in found}
    await connection.close()

    assert set(bounds) == set(PARTITIONS)
    assert {f"FOR VALUES IN ('{NUMBERS[kind]}')" for kind in HOT_KINDS} | {"DEFAULT"} == set(bounds.values())


async def test_past_versions_have_a_partition_for_each_month_to_come_and_one_for_the_rest(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("SELECT hist_ahead(12)")
    found = await connection.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'hist'::regclass"
    )
    names = [row[0] for row in found]
    await connection.close()

    assert f"hist_{datetime.now(UTC):%Y_%m}" in names
    assert (len(names), "hist_other" in names) == (15, True)
