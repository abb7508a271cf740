"""audit and db."""

from __future__ import annotations

import asyncio

import asyncpg

from tests.gateway.cli.conftest import Yiyang


def _execute(dsn: str, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def test_a_journal_nobody_touched_is_whole(installed: Yiyang) -> None:
    said = installed("audit", "verify")

    assert said.code == 0
    assert said.data["whole"] is True
    assert (said.data["events"], said.data["writers"], said.data["keyed"]) == (3, 1, True)


def test_an_edited_record_is_named_and_has_an_exit_code_of_its_own(installed: Yiyang, database: str) -> None:
    _execute(
        database,
        "SET session_replication_role = replica",
        "UPDATE audit.event SET outcome = 4 WHERE seq = 2",
    )

    said = installed("audit", "verify", "--lang", "en", "--no-json")
    row = installed("audit", "verify").data["first"]

    assert said.code == 4
    assert "record 2 was altered" in said.out
    assert (row["code"], row["seq"]) == ("altered", 2)


def test_looking_at_the_journal_is_an_entry_too(installed: Yiyang) -> None:
    installed("audit", "tail", "-n", "1")

    entries = installed("audit", "tail", "-n", "1").data["entries"]

    assert [(row["action"], row["interface"]) for row in entries] == [("search", "yiyang audit tail")]


def test_a_migrated_database_is_left_alone(installed: Yiyang) -> None:
    said = installed("db", "upgrade")

    assert said.code == 0
    assert said.data["changed"] is False
    assert said.data["after"] == said.data["before"] != ""
