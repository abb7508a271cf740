"""No name, phone or identity number stands in the database, the files or the logs, in any common writing."""

from __future__ import annotations

import logging
import zlib
from pathlib import Path

import asyncpg
import pytest

from gateway.config import Settings
from security.crypto import Keys
from tests.flows.reading import found, needles, rows
from tests.flows.town import ELDER_CARD, Town, a03

SECRETS = ("王示兰", "张示明", ELDER_CARD, "13800000001", "13800000002", "P0008812", "41019910100100017", "脑梗死")


NEEDLES = needles(SECRETS)


async def test_the_database_shows_no_elder(town: Town) -> None:
    await town.until_care_plan()
    await town.mllp(a03())

    dump = await rows(town.app.rooms.dsn)

    assert sum(map(len, dump.values())) > 500
    hits = {table: [hit for value in values for hit in found(value, NEEDLES)] for table, values in dump.items()}
    assert {table: hit for table, hit in hits.items() if hit} == {}


async def test_the_search_itself_would_find_a_name() -> None:
    planted = zlib.compress("前文王示兰后文".encode())

    assert found(planted, NEEDLES) != []


async def test_the_files_of_the_installation_show_no_elder(town: Town) -> None:
    await town.until_care_plan()

    files = [path for path in town.app.rooms.settings.home.rglob("*") if path.is_file()]

    assert files != []
    assert [path.name for path in files if found(path.read_bytes(), NEEDLES)] == []


async def test_the_logs_show_no_elder(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await town.until_care_plan()
        await town.fhir("other-station-carer", "GET", f"Patient?identifier=|{ELDER_CARD}")
        await town.mllp(a03().replace(b"|20260312160000\rPV2", b"|20260231160000\rPV2"))

    # The test's own HTTP client logs the URLs that it asks for.
    told = [repr(vars(row)) for row in caplog.records if not row.name.startswith("http")]
    assert caplog.records != []
    assert found("\n".join(told).encode(), NEEDLES) == []


async def test_without_the_key_file_nothing_opens(town: Town, tmp_path: Path) -> None:
    await town.until_care_plan()
    (tmp_path / "other").mkdir()
    stranger = Keys.create(Settings(home=tmp_path).home / "other" / "key.json")
    connection = await asyncpg.connect(town.app.rooms.dsn)
    try:
        sealed = await connection.fetch("SELECT raw FROM inbox")
    finally:
        await connection.close()

    assert len(sealed) >= 4
    for row in sealed:
        with pytest.raises(Exception, match="SEC-901"):
            stranger.open(row["raw"], b"inbox")
