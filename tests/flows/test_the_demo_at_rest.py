"""The whole demo, as a thief of the disk finds it: none of its 30 elders, in no file and in no table."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.demo_scene import SEED
from gateway.demo.county import county
from gateway.store.postgres.embedded import EmbeddedServer
from tests.flows.reading import found, needles, rows, unpacked


def secrets(home: Path) -> list[str]:
    """Return what names the demo's people: names, identity numbers, phones."""
    known = json.loads((home / "demo.json").read_bytes())
    people = county(seed=SEED, elders=known["elders"], today=date.fromisoformat(known["today"])).elders
    assert len(people) == 30
    return sorted({word for one in people for word in (one.name, one.card, one.phone, one.son, one.son_phone)})


@pytest.mark.slow
def test_no_elder_of_the_demo_stands_in_its_files_or_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("YIYANG_HOME", str(home))
    monkeypatch.delenv("YIYANG_DATABASE_URL", raising=False)
    assert main(["demo", "--once"]) == 0
    words = needles(secrets(home))

    with EmbeddedServer.start(home / "pg") as server:
        dump = asyncio.run(rows(server.dsn))
    told = capsys.readouterr()

    assert len(words) > 1000
    assert sum(map(len, dump.values())) > 10_000
    hits = {table: found(b"\0".join(values), words) for table, values in dump.items()}
    assert {table: hit for table, hit in hits.items() if hit} == {}
    assert [value for values in dump.values() for value in values if value and len(list(unpacked(value))) > 1] == []
    assert _grep(home, words) == []
    assert found((told.out + told.err).encode(), words) == []


def _grep(folder: Path, words: list[bytes]) -> list[str]:
    """Return the files below ``folder`` that hold any of ``words``, by the system's own search."""
    grep = shutil.which("grep")
    assert grep is not None
    patterns = folder.parent / "words"
    patterns.write_bytes(b"\n".join(words))
    done = subprocess.run(
        [grep, "-raFl", "-f", str(patterns), str(folder)], capture_output=True, check=False, env={"LC_ALL": "C"}
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.decode().splitlines()
