"""The short way of the gate: where it says "clean" the long way has nothing to say, and it says so of what is usual."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import codec, definitions, gate, guards, profiles, straight, validate
from gateway.fhir.evaluate import Scope, compiled
from gateway.fhir.invariants import of_type
from gateway.fhir.problem import Problem
from tests.budget import examples
from tests.gateway.fhir.samples import GOOD, good

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = [json.loads(path.read_bytes()) for path in sorted((ROOT / "profiles/examples").glob("*/good*.json"))]
FEEDS = sorted(path.parent for path in (ROOT / "mappings").glob("*/*/map.yaml"))
Json = dict[str, Any]


def long_way(doc: Json) -> list[Problem]:
    """Return the problems that the gate finds when nothing is cut short."""
    problems = validate.faults_of(doc)
    for _, resource in gate._standing(doc):
        problems += gate._beyond_r4(resource)
    return problems


def usual_outputs(folder: Path) -> list[Json]:
    found = []
    for path in sorted(folder.glob("cases/*/out.json")):
        found += codec.parse_exact(path.read_bytes())["resources"]
    return found


# What a mutation puts in the place of a value: wrong kinds, wrong codes, other dates, empty and odd ones.
ODD = st.sampled_from(
    [None, "", " ", "x", "final", "finished", "male", "2026-03-04", "2026-02-30", "2026-03-04T08:00:00+08:00", 0, -1,
     1.5, True, [], {}, [None], ["x"], {"a": 1}, [{}], {"text": "x"}, [{"text": "x"}], {"reference": "Patient/other"},
     {"reference": "#x"}, {"reference": "urn:uuid:1"}, {"reference": "Device/d", "type": "Patient"}, "http://x y",
     {"coding": [{"code": "x"}]}, {"start": "2026-03-04", "end": "2026-03-03"}, {"value": 1, "code": "mg"}, "a\nb",
     {"extension": [{"url": "http://x", "valueString": "x"}]}, [{"url": "x"}], "\u3000", "110105194912310021"]
)  # fmt: skip
NAMES = sorted(
    {"resourceType", "contained", "extension", "modifierExtension", "id", "_id", "unknown", "_birthDate", "_given",
     "valueString", "valueInteger", "_valueString", "url", "system", "code", "value", "use", "start", "end", "status",
     "period", "text", "meta", "profile", "data", "type", "reference", "home", "gender", "_gender", "birthDate"}
)  # fmt: skip


def places(node: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return every (container, key or index) below ``node``."""
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        found.append((node, key))
        if isinstance(value, dict | list):
            places(value, found)
    return found


def mutate(doc: Json, data: st.DataObject) -> Json:
    """Return ``doc`` with one to three places changed."""
    changed = copy.deepcopy(doc)
    for _ in range(data.draw(st.integers(1, 3))):
        spots = places(changed, [])
        if not spots:
            break
        holder, key = spots[data.draw(st.integers(0, len(spots) - 1))]
        how = data.draw(st.sampled_from(["replace", "remove", "add", "twice"]))
        if how == "replace":
            holder[key] = copy.deepcopy(data.draw(ODD))
        elif how == "remove":
            del holder[key]
        elif how == "twice" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif isinstance(holder, dict):
            holder[data.draw(st.sampled_from(NAMES))] = copy.deepcopy(data.draw(ODD))
    return changed


def told(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in problems]


# What is rare goes the long way: a contained resource, an extension of one value in a list.
@pytest.mark.parametrize("kind", [kind for kind in GOOD if kind not in ("Patient", "MedicationRequest")])
def test_a_good_resource_takes_the_short_way(kind: str) -> None:
    assert straight.R4.is_clean(GOOD[kind])


@pytest.mark.parametrize("folder", FEEDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_the_maps_write_takes_the_short_way_past_its_profiles(folder: Path) -> None:
    documents = usual_outputs(folder)
    kept = [doc for doc in documents if profiles.shipped().is_clean(doc)]

    warned = [doc for doc in documents if doc not in kept]

    assert all(long_way(doc) for doc in warned)
    assert len(kept) > len(documents) * 0.9


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from([*GOOD]), st.data())
def test_a_changed_resource_is_told_as_by_the_long_way(kind: str, data: st.DataObject) -> None:
    doc = mutate(GOOD[kind], data)

    if straight.R4.is_clean(doc):
        assert told(validate.faults_of(doc)) == []


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(EXAMPLES), st.data())
def test_a_changed_example_of_a_profile_is_told_as_by_the_long_way(example: Json, data: st.DataObject) -> None:
    doc = mutate(example, data)

    short = gate._is_clean(doc)

    assert not short or told(long_way(doc)) == []


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.sampled_from([*GOOD]), min_size=1, max_size=3), st.data())
def test_a_changed_bundle_is_told_as_by_the_long_way(kinds: list[str], data: st.DataObject) -> None:
    entries = [{"resource": GOOD[kind], "request": {"method": "PUT", "url": f"{kind}/a"}} for kind in kinds]
    doc = mutate({"resourceType": "Bundle", "type": "transaction", "entry": entries}, data)

    assert not gate._is_clean(doc) or told(long_way(doc)) == []


@settings(max_examples=examples(100), deadline=None)
@given(st.sampled_from(EXAMPLES), st.data())
def test_without_room_for_functions_a_changed_example_is_told_the_same(example: Json, data: st.DataObject) -> None:
    doc = mutate(example, data)

    short = _narrow().is_clean(doc)

    assert not short or told(validate.faults_of(doc) + profiles.shipped().faults(doc)) == []


def test_without_room_for_functions_good_resources_take_the_short_way() -> None:
    kept = [example for example in EXAMPLES if _narrow().is_clean(example)]

    assert len(kept) > len(EXAMPLES) * 0.7


@cache
def _narrow() -> straight.Straight:
    """Return the short cut of the shipped profiles, without room for a function of its own."""
    wide = profiles.shipped()._straight
    return straight.Straight(wide.trees, wide.kinds, room=0)


def test_an_object_with_a_member_that_nobody_knows_leaves_nothing_behind() -> None:
    one = straight.Straight({}, {})
    one.is_clean({"resourceType": "Basic", "code": {"text": "x"}})
    before = one.made

    for number in range(3):
        assert not one.is_clean({"resourceType": "Basic", f"code{number}": {"text": "x"}})

    assert one.made == before == 2


def test_a_bundle_of_good_resources_takes_the_short_way() -> None:
    entry = {"resource": GOOD["Observation"], "request": {"method": "PUT", "url": "Observation/o1"}}

    assert gate._is_clean(good("Bundle", type="transaction", entry=[entry] * 3))


RULED = [
    name
    for name in definitions.type_names()
    if of_type(name) and not name.startswith(("StructureDefinition", "ElementDefinition", "TestScript"))
]


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from(RULED), st.data())
def test_a_guard_lets_nothing_pass_that_its_rule_refuses(type_: str, data: st.DataObject) -> None:
    node = data.draw(_objects(type_, 2))
    for rule in of_type(type_):
        guard = guards.guard_of([rule.expression], type_)

        if guard is not None and guard(node):
            assert not rule.broken(node, type_, Scope(node, node, (node, type_), {})), rule.key


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        ("2026-03-04", "2026-03-04", True),
        ("2026-03-05", "2026-03-04", False),
        ("2026-03-04T08:00:00+08:00", "2026-03-04T09:00:00+08:00", True),
        ("2026-03-04T08:00:00Z", "2026-03-04T09:00:00Z", True),
        ("2026-03-04T08:00:00+08:00", "2026-03-04T07:00:00+01:00", False),
        ("2026-03", "2026-03-04", False),
    ],
)
def test_two_dates_are_in_order_at_a_glance_only_in_one_form(start: str, end: str, kept: bool) -> None:  # noqa: FBT001
    guard = guards.guard_of(["start.hasValue().not() or end.hasValue().not() or (start <= end)"], "Period")

    assert guard is not None
    assert guard({"start": start, "end": end}) is kept


@pytest.mark.parametrize(
    ("expression", "node", "kept"),
    [
        ("identifier.count() + name.count() > 0", {"name": "x"}, True),
        ("identifier.count() + name.count() > 0", {"active": True}, False),
        ("address.where(use = 'home').empty()", {"address": [{"use": "work"}, {"text": "x"}]}, True),
        ("address.where(use = 'home').empty()", {"address": [{"use": "work"}, {"use": "home"}]}, False),
        ("telecom.where(use = 'work' and value.exists()).exists()", {"telecom": [{"use": "work"}]}, False),
        ("telecom.where(use = 'work' and value.exists()).exists()", {"telecom": [{"use": "work", "value": "1"}]}, True),
        ("partOf.display.exists() implies partOf.reference.exists()", {"partOf": {"display": "x"}}, False),
        ("partOf.display.exists() implies partOf.reference.exists()", {"partOf": {"reference": "x"}}, True),
        ("name = 'x' implies alias.exists()", {"_name": {"id": "a"}}, False),
        ("name = 'x' implies alias.exists()", {"name": "y"}, True),
    ],
)
def test_a_guard_answers_as_the_rule_does(expression: str, node: Json, kept: bool) -> None:  # noqa: FBT001
    guard = guards.guard_of([expression], "Organization")
    item = (node, "Organization")
    found = compiled(expression)([item], Scope(node, node, item, {}))

    assert guard is not None
    assert guard(node) is kept
    assert not kept or found == [(True, "boolean")]


def test_a_rule_that_cannot_be_guarded_is_asked_itself() -> None:
    assert guards.guard_of(["name.matches('[A-Z]')"], "Library") is None


@cache
def _objects(type_: str, depth: int) -> st.SearchStrategy[Json]:
    """Return objects whose members have the right form, whatever the rules say of them."""
    members: dict[str, st.SearchStrategy[Any]] = {}
    for element in definitions.elements(type_).values():
        for name, kind in element.json_names():
            one = _value(kind, depth)
            if one is not None:
                members[name] = st.lists(one, min_size=1, max_size=2) if element.many else one
            if definitions.is_primitive(kind) and not element.many:
                members[f"_{name}"] = st.just({"id": "a"})
    return st.dictionaries(st.sampled_from(sorted(members)), st.none(), max_size=6).flatmap(
        lambda chosen: st.fixed_dictionaries({name: members[name] for name in chosen})
    )


def _value(kind: str, depth: int) -> st.SearchStrategy[Any] | None:
    if definitions.is_primitive(kind):
        return _PRIMITIVES.get(kind, st.sampled_from(["home", "finished", "x", "entered-in-error", "batch", "active"]))
    if depth == 0 or kind in ("Resource", "Extension", "Narrative", "Meta") or not definitions.is_type(kind):
        return None
    return st.deferred(lambda: _objects(kind, depth - 1)).filter(bool)


_DATES = st.sampled_from(["2026-03-04", "2026-03", "2026-03-04T08:00:00+08:00", "2026-03-04T01:00:00Z", "2027"])
_PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("date", "dateTime", "instant"), _DATES),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt", "decimal"), st.integers(-1, 3)),
    "boolean": st.booleans(),
}
