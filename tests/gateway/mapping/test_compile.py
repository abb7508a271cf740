"""What the compiler refuses before a record is seen, each with its line and a sentence for the author."""

from __future__ import annotations

import pytest

from gateway.mapping.compiler import compile_program
from tests.gateway.mapping.samples import HEAD, compiled, faults, run

NAMED = "map: a/b\nversion: 1.0.0\n"
BASIC = "resources:\n  - Basic:\n      code: {text: name}\n"
PATIENT = "resources:\n  - Patient:\n"
OBSERVATION = "resources:\n  - Observation:\n      id: msgId | uuid(Observation)\n      status: =final\n"


def _said(body: str, *, head: str = HEAD) -> str:
    return " / ".join(str(problem.detail["reason"]) for problem in faults(body, head=head))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (PATIENT + "      gander: =female\n", "Patient has no element 'gander'; did you mean gender?"),
        ("resources:\n  - Patiant:\n      active: =true\n", "'Patiant' is no R4 resource"),
        (PATIENT + "      name: {text: name}\n", "Patient.name is a list"),
        (PATIENT + "      birthDate: [birth | date]\n", "Patient.birthDate is no list"),
        (PATIENT + "      birthDate: {text: birth}\n", "Patient.birthDate is a date: one rule"),
        (PATIENT + "      active: =perhaps\n", "'perhaps' is no boolean"),
        (PATIENT + "      birthDate: =1943-13-32\n", "'1943-13-32' is no date"),
        (PATIENT + "      gender: =f\n", "code 'f' is not in the required value set"),
        (PATIENT + "      gender: name | date\n", "Patient.gender is a code, date makes"),
        (PATIENT + "      gender: sexx\n", "'sexx' is not among source.fields; did you mean sex?"),
        (PATIENT + "      gender: female\n", "(a literal begins with =)"),
        (PATIENT + "      gender: sex | lokup(t)\n", "unknown transform 'lokup'; did you mean lookup?"),
        (PATIENT + "      gender: sex | lookup(t)\n", "unknown table 't'; tables here: none"),
        (PATIENT + "      gender: sex | lookup\n", "lookup takes other arguments (table)"),
        (PATIENT + "      gender: sex | upper(x)\n", "upper takes other arguments (none)"),
        (PATIENT + "      id: idNo | uuid(Patient)\n", "Patient has no id in a map"),
        (PATIENT + "      maritalStatus: sex\n", "write concept(table)"),
        (PATIENT + "      gender: $sender\n", "$sender is unknown"),
        (PATIENT + "      gender: =male\n      gender: =female\n", "'gender' is there twice"),
        (PATIENT + "      deceasedBoolean: =true\n      deceasedDateTime: end | datetime\n", "are one choice"),
        (PATIENT + "      name: [{use: cn.name(name)}]\n", "unknown fragment 'cn.name'"),
        (PATIENT + "      active: {from: flag, wenn: sex}\n", "'wenn' is no key of the long form"),
        (PATIENT + "      active: {from: flag, on_error: ignore}\n", "on_error is one of reject"),
        (PATIENT + "      name: [{each: items as, text: name}]\n", "each reads: path as name"),
        (PATIENT + "      name: [{when: sex ==, text: name}]\n", "is missing in the condition"),
        (PATIENT + "      name: [{when: sex = '1', text: name}]\n", "is unexpected in a condition"),
        (PATIENT + "      name: [{text: '{name}{'}]\n", "a brace that nothing closes"),
        (PATIENT + "      name: [[{text: name}]]\n", "a list inside a list"),
        (OBSERVATION, "Observation.code is required by R4 and never fed"),
        (BASIC, "Basic needs an id"),
        (
            "resources:\n  - Basic:\n      id: msgId | uuid(Patient)\n      code: {text: name}\n",
            "minted with uuid(Basic",
        ),
        (
            "resources:\n  - Basic:\n      id: msgId | uuid(Basik)\n      code: {text: name}\n",
            "'Basik' is no R4 resource",
        ),
        (OBSERVATION + "      code: {text: name}\n      encounter: name | ref(Condition)\n", "only to Encounter"),
        (OBSERVATION + "      code: {text: name}\n      encounter: name\n", "is a Reference: ref(Type, ...)"),
        (OBSERVATION + "      code: ref(Patient)\n", "is a CodeableConcept, not a reference"),
        ("let: {a: b, b: a}\n" + PATIENT + "      gender: a.x\n", "go round in a circle"),
        ("colour: red\n" + PATIENT + "      active: =true\n", "'colour' is no section of a map"),
        ("resources: []\n", "at least one resource"),
        ("merge: {Patient: {gender: [x]}}\n" + PATIENT + "      active: =true\n", "Patient.gender is no list of R4"),
        ("scorers: {a: {scorer: xyz, items: scores}}\n" + PATIENT + "      active: =true\n", "a scorer needs"),
        ("checks: [{name: a, that: sex}]\n" + PATIENT + "      active: =true\n", "missing ['en', 'zh']"),
        (
            "checks: [{name: a, that: sex, zh: 甲, en: a, severity: fatal}]\n" + PATIENT + "      active: =true\n",
            "severity is error or warning",
        ),
    ],
)
def test_a_mistake_is_told_in_a_sentence(body: str, sentence: str) -> None:
    assert sentence in _said(body)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("{}", "table t is empty"),
        ("{on_unmapped: keep, a: b}", "on_unmapped is one of reject"),
        ("{a: [b, c, d]}", "a row is code: target or code: [target, display]"),
        ("{file: nowhere.csv}", "nowhere.csv cannot be read as UTF-8"),
        ("{'1': woman}", "code 'woman' is not in the required value set"),
        ("{on_unmapped: passthrough, '1': male}", "lets any code pass"),
    ],
)
def test_a_table_must_fit(table: str, sentence: str) -> None:
    assert sentence in _said(f"tables: {{t: {table}}}\n{PATIENT}      gender: sex | lookup(t)\n")


def test_every_mistake_of_a_map_is_told_at_once_with_line_and_column() -> None:
    found = faults(PATIENT + "      gander: =female\n      birthDate: birth | dat\n      name: [{text: nam}]\n")

    first = HEAD.count("\n") + 3
    assert [problem.source for problem in found] == [
        f"test/sample/map.yaml:{first}:7",
        f"test/sample/map.yaml:{first + 1}:18",
        f"test/sample/map.yaml:{first + 2}:21",
    ]


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("- a\n", "a map is a mapping"),
        ("map: [\n", "quote a template"),
        ("a: &x 1\nb: *x\n", "aliases (*name) are not allowed"),
        ("a: " + "[" * 50 + "]" * 50 + "\n", "nested deeper than 40"),
        ("a: \x00\n", "a character that YAML does not allow"),
        ("map: test/sample\nversion: 1.0.0\n", "source.format is json or hl7v2"),
        ("map: sample\nversion: one\nsource: {format: json, fields: {}}\n", "version: 1.2.3 is missing or malformed"),
        (
            "map: a/b\nversion: 1.0.0\nsource: {format: json, fields: {a: {zh: 甲, mask: some}}}\n",
            "mask is one of none",
        ),
        ("map: a/b\nversion: 1.0.0\nsource: {format: json, fields: {a: {}}}\n", "a field is {zh: label, mask: ...}"),
        ("map: a/b\nversion: 1.0.0\nsource: {format: json, fields: {}, key: a}\n", "'key' is no key of source"),
    ],
)
def test_a_file_that_is_no_map_is_refused(head: str, sentence: str) -> None:
    assert sentence in _said("", head=head)


def test_codes_of_yaml_stay_text() -> None:
    body = "tables: {t: {no: male, '01': female, 1e3: other}}\n" + PATIENT + "      gender: sex | lookup(t)\n"

    table = compiled(body).program.tables["t"]

    assert list(table.rows) == ["no", "01", "1e3"]


def test_a_forgotten_field_or_table_is_a_remark_not_an_error() -> None:
    text = HEAD + "tables: {t: {a: b}}\n" + PATIENT + "      name: [{text: name}]\n"
    _, remarks = compile_program(text, file="m", read_table=lambda _: {})

    said = [str(problem.detail["reason"]) for problem in remarks]
    assert "table t is never used" in said
    assert "sex is declared and never read (list it under unused)" in said
    assert {problem.code for problem in remarks} == {"MAP-002"}


def test_a_traceback_shows_the_line_of_the_map() -> None:
    def broken(*_: str) -> str:
        raise ZeroDivisionError

    body = "resources:\n  - Basic:\n      id: msgId | uuid(Basic)\n      code: {text: name}\n"
    with pytest.raises(ZeroDivisionError) as fault:
        run(body, {"msgId": "1", "name": "a"}, make_id=broken)

    lines = {(entry.path, entry.lineno + 1) for entry in fault.traceback}
    assert any(str(path).endswith("map.yaml") and line == HEAD.count("\n") + 3 for path, line in lines)
