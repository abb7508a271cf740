"""Processes of one database run the same policies, or not together; with other maps they are not ready together."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app import Rooms, install, open_rooms
from gateway.app.fellows import Fellows
from gateway.config import Settings
from gateway.fhir.problem import Problem


@pytest.fixture
async def settings(database: str, tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", database_url=database)
    await install(made)
    return made


@pytest.fixture
async def older(settings: Settings) -> AsyncIterator[Rooms]:
    async with open_rooms(settings, writer="gateway") as rooms:
        await Fellows(rooms, policies="a").join()
        yield rooms


async def test_beside_other_policies_a_process_does_not_start(older: Rooms, settings: Settings) -> None:
    async with open_rooms(settings, writer="gateway") as rooms:
        with pytest.raises(Problem, match="CFG-004") as refused:
            await Fellows(rooms, policies="b").join()

    assert refused.value.detail["writer"] == older.journal.writer


async def test_after_the_last_of_the_others_has_ended_new_policies_may_start(settings: Settings) -> None:
    async with open_rooms(settings, writer="gateway") as rooms:
        await Fellows(rooms, policies="a").join()

    async with open_rooms(settings, writer="gateway") as rooms:
        await Fellows(rooms, policies="b").join()


async def test_a_process_with_other_maps_is_not_ready_until_the_older_one_has_stopped(
    settings: Settings, tmp_path: Path
) -> None:
    changed = tmp_path / "mappings"
    shutil.copytree(settings.mappings, changed, ignore=shutil.ignore_patterns("cases"))
    with (changed / "hospital" / "json-discharge" / "map.yaml").open("a") as file:
        file.write("# another version\n")

    async with open_rooms(settings, writer="gateway") as first:
        await Fellows(first, policies="a").join()
        async with open_rooms(replace(settings, mappings=changed), writer="gateway") as second:
            younger = Fellows(second, policies="a")
            await younger.join()
            with pytest.raises(Problem, match="CFG-005") as unready:
                await younger.check()
            await first.presence.stop()
            await younger.check()

    assert unready.value.detail["writer"] == "gateway"


async def test_the_same_maps_are_the_same_wherever_they_lie(older: Rooms, settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(settings.mappings, tmp_path / "copy")
    async with open_rooms(replace(settings, mappings=tmp_path / "copy"), writer="gateway") as rooms:
        fellows = Fellows(rooms, policies="a")
        await fellows.join()

        await fellows.check()

    assert older.presence.seat < rooms.presence.seat
