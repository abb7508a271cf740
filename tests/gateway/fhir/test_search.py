"""A query string is read whole or refused by name: nothing that would widen the answer is ever ignored."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import search
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.query import (
    Clause,
    CompositeTerm,
    DateTerm,
    Has,
    IdTerm,
    Include,
    MissingTerm,
    NearTerm,
    NumberTerm,
    OfTypeTerm,
    QuantityTerm,
    Query,
    ReferenceTerm,
    Sort,
    StringTerm,
    Term,
    TokenTerm,
    UriTerm,
)
from gateway.fhir.spans import span

BASE = "https://hub.example/fhir"


def parsed(kind: str, *pairs: tuple[str, str], strict: bool = True) -> Query:
    return search.parse(kind, pairs, strict=strict, base=BASE)[0]


def clause(kind: str, name: str, value: str) -> Clause:
    (only,) = parsed(kind, (name, value)).clauses
    return only


def refused(kind: str, *pairs: tuple[str, str]) -> list[tuple[str, str]]:
    with pytest.raises(Problems) as caught:
        search.parse(kind, pairs, strict=True, base=BASE)
    return [(problem.code, str(problem.detail.get("name", ""))) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("kind", "name", "value", "type_", "terms"),
    [
        ("Task", "status", "requested", "token", (TokenTerm(None, "requested"),)),
        ("Task", "status", "requested,accepted", "token", (TokenTerm(None, "requested"), TokenTerm(None, "accepted"))),
        ("Condition", "code", "urn:oid:1.2|I50", "token", (TokenTerm("urn:oid:1.2", "I50"),)),
        ("Condition", "code", "|I50", "token", (TokenTerm("", "I50"),)),
        ("Condition", "code", "urn:oid:1.2|", "token", (TokenTerm("urn:oid:1.2", None),)),
        ("Condition", "code", r"a\,b", "token", (TokenTerm(None, "a,b"),)),
        ("Condition", "code", r"a\|b", "token", (TokenTerm(None, "a|b"),)),
        ("Patient", "identifier", "urn:x|1", "identifier", (TokenTerm("urn:x", "1"),)),
        ("Patient", "_id", "a,b", "id", (IdTerm("a"), IdTerm("b"))),
        ("Task", "owner", "Organization/c1", "reference", (ReferenceTerm("Organization", "c1"),)),
        ("Task", "owner:Organization", "c1", "reference", (ReferenceTerm("Organization", "c1"),)),
        ("Condition", "patient", "e1", "reference", (ReferenceTerm("Patient", "e1"),)),
        ("Condition", "patient", f"{BASE}/Patient/e1", "reference", (ReferenceTerm("Patient", "e1"),)),
        ("Patient", "birthdate", "1943-03", "date", (DateTerm("eq", *(span("1943-03") or ())),)),
        ("Patient", "birthdate", "ge1943", "date", (DateTerm("ge", *(span("1943") or ())),)),
        ("Patient", "_lastUpdated", "gt2026-03-04T08:15:30Z", "lastUpdated", None),
    ],
)
def test_a_value_is_read_into_typed_terms(kind: str, name: str, value: str, type_: str, terms: object) -> None:
    found = clause(kind, name, value)

    assert found.type == type_
    assert terms is None or found.terms == terms


FIVE = NumberTerm("gt", Decimal("5.4"), Decimal("5.35"), Decimal("5.45"))


@pytest.mark.parametrize(
    ("kind", "name", "value", "type_", "modifier", "terms"),
    [
        ("Patient", "name", r"王\,示兰,李", "string", "", (StringTerm("王,示兰"), StringTerm("李"))),
        ("Patient", "name:exact", "王", "string", "exact", (StringTerm("王"),)),
        ("Patient", "gender:not", "male", "token", "not", (TokenTerm(None, "male"),)),
        ("Patient", "gender:missing", "true", "token", "missing", (MissingTerm(missing=True),)),
        ("Condition", "code:text", "肺炎", "token", "text", (StringTerm("肺炎"),)),
        ("Patient", "identifier:of-type", "a|b|c", "identifier", "of-type", (OfTypeTerm("a", "b", "c"),)),
        ("Task", "owner:identifier", "a|b", "identifier", "identifier", (TokenTerm("a", "b"),)),
        ("ValueSet", "url:above", "http://x.example/a", "uri", "above", (UriTerm("http://x.example/a"),)),
        ("Observation", "value-quantity", "gt5.4|urn:u|mg", "quantity", "", (QuantityTerm(FIVE, "urn:u", "mg"),)),
        ("Observation", "value-quantity", "gt5.4||mg", "quantity", "", (QuantityTerm(FIVE, None, "mg"),)),
        ("RiskAssessment", "probability", "gt5.4", "number", "", (FIVE,)),
        ("Location", "near", "34.5|113.5|2|km", "near", "", (NearTerm(34.5, 113.5, 2000.0),)),
        ("Location", "near", "34.5|113.5", "near", "", (NearTerm(34.5, 113.5, 10_000.0),)),
        ("Patient", "_text", "头晕 起立", "string", "contains", (StringTerm("头晕 起立"),)),
        ("QuestionnaireResponse", "questionnaire", "urn:q|1", "reference", "", (ReferenceTerm("", "urn:q|1"),)),
        ("Condition", "patient:missing", "false", "reference", "missing", (MissingTerm(missing=False),)),
        (
            "Observation",
            "code-value-quantity",
            r"urn:l|a\$b$gt5.4",
            "composite",
            "",
            (CompositeTerm((TokenTerm("urn:l", "a$b"), QuantityTerm(FIVE))),),
        ),
        (
            "DocumentReference",
            "relationship",
            "appends$DocumentReference/d1",
            "composite",
            "",
            (CompositeTerm((TokenTerm(None, "appends"), ReferenceTerm("DocumentReference", "d1"))),),
        ),
    ],
)
def test_a_type_and_a_modifier_say_how_a_value_is_read(
    kind: str, name: str, value: str, type_: str, modifier: str, terms: tuple[Term, ...]
) -> None:
    found = clause(kind, name, value)

    assert (found.type, found.modifier, found.terms) == (type_, modifier, terms)


def test_a_chain_becomes_a_query_on_its_target() -> None:
    found = clause("CarePlan", "subject:Patient.identifier", "urn:x|1")

    inner = Clause("identifier", "identifier", (TokenTerm("urn:x", "1"),))
    assert found == Clause("subject", "reference", chain=Query("Patient", (inner,)))


def test_the_target_of_a_chain_may_be_left_out_where_there_is_one() -> None:
    found = clause("CarePlan", "patient.birthdate", "1943")

    assert found.chain is not None
    assert found.chain.kind == "Patient"


def test_the_owner_of_a_task_is_an_organisation() -> None:
    found = clause("Task", "owner.identifier", "12410100MB00000028")

    assert found.chain is not None
    assert found.chain.kind == "Organization"


def test_sort_count_and_total_are_results_and_no_clauses() -> None:
    query = parsed("Task", ("_sort", "-authored-on,_id"), ("_count", "5"), ("_total", "accurate"), ("_format", "json"))

    assert (query.clauses, query.sort) == ((), (Sort("authored-on", descending=True), Sort("_id")))
    assert (query.count, query.total) == (5, True)


@pytest.mark.parametrize(("asked", "given"), [("0", 0), ("20", 20), ("999999999", search.MAX_COUNT)])
def test_a_page_has_a_limit(asked: str, given: int) -> None:
    query = parsed("Task", ("_count", asked))

    assert (query.count, query.total) == (given, given == 0)


@pytest.mark.parametrize(
    ("kind", "name", "value", "code"),
    [
        ("Patient", "_has", "x", "FHIR-061"),
        ("Patient", "_has:Observation:patient", "x", "FHIR-061"),
        ("Patient", "_has:Observation:hobby:code", "x", "FHIR-061"),
        ("Patient", "_has:Observation:encounter:code", "x", "FHIR-061"),
        ("Patient", "_has:Elder:patient:code", "x", "FHIR-061"),
        ("Patient", "_has:Observation:patient:", "x", "FHIR-061"),
        ("Patient", "_has:Observation:patient:hobby", "x", "FHIR-045"),
        ("Patient", "_has:Observation:patient:_count", "1", "FHIR-045"),
        ("Patient", "_has:Observation:patient:date", "x", "FHIR-042"),
        ("Patient", ".".join(["link:Patient"] * 9 + ["gender"]), "x", "FHIR-046"),
        ("Patient", "_list", "$current-problems", "FHIR-042"),
        ("Patient", "_list:x", "1", "FHIR-041"),
        ("Patient", "_include", "Patient:hobby", "FHIR-060"),
        ("Patient", "_include", "Patient:birthdate", "FHIR-060"),
        ("Patient", "_include", "Patient", "FHIR-060"),
        ("Patient", "_include", "Elder:organization", "FHIR-060"),
        ("Patient", "_include", "Patient:organization:Group", "FHIR-060"),
        ("Patient", "_include", "Patient:*:Elder", "FHIR-060"),
        ("Patient", "_include", "", "FHIR-060"),
        ("Patient", "_include:recurse", "*", "FHIR-041"),
        ("Patient", "_revinclude", "*", "FHIR-060"),
        ("Patient", "_revinclude:", "Observation:subject", "FHIR-041"),
        ("Patient", "_filter", "x", "FHIR-041"),
        ("Patient", "age", "80", "FHIR-041"),
        ("Bundle", "composition", "x", "FHIR-041"),
        ("Patient", "_summary", "much", "FHIR-042"),
        ("Patient", "name:not", "王", "FHIR-041"),
        ("Patient", "name", "…。", "FHIR-042"),
        ("Patient", "name", "王" * 201, "FHIR-042"),
        ("Patient", "name:exact", "", "FHIR-042"),
        ("Patient", "gender:in", "urn:set", "FHIR-041"),
        ("Patient", "gender:missing", "maybe", "FHIR-042"),
        ("Patient", "gender:exact", "male", "FHIR-041"),
        ("Patient", "birthdate:not", "1943", "FHIR-041"),
        ("Patient", "_id:missing", "true", "FHIR-041"),
        ("Patient", "identifier:of-type", "a|b", "FHIR-042"),
        ("Patient", "identifier:of-type", "a||c", "FHIR-042"),
        ("Patient", "phone:of-type", "a|b", "FHIR-042"),
        ("Patient", "_text", 'a AND "b"', "FHIR-042"),
        ("Patient", "_text:exact", "a", "FHIR-041"),
        ("Patient", "_content:missing", "true", "FHIR-041"),
        ("Patient", "_profile:below", "urn:oid:1.2", "FHIR-042"),
        ("Condition", "subject:missing.birthdate", "true", "FHIR-041"),
        ("Condition", "subject:identifier.birthdate", "1943", "FHIR-041"),
        ("ValueSet", "url:below", "http://x.example" + "/a" * 20, "FHIR-042"),
        ("Location", "near", "91|0", "FHIR-042"),
        ("Location", "near", "1|2|3|furlong", "FHIR-042"),
        ("Location", "near", "1", "FHIR-042"),
        ("Location", "near", "gt1|2", "FHIR-042"),
        ("Observation", "value-quantity", "5|x", "FHIR-042"),
        ("Observation", "value-quantity", "5|x|", "FHIR-042"),
        ("Observation", "value-quantity", "five", "FHIR-042"),
        ("Observation", "value-quantity", "1e999", "FHIR-042"),
        ("Observation", "value-quantity", "9" * 41, "FHIR-042"),
        ("Patient", "identifier:contains", "1", "FHIR-041"),
        ("Observation", "code-value-quantity", "x", "FHIR-042"),
        ("Observation", "code-value-quantity", "x$", "FHIR-042"),
        ("Observation", "code-value-quantity", "x$5$6", "FHIR-042"),
        ("Observation", "code-value-quantity", "x$five", "FHIR-042"),
        ("Observation", "code-value-quantity:missing", "true", "FHIR-041"),
        ("MolecularSequence", "chromosome-variant-coordinate", "1$2$3", "FHIR-041"),
        ("Condition", "subject:Practitioner", "x", "FHIR-041"),
        ("Condition", "subject.birthdate", "1943", "FHIR-043"),
        ("Condition", "patient.hobby", "x", "FHIR-045"),
        ("Patient", "hobby", "x", "FHIR-045"),
        ("Patient", "gender", "", "FHIR-042"),
        ("Patient", "gender", "male,", "FHIR-042"),
        ("Patient", "gender", "a|b|c", "FHIR-042"),
        ("Patient", "gender", "a\\", "FHIR-042"),
        ("Patient", "gender", r"\x", "FHIR-042"),
        ("Patient", "birthdate", "1943-13", "FHIR-042"),
        ("Patient", "birthdate", "ap1943", "FHIR-041"),
        ("Patient", "_id", "a/b", "FHIR-042"),
        ("Condition", "patient", "Group/1", "FHIR-042"),
        ("Condition", "patient", "https://other.example/Patient/1", "FHIR-042"),
        ("Patient", "_count", "-1", "FHIR-042"),
        ("Patient", "_count", "\uff11", "FHIR-042"),
        ("Patient", "_sort", "hobby", "FHIR-044"),
        ("Patient", "_sort", "", "FHIR-044"),
        ("Observation", "_sort", "code-value-quantity", "FHIR-044"),
        ("Patient", "_sort", "-_id,name,family,given,gender,birthdate", "FHIR-046"),
        ("Patient", "_total", "many", "FHIR-042"),
        ("Patient", "gender", ",".join(["male"] * 101), "FHIR-046"),
    ],
)
def test_what_is_not_built_or_not_right_is_refused_by_name(kind: str, name: str, value: str, code: str) -> None:
    assert [found for found, _ in refused(kind, (name, value))] == [code]


def test_every_error_of_a_query_is_told_at_once() -> None:
    found = refused("Patient", ("birthdate", "x"), ("_filter", "y"), ("hobby", "z"))

    assert found == [("FHIR-042", "birthdate"), ("FHIR-041", "_filter"), ("FHIR-045", "hobby")]


def test_a_chain_is_read_step_by_step() -> None:
    found = clause("Observation", "encounter.subject:Patient.birthdate", "1943")

    assert found.chain is not None
    (inner,) = found.chain.clauses
    assert (found.param, found.chain.kind, inner.param, inner.chain and inner.chain.kind) == (
        "encounter", "Encounter", "subject", "Patient"
    )  # fmt: skip


def test_a_reverse_chain_is_read_step_by_step() -> None:
    found = clause("Patient", "_has:Encounter:patient:_has:Observation:encounter:code", "a")

    inner = Clause("_has", "has", has=Has("Observation", "encounter", clause("Observation", "code", "a")))
    assert found == Clause("_has", "has", has=Has("Encounter", "patient", inner))


def test_a_list_is_what_it_refers_to() -> None:
    assert clause("Patient", "_list", "42").has == Has("List", "item", clause("List", "_id", "42"))


@pytest.mark.parametrize(
    ("name", "value", "include"),
    [
        ("_include", "Observation:subject", Include("Observation", "subject")),
        ("_include", "Observation:subject:Group", Include("Observation", "subject", "Group")),
        ("_include:iterate", "Patient:organization", Include("Patient", "organization", iterate=True)),
        ("_include", "*", Include("Observation", "*")),
        ("_include", "Encounter:*:Patient", Include("Encounter", "*", "Patient")),
        ("_revinclude", "Task:focus", Include("Task", "focus", reverse=True)),
        ("_revinclude:iterate", "Task:*", Include("Task", "*", reverse=True, iterate=True)),
    ],
)
def test_an_include_is_read(name: str, value: str, include: Include) -> None:
    assert parsed("Observation", (name, value), (name, value)).includes == (include,)


def test_too_many_includes_are_refused() -> None:
    asked = [("_revinclude", f"{kind}:subject") for kind in ("Task", "Goal", "Flag", "Basic")]
    asked += [("_include", f"Observation:{name}") for name in search.included_by("Observation")]

    assert refused("Observation", *asked, ("_include", "Task:*"), ("_include", "*")) == [("FHIR-046", "_include")]


def test_too_many_clauses_are_refused() -> None:
    assert refused("Patient", *[("gender", "male")] * 33) == [("FHIR-046", "Patient")]


def test_an_unknown_parameter_is_only_a_warning_when_the_client_is_lenient() -> None:
    query, warnings = search.parse("Patient", [("hobby", "x"), ("gender", "male")], strict=False)

    assert [(w.code, w.severity) for w in warnings] == [("FHIR-040", "warning")]
    assert [c.param for c in query.clauses] == ["gender"]


def test_a_kind_that_r4_does_not_have_cannot_be_searched() -> None:
    assert refused("Elder") == [("FHIR-006", "")]


def test_a_refusal_never_repeats_the_value() -> None:
    with pytest.raises(Problems) as caught:
        parsed("Patient", ("birthdate", "410199194303051027"), ("_id", "王示兰"), ("王示兰", "x"))

    told = str([problem.text("zh") + problem.where for problem in caught.value.problems])
    assert "410199194303051027" not in told
    assert "王示兰" not in told


KINDS = st.sampled_from(["Patient", "Task", "Observation", "CarePlan", "Condition", "Encounter"])
NAMES = st.one_of(
    st.sampled_from(
        ["_id", "_lastUpdated", "_sort", "_count", "_total", "_has:x", "_list", "identifier", "patient", "subject"]
    ),
    st.sampled_from(
        [
            "owner",
            "date",
            "code",
            "birthdate",
            "subject:Patient",
            "patient.identifier",
            "owner.identifier",
            "name",
            "value-quantity",
            "_profile",
            "_tag:not",
            "code:text",
            "code:missing",
            "subject:identifier",
            "_text",
            "identifier:of-type",
            "name:contains",
            "patient.name:exact",
            "_profile:below",
            "_has:Observation:patient:code",
            "_has:Task:patient:owner.identifier",
            "encounter.subject:Patient.birthdate",
        ]
    ),
    st.text("abc_.:-|,\\王", max_size=12),
)
VALUES = st.one_of(
    st.text(max_size=20),
    st.text("ab|,\\$/1-:.TZ", max_size=20),
    st.sampled_from(["a|b", "Patient/1", "ge2026", "2026-03-04", "a,b", "\\,", "-_id", "5", "accurate"]),
)


@given(KINDS, st.lists(st.tuples(NAMES, VALUES), max_size=5), st.booleans())
def test_any_query_is_read_or_refused_and_what_is_read_is_typed(
    kind: str,
    pairs: list[tuple[str, str]],
    strict: bool,  # noqa: FBT001 - drawn
) -> None:
    try:
        query, warnings = search.parse(kind, pairs, strict=strict, base=BASE)
    except Problems:
        return

    assert all(isinstance(warning, Problem) for warning in warnings)
    for found in query.clauses:
        _assert_typed(found)


TERMS: dict[str, set[type]] = {
    "token": {TokenTerm, StringTerm},
    "identifier": {TokenTerm, StringTerm, OfTypeTerm},
    "reference": {ReferenceTerm},
    "id": {IdTerm},
    "date": {DateTerm},
    "lastUpdated": {DateTerm},
    "string": {StringTerm},
    "uri": {UriTerm},
    "quantity": {QuantityTerm},
}


def _assert_typed(found: Clause) -> None:
    assert (found.terms == ()) is (found.chain is not None or found.has is not None)
    assert {type(term) for term in found.terms} <= (TERMS[found.type] | {MissingTerm} if found.type != "has" else set())
    if found.has is not None:
        _assert_typed(found.has.clause)
    for inner in found.chain.clauses if found.chain else ():
        _assert_typed(inner)
