"""Workers that cannot start: one line says why, and nothing is left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app import install
from gateway.cli import workers
from gateway.cli.workers import serve_many
from gateway.config import Settings
from gateway.fhir.problem import Problem, Problems


@pytest.fixture
async def settings(database: str, tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", database_url=database, port=0, mllp_port=0)
    await install(made)
    return made


async def test_a_worker_that_dies_without_a_word_is_told_by_how_it_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.sys, "executable", "/bin/false")

    with pytest.raises(Problem, match="CLI-018") as given_up:
        async with serve_many(settings, 2):
            pass

    assert given_up.value.detail["reason"] == "exit code 1"


async def test_a_worker_that_says_why_is_quoted(settings: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "mappings" / "hospital" / "broken"
    broken.mkdir(parents=True)
    (broken / "map.yaml").write_text("map: nothing\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YIYANG_MAPPINGS", str(tmp_path / "mappings"))
        with pytest.raises((Problem, Problems), match="MAP-001"):
            async with serve_many(settings, 2):
                pass


async def test_without_a_database_the_start_fails_as_that_of_one_process(settings: Settings) -> None:
    away = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(Problem, match="STO-503"):
        async with serve_many(away, 2):
            pass


async def test_what_was_never_initialised_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="CFG-002"):
        async with serve_many(Settings(home=tmp_path / "none", port=0, mllp_port=0), 2):
            pass
