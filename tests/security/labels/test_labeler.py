"""Labels at write: data class, level and sensitivity from codes and words, a denial cancelled, safety kept visible."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.labels import Labeler
from security.labels.skim import Skim
from tests.security.town import about, rules

LABELER = Labeler(rules()[1])
ICD = "urn:oid:2.16.156.10011.2.3.3.11"


def _of(doc: dict[str, Any]) -> tuple[tuple[str, ...], int]:
    labels = LABELER.sensitivity(doc["resourceType"], doc)
    return labels, LABELER.level(doc["resourceType"], labels)


def _coded(code: str, system: str = ICD) -> dict[str, Any]:
    return about("Condition", code={"coding": [{"system": system, "code": code}]})


@pytest.mark.parametrize(
    ("code", "label", "level"),
    [
        ("B20.900", "HIV", 5),
        ("Z21.x00", "HIV", 5),
        ("A53.900", "STD", 5),
        ("F20.900", "PSY", 5),
        ("F10.200", "ETH", 5),
        ("B18.100", "INF", 5),
        ("G30.900", "DEM", 4),
        ("C34.900", "TUM", 4),
    ],
)
def test_a_code_of_icd_gives_its_label(code: str, label: str, level: int) -> None:
    labels, found = _of(_coded(code))
    assert label in labels
    assert found == level


@pytest.mark.parametrize(
    "system", [ICD, f"{ICD}.1", "http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cn"]
)
def test_the_systems_read_as_icd(system: str) -> None:
    assert _of(_coded("F20.900", system))[0] == ("PSY",)


def test_the_same_code_of_another_system_is_no_diagnosis() -> None:
    assert _of(_coded("F20.900", "http://loinc.org")) == ((), 4)


def test_an_ordinary_diagnosis_has_none() -> None:
    assert _of(_coded("I63.900")) == ((), 4)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("患者有抑郁症病史", ("PSY",)),
        ("口服奥氮平", ("PSY",)),
        ("hiv 抗体阳性", ("HIV",)),
        ("否认肝炎、结核病史", ()),
        ("否认精神病史，有梅毒史", ("STD",)),
        ("无吸毒史；无精神障碍", ()),
        ("未见恶性肿瘤", ()),
        ("不排除恶性肿瘤", ("TUM",)),
    ],
)
def test_words_count_and_a_denial_in_the_same_clause_cancels(text: str, labels: tuple[str, ...]) -> None:
    assert _of(about("Condition", note=[{"text": text}]))[0] == labels


@pytest.mark.parametrize(
    "doc",
    [
        about("Condition", text={"div": "<div>抑郁症</div>"}),
        about("Condition", code={"text": "抑郁症"}),
        about("Condition", code={"coding": [{"display": "抑郁症"}]}),
        about("Condition", contained=[{"resourceType": "Condition", "code": {"text": "抑郁症"}}]),
        about("Condition", extension=[{"url": "u", "valueString": "抑郁症"}]),
        about("Observation", component=[{"valueString": "抑郁症"}]),
        about("QuestionnaireResponse", item=[{"linkId": "1", "answer": [{"valueString": "抑郁症"}]}]),
    ],
)
def test_the_whole_content_is_looked_at(doc: dict[str, Any]) -> None:
    assert _of(doc) == (("PSY",), 5)


def test_a_label_that_a_client_sends_back_is_no_content() -> None:
    sent = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV", "display": "抑郁症"}]
    assert _of(about("Condition", meta={"security": sent})) == ((), 4)


def test_the_rest_of_meta_is_content() -> None:
    assert _of(about("Condition", meta={"tag": [{"display": "抑郁症"}], "security": []})) == (("PSY",), 5)


def test_a_question_is_no_statement() -> None:
    item = {"linkId": "1", "text": "有无抑郁症?", "answer": [{"valueBoolean": False}]}
    assert _of(about("QuestionnaireResponse", item=[item])) == ((), 4)


def test_a_consent_that_excludes_psychiatry_is_not_psychiatric() -> None:
    assert _of(about("Consent", provision={"securityLabel": [{"display": "精神障碍"}]})) == ((), 4)


def test_an_allergy_never_rises_beyond_those_who_give_care() -> None:
    assert _of(about("AllergyIntolerance", note=[{"text": "服奥氮平后皮疹"}])) == ((), 4)


@pytest.mark.parametrize(
    ("kind", "code", "klass"),
    [
        ("Flag", "跌倒风险", "SAFETY"),
        ("Flag", "出院后", "NURSING"),
        ("AllergyIntolerance", "青霉素", "SAFETY"),
        ("Condition", "跌倒", "DIAGNOSIS"),
        ("Immunization", "流感", "OTHER"),
    ],
)
def test_the_data_class(kind: str, code: str, klass: str) -> None:
    assert LABELER.klass(kind, about(kind, code={"text": code})) == klass


def test_a_safety_flag_is_known_by_its_category_too() -> None:
    category = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/flag-category", "code": "safety"}]}]
    assert LABELER.klass("Flag", about("Flag", category=category)) == "SAFETY"


def test_the_codings_for_meta() -> None:
    codes = {(each["system"].rpartition("/")[2], each["code"]) for each in LABELER.codes("Condition", 5, ("PSY",))}
    assert codes == {
        ("gbt39725-category", "C2"), ("gbt39725-level", "L5"), ("v3-Confidentiality", "R"), ("v3-ActCode", "PSY"),
    }  # fmt: skip


def test_every_label_and_every_word_may_be_excluded() -> None:
    assert LABELER.exclusions["PSY"] == {"PSY"}
    assert LABELER.exclusions["传染病记录"] == {"INF", "HIV", "STD"}
    assert set(LABELER.labels) <= set(LABELER.exclusions)


@pytest.mark.parametrize("text", ["HIV", "hiv", "h\u0131v", "H\u0130v"], ids=["upper", "lower", "dotless", "dotted"])
def test_a_word_counts_however_its_letters_are_written(text: str) -> None:
    assert LABELER.sensitivity("Condition", about("Condition", note=[{"text": f"{text} 阳性"}])) == ("HIV",)


ALIKE = "\u017f\u212a\u00b5"
PIECES = st.sampled_from(
    [
        "HIV",
        "hi",
        "v",
        "H\u0130v",
        "抑郁",
        "抑郁症",
        "症",
        "否认",
        "，",
        "癌",
        '"',
        "\\",
        "\n",
        "u6291",
        " ",
        *ALIKE,
        "é",
    ]
)
TEXTS = st.lists(PIECES, max_size=4).map("".join)
CODINGS = st.fixed_dictionaries(
    {"system": st.sampled_from([ICD, f"{ICD}.9", "http://hl7.org/fhir/sid/icd-10-cn", "http://loinc.org"])},
    optional={"code": st.sampled_from(["F20.9", "C34", "I63", "x"]), "display": TEXTS},
)
NODES = st.recursive(
    TEXTS | CODINGS | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "url", "linkId", "code", "癌"]), inner, max_size=3)
    ),
)


@given(st.sampled_from(["Condition", "QuestionnaireResponse", "Basic"]), NODES)
def test_the_short_look_passes_over_nothing_that_the_long_one_finds(kind: str, node: Any) -> None:
    doc = about(kind, part=node)

    assert LABELER.sensitivity(kind, doc) == LABELER._looked(kind, doc)


@pytest.mark.parametrize(
    ("word", "text"),
    [("HBV阳性", "hbV阳性"), ("a-12", "A-12"), ("K线", "\u212a线"), ("--", "--"), ("阳\u212a", "阳k"), ("癌é", "癌É")],
)
def test_a_word_partly_of_latin_letters_is_never_passed_over(word: str, text: str) -> None:
    skim = Skim([word], re.compile(word, re.IGNORECASE), [])

    assert not skim.finds_nothing({"note": f"见{text}。"})
