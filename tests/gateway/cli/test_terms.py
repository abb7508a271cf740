"""terms: an operator's own codes are loaded, found, shown and removed; a bad file changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gateway.cli.conftest import Yiyang

ICD = "urn:oid:2.16.156.10011.2.3.3.11"
SHEET = "code,display,parent\nI50,心力衰竭,\nI50.0,充血性心力衰竭,I50\nJ18,肺炎,\n"


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "icd10.csv"
    path.write_bytes(SHEET.encode("gb18030"))
    return path


def test_init_loads_what_comes_with_the_program_once(yiyang: Yiyang) -> None:
    assert yiyang("init").code == 0

    first = yiyang("terms", "list", "--kind", "CodeSystem").data["terminology"]
    upgrade = yiyang("db", "upgrade")

    assert all(row["own"] for row in first)
    assert any(row["url"].endswith("/yy-tier") for row in first)
    assert upgrade.data["changed"] is False


def test_a_table_of_the_operator_is_loaded_and_its_codes_are_found_by_a_word(yiyang: Yiyang, sheet: Path) -> None:
    yiyang("init")

    loaded = yiyang("terms", "load", str(sheet), "--system", ICD, "--version", "2.0", "--name", "国家临床版")
    shown = yiyang("terms", "show", ICD, "--filter", "心力")

    assert (loaded.code, loaded.data["loaded"][0]["entries"]) == (0, 3)
    assert [row["code"] for row in shown.data["codes"]] == ["I50", "I50.0"]


def test_a_file_of_fhir_json_is_loaded_whole(yiyang: Yiyang, tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    system = {"resourceType": "CodeSystem", "url": "urn:x", "content": "complete", "concept": [{"code": "a"}]}
    chosen = {"resourceType": "ValueSet", "url": "urn:v", "compose": {"include": [{"system": "urn:x"}]}}
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": [{"resource": system}, {"resource": chosen}]}))
    yiyang("init")

    rows = yiyang("terms", "load", str(path)).data["loaded"]

    assert [(row["kind"], row["entries"]) for row in rows] == [("CodeSystem", 1), ("ValueSet", 1)]


def test_a_bad_row_is_named_by_its_line_and_nothing_is_loaded(yiyang: Yiyang, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(SHEET + "I50,心力衰竭,\n")
    yiyang("init")

    said = yiyang("terms", "load", str(path), "--system", ICD)

    assert (said.code, said.codes) == (2, ["TRM-011"])
    assert "5" in said.line["problems"][0]["en"]
    assert yiyang("terms", "show", ICD).codes == ["TRM-013"]


@pytest.mark.parametrize("system", ["", "icd10", "urn:x|1"])
def test_a_table_needs_the_url_of_its_code_system(yiyang: Yiyang, sheet: Path, system: str) -> None:
    yiyang("init")

    assert yiyang("terms", "load", str(sheet), "--system", system).code == 2


def test_removing_asks_for_a_confirmation(yiyang: Yiyang, sheet: Path) -> None:
    yiyang("init")
    yiyang("terms", "load", str(sheet), "--system", ICD)

    asked = yiyang("terms", "remove", ICD)
    done = yiyang("terms", "remove", ICD, "--yes")

    assert (asked.code, asked.codes) == (5, ["TRM-014"])
    assert done.code == 0
    assert yiyang("terms", "show", ICD).code == 8


def test_of_several_versions_the_one_to_remove_has_to_be_named(yiyang: Yiyang, sheet: Path) -> None:
    yiyang("init")
    for version in ("1", "2"):
        yiyang("terms", "load", str(sheet), "--system", ICD, "--version", version)

    assert yiyang("terms", "remove", ICD, "--yes").codes == ["TRM-019"]
    assert yiyang("terms", "remove", f"{ICD}|1", "--yes").code == 0
    assert yiyang("terms", "show", ICD).data["version"] == "2"


def test_what_comes_with_the_program_is_not_removed(yiyang: Yiyang) -> None:
    yiyang("init")
    own = yiyang("terms", "list").data["terminology"][0]["url"]

    assert yiyang("terms", "remove", own, "--yes").codes == ["TRM-012"]
