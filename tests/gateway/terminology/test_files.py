"""Files that an operator hands in: what they hold, and what is wrong with them, by line and place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.problem import Problem, Problems
from gateway.terminology import concepts, loadables
from gateway.terminology.values import CodeSystem
from tests.budget import examples
from tests.gateway.terminology.samples import SHEET


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_is_read_in_the_encodings_that_customers_have(encoding: str) -> None:
    found = concepts(SHEET.encode(encoding))

    assert (found[1].code, found[1].display, found[1].parent) == ("I50.0", "充血性心力衰竭", "I50")
    assert [word.value for word in found[0].designations] == ["XLSJ", "Heart failure"]
    assert found[0].props == {"章节": "循环系统"}


def test_columns_may_have_their_chinese_names() -> None:
    assert concepts("编码,名称\nI50,心力衰竭\n".encode())[0].display == "心力衰竭"


def test_every_bad_row_is_named_by_its_line() -> None:
    sheet = "code,display,parent\nA,甲,\n,乙,\nA,丙,\nB,丁,Z\nC,戊\nD,\x07,\nE," + "长" * 1001 + ",\n"

    with pytest.raises(Problems) as caught:
        concepts(sheet.encode())

    assert sorted(one.detail["line"] for one in caught.value.problems) == [3, 4, 5, 6, 7, 8]


def test_a_bad_row_is_not_quoted() -> None:
    with pytest.raises(Problems) as caught:
        concepts("code,display\nA,赵桂兰 410199194303051027,多\n".encode())

    assert "赵桂兰" not in str(caught.value)
    assert "4101" not in str(caught.value)


@pytest.mark.parametrize(
    "sheet",
    [
        b"",
        b"a,b\n1,2\n",
        b"code,display\n",
        b"code,display,display\n1,2,3\n",
        b'code,display\n"A,x\n',
        b"code,display\nA,x\x00y\n",
        b"\xff\xfe\x00c",
        b"code,display\nA," + b"x" * 200_000 + b"\n",
        ("code,display," + ",".join(f"c{n}" for n in range(40)) + "\n").encode(),
        b"code,display,parent\nA,x,B\nB,y,A\n",
        b"code,display,parent\nA,x,A\n",
    ],
)
def test_a_hostile_table_is_refused_whole(sheet: bytes) -> None:
    with pytest.raises((Problem, Problems)) as caught:
        concepts(sheet)

    found = caught.value.problems if isinstance(caught.value, Problems) else (caught.value,)
    assert {one.code for one in found} <= {"TRM-010", "TRM-011"}


def test_a_formula_in_a_table_stays_a_text() -> None:
    assert concepts(b"code,display\nA,=cmd|' /C calc'!A0\n")[0].display == "=cmd|' /C calc'!A0"


@given(st.binary(max_size=200))
@settings(max_examples=examples(300))
def test_any_bytes_are_a_table_or_a_problem(body: bytes) -> None:
    try:
        found = concepts(body)
    except (Problem, Problems):
        return
    assert all(one.code and one.display for one in found)


def test_nested_concepts_know_what_they_are_below() -> None:
    inner = {"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}]}
    found = loadables(json.dumps({"resourceType": "CodeSystem", "url": "urn:x", "concept": [inner]}).encode())[0]

    assert isinstance(found, CodeSystem)
    assert [(one.code, one.parent) for one in found.concepts] == [("a", ""), ("b", "a"), ("c", "b")]


@pytest.mark.parametrize(
    "doc",
    [
        [],
        {"resourceType": "Patient"},
        {"resourceType": "CodeSystem"},
        {"resourceType": "CodeSystem", "url": "urn:x|1"},
        {"resourceType": "CodeSystem", "url": "urn:x", "concept": [{"display": "no code"}]},
        {"resourceType": "CodeSystem", "url": "urn:x", "concept": [{"code": "a"}, {"code": "a"}]},
        {"resourceType": "CodeSystem", "url": "urn:x", "concept": {"code": "a"}},
        {"resourceType": "ValueSet", "url": "urn:x", "compose": {"include": [{"concept": [{}]}]}},
        {"resourceType": "ValueSet", "url": "urn:x", "compose": {"include": "all"}},
        {"resourceType": "ConceptMap", "url": "urn:x", "group": [{"element": [{"code": 1}]}]},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]},
        {"resourceType": "Bundle", "entry": [3]},
    ],
)
def test_a_resource_that_cannot_be_kept_is_refused_with_its_place(doc: object) -> None:
    with pytest.raises(Problem) as caught:
        loadables(json.dumps(doc).encode())

    assert caught.value.code in ("TRM-010", "FHIR-001")


def test_a_concept_with_two_parents_is_refused() -> None:
    parent = [{"code": "parent", "valueCode": "z"}]
    rows = [{"code": "z"}, {"code": "a", "concept": [{"code": "b", "property": parent}]}]

    with pytest.raises(Problem, match="TRM-010"):
        loadables(json.dumps({"resourceType": "CodeSystem", "url": "urn:x", "concept": rows}).encode())
