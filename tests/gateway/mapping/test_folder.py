"""A feed's folder: loaded, checked, previewed, its cases run and recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.fhir.problem import Problems
from gateway.mapping import check, load_feed, preview, test_cases
from gateway.mapping.cases import readable_id
from tests.gateway.mapping.samples import HEAD

MakeFeed = Callable[[str], Path]
MAP = HEAD.replace("version: 1.0.0", "version: 1.0.0\nrank: 7") + (
    "tables: {t: {on_unmapped: reject, file: sex.csv}}\n"
    "merge: {Patient: {identifier: [system, value]}}\n"
    "resources:\n  - Patient:\n      gender: sex | lookup(t) | required\n      name: [{text: '{name}{total}'}]\n"
)
SEX = "# GB/T 2261.1\ncode,target,display\n1,male,男\n2,female,女\n"


@pytest.fixture
def folder(feed: MakeFeed) -> Path:
    """Give a feed that works."""
    made = feed(MAP)
    (made / "tables" / "sex.csv").write_text(SEX, "utf-8")
    return made


def _case(folder: Path, name: str, record: dict[str, object]) -> Path:
    place = folder / "cases" / name
    place.mkdir(parents=True)
    (place / "in.json").write_text(json.dumps(record), "utf-8")
    return place


def test_a_feed_is_known_by_its_folder_and_brings_rank_format_and_merge_keys(folder: Path) -> None:
    feed = load_feed(folder)

    assert (feed.name, feed.tier, feed.rank, feed.map.format) == ("sample", "test", 7, "json")
    assert feed.merge_keys("Patient") == {"identifier": ("system", "value")}
    assert feed.merge_keys("Encounter") == {}


def test_a_table_comes_from_its_file(folder: Path) -> None:
    assert load_feed(folder).map.program.tables["t"].rows["2"].display == "女"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("code;target\n1;male\n", "the columns are code,target,display"),
        ("code,target\n1,male\n1,female\n", "row 1 is empty, wider than the header, or there twice"),
        ("code,target\n,male\n", "row ? is empty"),
    ],
)
def test_a_broken_table_is_refused(folder: Path, table: str, sentence: str) -> None:
    (folder / "tables" / "sex.csv").write_text(table, "utf-8")

    assert sentence in " ".join(str(problem.detail["reason"]) for problem in check(folder))


def test_a_table_outside_the_folder_is_refused(feed: MakeFeed) -> None:
    folder = feed(MAP.replace("sex.csv", "../../secret.csv"))

    assert "a table's file stands in the folder tables" in " ".join(map(str, check(folder)))


def test_a_map_bears_its_folders_name(feed: MakeFeed) -> None:
    folder = feed(MAP.replace("map: test/sample", "map: test/other").replace("file: sex.csv", "'1': male"))

    with pytest.raises(Problems, match="does not bear the folder's name"):
        load_feed(folder)


def test_a_folder_without_a_map_is_refused(tmp_path: Path) -> None:
    assert [problem.code for problem in check(tmp_path)] == ["MAP-001"]


def test_check_returns_remarks_of_a_map_that_compiles(folder: Path) -> None:
    assert {problem.code for problem in check(folder)} == {"MAP-002"}


def test_a_preview_sets_source_and_target_side_by_side_with_values_masked(folder: Path) -> None:
    raw = json.dumps({"msgId": "7", "name": "王示兰", "sex": "2", "birth": "19430305"}).encode()
    rows, result = preview(folder, raw)

    assert [(row.source, row.label, row.value, row.target) for row in rows] == [
        ("msgId", "消息编号", "7", ""),
        ("name", "姓名", "***(3)", "Patient.name[0].text"),
        ("sex", "性别", "2", "Patient.gender"),
        ("birth", "出生日期", "***(8)", ""),
    ]
    assert result.issues == ()


def test_cases_are_recorded_then_hold_then_tell_what_changed(folder: Path) -> None:
    place = _case(folder, "woman", {"sex": "2", "name": "甲"})

    recorded = test_cases(folder, record=True)
    again = test_cases(folder)
    (folder / "tables" / "sex.csv").write_text(SEX.replace("female", "other"), "utf-8")
    changed = test_cases(folder)

    assert (recorded[0].holds, again[0].holds, changed[0].holds) == (False, True, False)
    assert json.loads((place / "out.json").read_text("utf-8")) == {
        "resources": [{"resourceType": "Patient", "gender": "female", "name": [{"text": "甲"}]}]
    }
    assert '-      "gender": "female",' in changed[0].diff


def test_a_case_with_an_error_stores_nothing_and_says_what_is_answered(folder: Path) -> None:
    place = _case(folder, "unknown-sex", {"sex": "9"})
    (place / "out.json").write_text("{}", "utf-8")

    test_cases(folder, record=True)

    assert not (place / "out.json").exists()
    assert json.loads((place / "problems.json").read_text("utf-8")) == [
        {"code": "MAP-010", "severity": "error", "where": "Patient.gender", "source": "sex"}
    ]


def test_a_case_of_unreadable_bytes_says_so(folder: Path) -> None:
    place = _case(folder, "cut", {})
    (place / "in.json").write_bytes(b'{"a":')

    test_cases(folder, record=True)

    assert json.loads((place / "problems.json").read_text("utf-8"))[0]["code"] == "FMT-001"


def test_a_case_may_bring_its_own_context(folder: Path) -> None:
    text = (folder / "map.yaml").read_text("utf-8").replace("'{name}{total}'", "'{name}{$organisation}{$message}'")
    (folder / "map.yaml").write_text(text, "utf-8")
    place = _case(folder, "own", {"sex": "1", "name": "甲"})
    (place / "context.yaml").write_text("organisation: '007'\nmessage: M9\n", "utf-8")

    test_cases(folder, record=True)

    assert "甲007M9" in (place / "out.json").read_text("utf-8")


def test_ids_of_cases_can_be_read_and_never_collide_by_what_they_leave_out() -> None:
    assert readable_id("Condition", "org", "I63.900", "ZY1") == "Condition.I63.900.ZY1"
    assert readable_id("X", "org", "甲") != readable_id("X", "org", "乙")
    assert len(readable_id("Condition", "org", "a" * 200)) <= 64
