"""doctor: each row says what is wrong and what to do."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import asyncpg
import pytest

from tests.gateway.cli.conftest import STATION, Yiyang


def _rows(yiyang: Yiyang) -> dict[str, dict[str, str]]:
    return {row["check"]: row for row in yiyang("doctor").data["checks"]}


@pytest.fixture
def healthy(installed: Yiyang, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Yiyang:
    """An installation whose ports and maps are not this machine's."""
    monkeypatch.setenv("YIYANG_PORT", "0")
    monkeypatch.setenv("YIYANG_MLLP_PORT", "0")
    return installed


def test_a_new_installation_is_well(healthy: Yiyang) -> None:
    rows = _rows(healthy)

    wanted = (
        "python",
        "package",
        "clock",
        "home",
        "key-file",
        "token-key-file",
        "anchor",
        "database",
        "schema",
        "inbox",
    )
    assert {name: rows[name]["state"] for name in wanted} == dict.fromkeys(wanted, "ok")


def test_key_files_that_others_may_read_fail_with_the_command_that_mends_it(healthy: Yiyang, home: Path) -> None:
    healthy("client", "add", "carer", "--name", "护理员", "--role", "station-carer", "--org", STATION)
    (home / "keys/installation.json").chmod(0o644)
    (home / "clients/carer.json").chmod(0o640)
    home.chmod(0o755)

    rows = _rows(healthy)

    assert [rows[name]["state"] for name in ("key-file", "client-keys", "home")] == ["fail"] * 3
    assert "chmod 600" in rows["key-file"]["remedyEn"]
    assert rows["home"]["remedyEn"] == f"chmod 700 {home}"


def test_a_missing_outside_copy_of_the_checkpoints_is_a_finding(healthy: Yiyang, home: Path) -> None:
    (home / "audit/checkpoints.jsonl").unlink()

    said = healthy("doctor")

    assert said.code == 3
    assert "anchor" in {row["check"] for row in said.line["findings"]}


def test_a_database_that_is_away_is_one_row(healthy: Yiyang, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIYANG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

    rows = _rows(healthy)

    assert rows["database"]["state"] == "fail"
    assert "YIYANG_DATABASE_URL" in rows["database"]["remedyEn"]
    assert "schema" not in rows


def test_messages_that_nobody_works_on_are_told(healthy: Yiyang, database: str) -> None:
    async def leave() -> None:
        connection = await asyncpg.connect(database)
        await connection.executemany(
            "INSERT INTO inbox(sender, msg_id, sha, feed, organisation, state, received, raw)"
            " VALUES ('his', $1, '', 'json-discharge', '', $2, now() - interval '1 hour', '')",
            [("A", 0), ("B", 3), ("C", 4), ("D", 2)],
        )
        await connection.close()

    asyncio.run(leave())

    rows = _rows(healthy)

    states = {name: rows[name]["state"] for name in ("inbox", "inbox-parked", "inbox-dead")}
    assert states == {"inbox": "fail", "inbox-parked": "warn", "inbox-dead": "fail"}
    assert rows["inbox-parked"]["remedyEn"] == "yiyang inbox list --state parked"


def test_a_schema_of_another_version_names_the_upgrade(healthy: Yiyang, database: str) -> None:
    async def rewind() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute("UPDATE alembic_version SET version_num = '0001'")
        await connection.close()

    asyncio.run(rewind())

    assert _rows(healthy)["schema"]["remedyEn"] == "yiyang db upgrade"


def test_before_init_it_says_so(yiyang: Yiyang) -> None:
    rows = _rows(yiyang)

    assert rows["home"]["state"] == "fail"
    assert "yiyang init" in rows["home"]["remedyEn"]


def test_an_old_outside_copy_counts_only_while_the_gateway_runs(healthy: Yiyang, home: Path) -> None:
    path = home / "audit/checkpoints.jsonl"
    old = time.time() - 3 * 86_400
    os.utime(path, (old, old))
    quiet = _rows(healthy)["anchor"]["state"]
    (home / "running.json").write_text(f'{{"pid": {os.getpid()}, "base": "http://127.0.0.1:1/fhir"}}')

    rows = _rows(healthy)

    assert (quiet, rows["anchor"]["state"]) == ("ok", "warn")
    assert rows["ports"]["en"] == "the gateway runs: http://127.0.0.1:1/fhir"
