"""map check, preview and test, on a folder of maps of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config import data_root
from tests.gateway.cli.conftest import Said

FEED = "hospital/json-discharge"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One real feed with one case, not recorded yet."""
    folder = tmp_path / FEED
    shutil.copytree(data_root("mappings") / FEED, folder, ignore=shutil.ignore_patterns("cases"))
    case = folder / "cases" / "a-discharge"
    case.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "fixtures/records/04_discharge.json", case / "in.json")
    return tmp_path


def _call(capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    code = main(words)
    out, err = capsys.readouterr()
    return Said(code, out, err)


def test_a_map_that_compiles_is_counted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _call(capsys, "map", "check", "--root", str(root))

    assert said.code == 0
    assert [(row["feed"], row["tier"], row["compiles"]) for row in said.data["maps"]] == [
        ("json-discharge", "hospital", True)
    ]


def test_every_mistake_of_a_map_is_told_with_its_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / FEED / "map.yaml"
    path.write_text(path.read_text("utf-8").replace("Encounter:", "Encountre:", 1) + "\nnonsense: 1\n", "utf-8")

    said = _call(capsys, "map", "check", "json-discharge", "--root", str(root))

    assert said.code == 3
    problems = said.data["maps"][0]["problems"]
    assert len(problems) >= 2
    assert all(one["source"].startswith(f"{FEED}/map.yaml:") for one in problems)


def test_an_unknown_map_is_answered_with_those_that_are_there(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _call(capsys, "map", "check", "discharge", "--root", str(root))

    assert (said.code, said.codes) == (8, ["CLI-014"])
    assert "json-discharge" in said.err


def test_a_preview_shows_what_would_be_stored(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = root / FEED / "cases/a-discharge/in.json"

    said = _call(capsys, "map", "preview", "json-discharge", str(record), "--root", str(root))

    assert said.code == 0
    kinds = [resource["resourceType"] for resource in said.data["resources"]]
    assert kinds.count("Encounter") == 1
    assert kinds.count("Condition") == 3


def test_a_preview_of_a_bad_record_names_its_faults(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((root / FEED / "cases/a-discharge/in.json").read_bytes())
    del record["data"]["encounter"]["dischargeTime"]
    path = root / "bad.json"
    path.write_text(json.dumps(record), "utf-8")

    said = _call(capsys, "map", "preview", "json-discharge", str(path), "--root", str(root))

    assert said.code == 3
    assert any("dischargeTime" in one.get("source", "") for one in said.line["findings"])


def test_a_record_that_is_not_one_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "cut.json"
    path.write_text('{"msgId": ', "utf-8")

    said = _call(capsys, "map", "preview", "json-discharge", str(path), "--root", str(root))

    assert said.code == 2
    assert said.codes[0].startswith("FMT-")


def test_a_case_is_red_until_it_is_recorded(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("map", "test", "json-discharge", "--root", str(root))

    red = _call(capsys, *words)
    recorded = _call(capsys, *words, "--record")
    green = _call(capsys, *words)

    assert (red.code, recorded.code, green.code) == (3, 0, 0)
    assert red.line["findings"][0]["case"] == "a-discharge"
    assert green.data == {"cases": 1, "broken": 0, "recorded": False}


def test_the_maps_that_we_ship_compile(capsys: pytest.CaptureFixture[str]) -> None:
    assert _call(capsys, "map", "check").code == 0
