"""A map over an HL7 v2 message: segments, repetitions, selectors, deletions, places for an ERR segment."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.formats import read
from gateway.mapping import MapResult
from tests.gateway.mapping.samples import compiled, context, faults

HEAD = """\
map: test/sample
version: 1.0.0
source:
  format: hl7v2
  message: MSH-10
  fields:
    MSH-10: {zh: 消息编号, mask: none}
    PID-3: {zh: 标识, mask: id}
    PID-5.1: {zh: 姓名, mask: name}
    PID-8: {zh: 性别, mask: none}
    PID-11.1.2: {zh: 门牌, mask: address}
    PID-13: {zh: 电话, mask: phone}
    DG1-3.1: {zh: 诊断, mask: none}
    DG1-5: {zh: 诊断时间, mask: none}
    OBX-2: {zh: 类型, mask: none}
    OBX-3.1: {zh: 项目, mask: none}
    OBX-5: {zh: 结果, mask: none}
"""
MESSAGE = """\
MSH|^~\\&|HIS|H|HUB|G|20260312163015||ADT^A03|M7|P|2.5
PID|1||P1^^^H^PI~410199194303051027^^^GA^NNCHN||王示兰^^^^^^L||19430305|2|||路&8号院||"138"~""
DG1|1||I63.900^脑梗死||20260312
DG1|2||I10^高血压||20261332
OBX|1|NM|8480-6||138
OBX|2|ST|DE1||稳定
OBX|3|NM|8462-4||many
"""
PATIENT = "resources:\n  - Patient:\n"


def _run(body: str, message: str = MESSAGE) -> MapResult:
    return compiled(body, head=HEAD).run(read("hl7v2", message.replace("\n", "\r").encode()), context=context())


def _first(body: str, message: str = MESSAGE) -> dict[str, Any]:
    result = _run(body, message)
    assert result.issues == ()
    return result.resources[0]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("PID-5.1", "王示兰"),
        ("PID-3.1", "P1"),
        ("PID-3[5=NNCHN].1", "410199194303051027"),
        ("PID-3[2].1", "410199194303051027"),
        ("PID-11.1.2", "8号院"),
        ("DG1[2]-3.1", "I10"),
        ("OBX[3.1=8480-6]-5", "138"),
        ("OBX[2=ST]-5", "稳定"),
    ],
)
def test_a_path_reads_a_value(path: str, value: str) -> None:
    assert _first(f"{PATIENT}      language: ='zh'\n      name: [{{text: '{path}'}}]\n")["name"] == [{"text": value}]


def test_a_selector_that_picks_nothing_is_empty() -> None:
    assert _run(PATIENT + "      name: [{text: 'PID-3[5=SS].1'}]\n").resources == []


def test_segments_repetitions_and_fields_of_a_segment_are_walked() -> None:
    body = PATIENT + "      identifier: [{each: PID-3 as i, value: i.1, type: {text: i.5}}]\n"
    body += "      name: [{each: 'OBX[2=NM] as o', text: o-5, use: =usual}]\n"
    patient = _first(body)

    assert patient["identifier"] == [
        {"value": "P1", "type": {"text": "PI"}},
        {"value": "410199194303051027", "type": {"text": "NNCHN"}},
    ]
    assert [name["text"] for name in patient["name"]] == ["138", "many"]


def test_an_explicit_deletion_is_empty_and_reported() -> None:
    result = _run(PATIENT + "      active: =true\n      telecom: [{each: PID-13 as t, value: t.1}]\n")

    assert result.resources[0]["telecom"] == [{"value": '"138"'}]
    assert result.deleted == ("PID-13[2].1",)


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("birthDate: PID-8 | date", "PID-8"),
        ("birthDate: 'DG1[2]-5 | date'", "DG1[2]-5"),
        ("multipleBirthInteger: 'OBX[3.1=8462-4]-5'", "OBX[3]-5"),
        ("birthDate: 'PID-3[5=NNCHN].1 | date'", "PID-3[2].1"),
        ("name: [{each: DG1 as d, period: {start: d-5 | date}}]", "DG1[2]-5"),
        ("name: [{each: 'OBX[2=NM] as o', period: {start: o-5 | date}}]", "OBX-5"),
    ],
)
def test_a_fault_names_the_real_segment_and_repetition(rule: str, source: str) -> None:
    assert _run(f"{PATIENT}      {rule}\n").issues[0].source == source


def test_a_segment_may_be_asked_for() -> None:
    body = "resources:\n  - Patient:\n      when: AL1 exists\n      active: =true\n"
    fields = "    AL1-3: {zh: 过敏, mask: text}\n"

    with_allergy = compiled(body, head=HEAD + fields).run(
        read("hl7v2", (MESSAGE + "AL1|1||x\n").replace("\n", "\r").encode()), context=context()
    )

    assert len(with_allergy.resources) == 1


def test_the_message_id_is_read_from_its_path() -> None:
    map_ = compiled(PATIENT + "      active: =true\n", head=HEAD)

    assert (map_.message_id(read("hl7v2", MESSAGE.encode())), map_.message_path) == ("M7", "MSH-10")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("PID-99", "'PID-99' is not among source.fields"),
        ("pid-5", "is no HL7 v2 path such as PID-5.1"),
        ("PID-3[x].1", "[x] is no selector: [2] or [5=NI]"),
    ],
)
def test_a_path_that_is_none_is_refused(path: str, sentence: str) -> None:
    found = faults(f"{PATIENT}      name: [{{text: '{path}'}}]\n", head=HEAD)

    assert sentence in str(found[0].detail["reason"])
