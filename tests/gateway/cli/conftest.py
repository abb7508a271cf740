"""The command line on a home folder and a database of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main

HOSPITAL, CENTRE, STATION = "12410000MB00000010", "12410100MB00000028", "52410102MJ0000003J"


@dataclass(frozen=True)
class Said:
    """What a call answered."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> dict[str, Any]:
        """The one JSON object on the one line."""
        assert self.out.count("\n") == 1
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.line["data"]
        return found

    @property
    def codes(self) -> list[str]:
        return [problem["code"] for problem in self.line["problems"]]


Yiyang = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("YIYANG_HOME", str(folder))
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "YIYANG_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def yiyang(home: Path, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Yiyang:
    """Call `yiyang`; its stdout is no terminal, so that JSON comes unless `--no-json` asks otherwise."""
    monkeypatch.setenv("YIYANG_DATABASE_URL", database)

    def call(*words: str) -> Said:
        code = main(words)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def installed(yiyang: Yiyang) -> Yiyang:
    """An installation with one chain and nothing else."""
    assert yiyang("init").code == 0
    assert yiyang("org", "add", HOSPITAL, "--name", "示范市人民医院", "--tier", "hospital").code == 0
    assert yiyang("org", "add", CENTRE, "--name", "示范中心", "--tier", "centre", "--parent", HOSPITAL).code == 0
    assert yiyang("org", "add", STATION, "--name", "示范站", "--tier", "station", "--parent", CENTRE).code == 0
    return yiyang
