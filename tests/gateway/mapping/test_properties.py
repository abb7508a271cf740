"""Whatever an author types, the compiler answers with a map or with Problems; whatever arrives, a run ends."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from gateway.fhir import codec, wire
from gateway.fhir.problem import Problem, Problems
from gateway.formats import read
from gateway.mapping import Map, load_feed
from gateway.mapping.cases import case_context
from gateway.mapping.compiler import compile_program
from gateway.mapping.tables import read_csv
from tests.budget import examples
from tests.gateway.mapping.samples import HEAD, context

ROOT = Path(__file__).parents[3] / "mappings"
BODY = """\
on_unmapped: text-only
let: {B: =https://x.example, p: items, i: '=urn:oid:1.2'}
tables:
  t: {on_unmapped: reject, "1": male, "2": female}
  m: {system: "{B}/cs", source: "urn:s", "10": [S, 未婚]}
fragments:
  cn.name: {type: HumanName, args: [a], body: {use: =official, text: a}}
scorers:
  ability: {scorer: gb42195, items: scores, coma: flag, risk_events: [number], total: total, level: level}
checks:
  - {name: c, when: start exists, each: items as x, that: "end >= start or x.code in ('1')", at: end, zh: 甲, en: a}
merge: {Patient: {identifier: [system, value]}}
resources:
  - Patient:
      identifier: [{system: i, value: idNo | resident_id}]
      name: [{use: cn.name(name)}, {each: items as x, when: x.name, text: "{x.name}{x.code}号"}]
      gender: sex | lookup(t) | required
      birthDate: {from: birth ?? idNo | resident_birth, required: true, on_error: drop-element}
      maritalStatus: sex | concept(m, name)
  - Observation:
      when: not (flag == 'x') or org registered
      id: "msgId | uuid(Observation, org)"
      status: =final
      code: {text: "{B}"}
      subject: ref(Patient)
      effectiveDateTime: start | datetime
      valueInteger: ability.total
      component:
        - {each: "scores{} as s", code: {text: s.key}, valueQuantity: s.value | quantity(cm)}
        - {each: tags as g, code: {text: g}}
  - Provenance:
      id: msgId | uuid(Provenance)
      target: [{each: $resources as r, from: r}]
      recorded: $received
      agent: [{who: {reference: "Organization/{$organisation}"}}]
"""
TEXT = HEAD + BODY
WORDS = sorted(set(TEXT.replace(",", " ").replace("{", " ").replace("}", " ").split()))
SIGNS = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "|",
    "=",
    "'",
    '"',
    ":",
    ",",
    ".",
    "?",
    "$",
    "%",
    "*",
    "&",
    "-",
    "\n",
    " ",
    "\t",
    "é",
    "\x00",
]
_KEYS = st.sampled_from(["code", "name", "B1.1"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**12) | st.sampled_from([0.5, -2.25, 1e6]) | st.text(max_size=8)
    | st.sampled_from(["1", "2", "20260312", "19431332", "410199194303051027", "12410100MB00000028", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_NAMES = [
    "msgId",
    "name",
    "idNo",
    "sex",
    "birth",
    "start",
    "end",
    "org",
    "flag",
    "number",
    "tags",
    "items",
    "scores",
    "total",
]
RECORDS = st.dictionaries(st.sampled_from(_NAMES), _VALUES)


def _compiled(text: str) -> Map | None:
    try:
        program, _ = compile_program(text, file="m.yaml", read_table=lambda _: {})
    except Problems as told:
        _assert_told(told)
        return None
    return Map(program, file="m.yaml")


@cache
def _sample() -> Map:
    map_ = _compiled(TEXT)
    assert map_ is not None
    return map_


def _assert_told(told: Problems) -> None:
    assert all(problem.code == "MAP-001" and problem.source.startswith("m.yaml:") for problem in told.problems)


@cache
def _feed(folder: Path) -> Map:
    return load_feed(folder).map


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    """Give the sample map with a few lines or words lost, doubled, swapped or replaced."""
    text = TEXT
    for _ in range(draw(st.integers(1, 3))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["drop", "double", "indent", "word", "sign", "cut"]))
        line = lines[at]
        if kind == "drop":
            del lines[at]
        elif kind == "double":
            lines.insert(at, line)
        elif kind == "indent":
            lines[at] = "  " + line
        elif kind == "word" and line.split():
            lines[at] = line.replace(draw(st.sampled_from(line.split())), draw(st.sampled_from(WORDS)), 1)
        else:
            place = draw(st.integers(0, len(line)))
            lines[at] = line[:place] + ("" if kind == "cut" else draw(st.sampled_from(SIGNS))) + line[place + 1 :]
        text = "\n".join(lines)
    return text


@settings(max_examples=examples(250), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_mutated(), RECORDS)
def test_a_mutated_map_compiles_or_is_refused_and_what_compiles_runs(text: str, record: dict[str, Any]) -> None:
    map_ = _compiled(text)

    if map_ is None or map_.format != "json":
        return
    result = map_.run(read("json", json.dumps(record).encode()), context=context(), trace=True)

    # What it makes is JSON that the strict gate can read, whatever the map says.
    for resource in result.resources:
        assert wire.read(codec.dump_exact(resource)) == resource


@settings(max_examples=examples(200), deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_map_or_refused(text: str) -> None:
    _compiled(text)


@settings(max_examples=examples(300), deadline=None)
@given(RECORDS)
def test_any_record_is_mapped_to_valid_text_or_told_why_not(record: dict[str, Any]) -> None:
    result = _sample().run(read("json", json.dumps(record).encode()), context=context())

    assert all(value not in (None, "", [], {}) for row in result.resources for value in _values(row))
    assert all(issue.code.startswith("MAP-") for issue in result.issues)


@pytest.mark.parametrize("feed", sorted(path.parent for path in ROOT.glob("*/*/map.yaml")), ids=lambda path: path.name)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_shipped_feed_survives_any_value_in_any_place(feed: Path, data: st.DataObject) -> None:
    map_ = _feed(feed)
    if map_.format != "json":
        raw = next(feed.glob("cases/*/in.hl7")).read_bytes()
        at = data.draw(st.integers(60, len(raw) - 1))
        raw = raw[:at] + data.draw(st.sampled_from([b"|", b"^", b"~", b"&", b'""', b"\\X41\\", b"9"])) + raw[at + 1 :]
    else:
        record = json.loads(next(feed.glob("cases/*/in.json")).read_text("utf-8"))
        for _ in range(data.draw(st.integers(1, 4))):
            _damage(record, data)
        raw = json.dumps(record).encode()
    try:
        parsed = read(map_.format, raw)
    except Problem:
        reject()  # what no parser takes never meets a map

    result = map_.run(parsed, context=case_context(map_, parsed))

    assert all(value not in (None, "", [], {}) for row in result.resources for value in _values(row))


def _damage(record: Any, data: st.DataObject) -> None:
    while True:
        keys = list(record) if isinstance(record, dict) else list(range(len(record)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if not isinstance(record[key], (dict, list)) or data.draw(st.integers(0, 3)) == 0:
            record[key] = data.draw(_VALUES)
            return
        record = record[key]


def _values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(found for inner in value.values() for found in _values(inner))]
    if isinstance(value, list):
        return [value, *(found for inner in value for found in _values(inner))]
    return [value]


def test_the_sample_of_these_tests_compiles() -> None:
    assert _sample().program.feed == "test/sample"
    assert read_csv(ROOT / "hospital" / "json-discharge" / "tables" / "nation.csv")["01"].display == "汉族"
