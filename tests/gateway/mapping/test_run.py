"""What a compiled map makes of a record: emptiness, lists, conditions, transforms, the context."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.mapping.samples import CENTRE, HOSPITAL, one, run

PATIENT = "resources:\n  - Patient:\n"
BASIC = "  - Basic:\n      id: msgId | uuid(Basic)\n      code: {text: name}\n"


def _patient(body: str, record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return one(PATIENT + body, {"msgId": "1", **record}, **changes)


@pytest.mark.parametrize("empty", [None, "", "  ", [], {}, [""]])
def test_an_empty_value_makes_no_element_and_takes_constants_with_it(empty: object) -> None:
    body = "      multipleBirthInteger: msgId\n      telecom: [{system: =phone, use: =mobile, value: name}]\n"

    assert _patient(body, {"name": empty}) == {"resourceType": "Patient", "multipleBirthInteger": 1}


def test_objects_around_one_value_come_and_go_with_it() -> None:
    body = "      multipleBirthInteger: msgId\n"
    body += "      contact: [{relationship: [{coding: [{system: =urn:s, code: flag}]}], name: {text: name}}]\n"
    coding = {"relationship": [{"coding": [{"system": "urn:s", "code": "N"}]}]}
    alone = {"resourceType": "Patient", "multipleBirthInteger": 1}

    assert _patient(body, {"flag": "N", "name": "甲"}) == {**alone, "contact": [{**coding, "name": {"text": "甲"}}]}
    assert _patient(body, {"flag": "N"}) == {**alone, "contact": [coding]}
    assert _patient(body, {"name": "甲"}) == {**alone, "contact": [{"name": {"text": "甲"}}]}
    assert _patient(body, {}) == alone


def test_two_elements_of_one_value_are_two_objects() -> None:
    body = "      name: [{text: name}]\n      contact: [{name: {text: name}}]\n"

    made = _patient(body, {"name": "甲"})

    assert made["name"][0] == made["contact"][0]["name"]
    assert made["name"][0] is not made["contact"][0]["name"]


@pytest.mark.parametrize(("text", "kept"), [("a\nb", "a\nb"), ("甲" * 2000, "甲" * 2000), ("\u3000", None), (7, "7")])
def test_a_text_is_kept_as_it_is_however_it_is_checked(text: object, kept: str | None) -> None:
    made = _patient("      multipleBirthInteger: msgId\n      name: [{text: name}]\n", {"name": text})

    assert made.get("name") == (None if kept is None else [{"text": kept}])


def test_an_object_of_constants_stays() -> None:
    assert _patient("      name: [{text: =甲}]\n", {}) == {"resourceType": "Patient", "name": [{"text": "甲"}]}


def test_a_resource_whose_values_are_all_empty_vanishes() -> None:
    assert run(PATIENT + "      active: =true\n      name: [{text: name}]\n", {}).resources == []


def test_numbers_keep_their_digits_and_take_the_type_of_their_place() -> None:
    body = "resources:\n  - Observation:\n      id: msgId | uuid(Observation)\n      status: =final\n"
    body += "      code: {text: =体重}\n      valueQuantity: {value: number}\n"

    assert one(body, {"msgId": "1", "number": "72.50"})["valueQuantity"] == {"value": Decimal("72.50")}
    assert one(body, {"msgId": "1", "number": 45})["valueQuantity"] == {"value": 45}


def test_a_list_is_walked_and_one_thing_counts_as_a_list_of_one() -> None:
    body = "      name: [{each: items as i, when: i.code, text: i.name}]\n"
    two = [{"code": "1", "name": "甲"}, {"name": "乙"}, None, {"code": "3", "name": "丙"}]

    assert _patient(body, {"items": two})["name"] == [{"text": "甲"}, {"text": "丙"}]
    assert _patient(body, {"items": two[0]})["name"] == [{"text": "甲"}]


def test_an_object_is_read_as_sorted_entries() -> None:
    body = "      name: [{each: 'scores{} as s', use: s.key | lookup(t), text: s.value}]\n"
    body = "tables: {t: {b: usual, a: official}}\n" + PATIENT + body

    assert one(body, {"scores": {"b": "2", "a": "1"}})["name"] == [
        {"use": "official", "text": "1"},
        {"use": "usual", "text": "2"},
    ]


def test_plain_values_of_a_list_are_elements() -> None:
    assert _patient("      name: [{given: [{each: tags as t, from: t}]}]\n", {"tags": ["甲", "", "乙"]}) == {
        "resourceType": "Patient",
        "name": [{"given": ["甲", "乙"]}],
    }


def test_a_fragment_is_written_out_where_it_is_used() -> None:
    body = "fragments: {cn.name: {type: HumanName, args: [a], body: {use: =official, text: a}}}\n"

    assert one(body + PATIENT + "      name: [{use: cn.name(name)}]\n", {"name": "甲"})["name"] == [
        {"use": "official", "text": "甲"}
    ]


def test_a_name_of_let_stands_for_a_path_or_a_constant() -> None:
    body = "let: {i: 'items[1]', sys: =urn:x}\n" + PATIENT + "      identifier: [{system: sys, value: i.code}]\n"

    assert one(body, {"items": [{}, {"code": "B"}]})["identifier"] == [{"system": "urn:x", "value": "B"}]


def test_the_first_filled_value_wins_and_the_pipes_apply_to_it() -> None:
    body = "      birthDate: birth ?? idNo | resident_birth\n"

    assert _patient("      birthDate: birth ?? end ?? =1900 | date\n", {"birth": " ", "end": "19430305"}) == {
        "resourceType": "Patient",
        "birthDate": "1943-03-05",
    }
    assert _patient(body, {"idNo": "410199194303051027"})["birthDate"] == "1943-03-05"


def test_a_text_of_several_values_is_empty_only_when_all_are() -> None:
    body = '      name: [{text: "{name}（{sex}）"}]\n'

    assert _patient(body, {"name": "甲"})["name"] == [{"text": "甲（）"}]
    assert run(PATIENT + body, {}).resources == []


@pytest.mark.parametrize(
    ("condition", "record", "holds"),
    [
        ("flag", {"flag": True}, True),
        ("flag", {"flag": False}, False),
        ("flag", {"flag": "false"}, False),
        ("flag", {"flag": 0}, True),
        ("flag", {}, False),
        ("tags exists", {"tags": []}, False),
        ("tags exists", {"tags": ["x"]}, True),
        ("not (sex exists)", {}, True),
        ("sex == '2'", {"sex": 2}, True),
        ("sex != '2'", {}, True),
        ("sex in ('1','2')", {"sex": "3"}, False),
        ("sex in t", {"sex": "1"}, True),
        ("org registered", {"org": CENTRE.lower()}, True),
        ("org registered", {"org": "X"}, False),
        ("number > 9", {"number": "10"}, True),
        ("number >= 72.5", {"number": Decimal("72.50")}, True),
        ("end >= start", {"start": "20260312", "end": "2026-03-12T16:00:00+08:00"}, True),
        ("end < start", {"start": "20260301092000", "end": "20260301091959"}, True),
        ("end >= start", {"start": "20260301"}, False),
        ("end >= start", {"start": "20260301", "end": "20260230"}, False),
        ("number > 5", {"number": "many"}, False),
        ("idNo | resident_sex == sex", {"idNo": "410199194303051027", "sex": "2"}, True),
        ("idNo | resident_sex exists", {"idNo": "410199194303051028"}, False),
        ("sex == '1' and flag or number == '3'", {"number": 3}, True),
        ("sex == '1' and (flag or number == '3')", {"number": 3}, False),
    ],
)
def test_a_condition(condition: str, record: dict[str, Any], holds: bool) -> None:  # noqa: FBT001 - a table of cases
    body = f'tables: {{t: {{"1": male}}}}\nresources:\n  - Patient:\n      when: "{condition}"\n      active: =true\n'

    record = {name: str(value) if isinstance(value, Decimal) else value for name, value in record.items()}
    kinds = [row["resourceType"] for row in run(body, {"msgId": "1", **record}).resources]

    assert kinds == (["Patient"] if holds else [])


def test_the_elder_stands_as_a_placeholder_until_identity_decides() -> None:
    body = "resources:\n  - Patient:\n      active: =true\n" + BASIC + "      subject: ref(Patient)\n"
    patient, basic = run(body, {"msgId": "1", "name": "甲"}).resources

    assert "id" not in patient
    assert basic["subject"] == {"reference": "urn:yiyang:elder"}


def test_a_reference_meets_the_id_minted_from_the_same_parts() -> None:
    body = "resources:\n  - Encounter:\n      id: msgId | uuid(Encounter, sex)\n      status: =finished\n"
    body += "      class: {code: =IMP}\n" + BASIC.replace("Basic:", "Basic:", 1)
    body += "      extension: [{url: =x, valueReference: 'msgId | ref(Encounter, sex)'}]\n"
    encounter, basic = run(body, {"msgId": "7", "sex": "2", "name": "甲"}).resources

    assert basic["extension"][0]["valueReference"] == {"reference": f"Encounter/{encounter['id']}"}


def test_an_organisation_bears_its_credit_code() -> None:
    body = "resources:\n  - Organization:\n      id: org | org_code\n      active: =true\n"
    body += "      partOf: $organisation | ref(Organization)\n"

    assert one(body, {"org": CENTRE}) == {
        "resourceType": "Organization",
        "id": CENTRE,
        "active": True,
        "partOf": {"reference": f"Organization/{HOSPITAL}"},
    }


def test_provenance_points_at_everything_above_it_and_tells_the_bytes() -> None:
    body = "resources:\n  - Patient:\n      active: =true\n" + BASIC
    body += "  - Provenance:\n      id: msgId | uuid(Provenance)\n      recorded: $received\n"
    body += "      target: [{each: $resources as r, from: r}]\n      policy: ['{$map}']\n"
    body += "      agent: [{who: {reference: 'Organization/{$organisation}'}}]\n"
    provenance = run(body, {"msgId": "1", "name": "甲"}).resources[-1]

    assert provenance["target"] == [{"reference": "urn:yiyang:elder"}, {"reference": "Basic/Basic-1"}]
    assert provenance["recorded"] == "2026-03-12T08:31:00.000+00:00"
    assert provenance["policy"] == ["test/sample@1.0.0"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("text-only", {"text": "自定"}),
        ("passthrough", {"coding": [{"system": "urn:s", "code": "9"}], "text": "自定"}),
    ],
)
def test_a_code_that_a_table_lacks_is_kept_and_reported_as_drift(policy: str, expected: dict[str, Any]) -> None:
    body = f"tables: {{t: {{on_unmapped: {policy}, system: urn:t, source: urn:s, '1': [A, 甲]}}}}\n"
    result = run(body + PATIENT + "      maritalStatus: sex | concept(t, name)\n", {"sex": "9", "name": "自定"})

    assert result.resources[0]["maritalStatus"] == expected
    assert [(one.code, one.severity) for one in result.issues] == [("MAP-011", "warning")]
    assert result.drift == (("t", "9", "sex"),)


def test_a_known_code_stands_beside_the_senders_own() -> None:
    body = "tables: {t: {system: urn:t, source: urn:s, '1': [A, 甲]}}\n" + PATIENT

    assert one(body + "      maritalStatus: sex | concept(t)\n", {"sex": "1"})["maritalStatus"] == {
        "coding": [{"system": "urn:t", "code": "A"}, {"system": "urn:s", "code": "1", "display": "甲"}],
        "text": "甲",
    }


def test_a_default_follows_a_code_that_the_table_lacks() -> None:
    body = "tables: {t: {'1': male}}\n" + PATIENT + "      gender: sex | lookup(t) | default(unknown)\n"
    result = run(body, {"sex": "7"})

    assert result.resources == [{"resourceType": "Patient", "gender": "unknown"}]
    assert [issue.code for issue in result.issues] == ["MAP-011"]


@pytest.mark.parametrize(
    ("rule", "value", "made"),
    [
        ("name: [{text: name | upper}]", "ab", {"name": [{"text": "AB"}]}),
        ("name: [{text: name | half}]", "\uff21\uff11\u3000", {"name": [{"text": "A1 "}]}),
        ("name: [{text: name | trim}]", " a ", {"name": [{"text": "a"}]}),
        ('name: [{text: "name | absent(-, 无)"}]', "无", {}),
        ("name: [{given: name | split(;)}]", "a; b;", {"name": [{"given": ["a", "b"]}]}),
        ("name: [{text: name | join(、)}]", ["a", None, "b"], {"name": [{"text": "a、b"}]}),
        ("active: name | boolean", "是", {"active": True}),
        ("multipleBirthInteger: name | int", "2", {"multipleBirthInteger": 2}),
        ("deceasedDateTime: name | datetime", "202603121600", {"deceasedDateTime": "2026-03-12T16:00:00+08:00"}),
        ("deceasedDateTime: name | datetime(Z)", "202603121600", {"deceasedDateTime": "2026-03-12T16:00:00Z"}),
        ("birthDate: name | date", "194303", {"birthDate": "1943-03"}),
        ("text: {status: =generated, div: name | div}", "<b>", {
            "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">&lt;b&gt;</div>'}}),
    ],
)  # fmt: skip
def test_a_transform(rule: str, value: object, made: dict[str, Any]) -> None:
    result = run(f"{PATIENT}      {rule}\n      identifier: [{{value: msgId}}]\n", {"msgId": "1", "name": value})

    assert result.issues == ()
    assert result.resources == [{"resourceType": "Patient", **made, "identifier": [{"value": "1"}]}]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("每周2次", {"repeat": {"frequency": 2, "period": 1, "periodUnit": "wk"}, "code": {"text": "每周2次"}}),
        ("按需", {"code": {"text": "按需"}}),
    ],
)
def test_a_frequency_becomes_a_timing(text: str, made: dict[str, Any]) -> None:
    body = "resources:\n  - MedicationRequest:\n      id: msgId | uuid(MedicationRequest)\n      status: =active\n"
    body += "      intent: =order\n      medicationCodeableConcept: {text: =药}\n      subject: ref(Patient)\n"

    made_of = one(body + "      dosageInstruction: [{timing: name | timing}]\n", {"msgId": "1", "name": text})
    assert made_of["dosageInstruction"][0]["timing"] == made


def test_a_quantity_keeps_its_comparator() -> None:
    body = "resources:\n  - Observation:\n      id: msgId | uuid(Observation)\n      status: =final\n"

    body += "      code: {text: =x}\n      valueQuantity: name | quantity(cm)\n"
    made = one(body, {"msgId": "1", "name": "≥60"})
    assert made["valueQuantity"] == {
        "value": 60,
        "comparator": ">=",
        "unit": "cm",
        "system": "http://unitsofmeasure.org",
        "code": "cm",
    }


def test_the_same_record_gives_the_same_result() -> None:
    body = PATIENT + "      name: [{text: name}]\n"

    assert run(body, {"name": "甲"}) == run(body, {"name": "甲"})
