"""Every search parameter of every kind: what a FHIRPath engine finds is what the index has; what has none is named.

The engine (fhirpathpy) is a second opinion on the paths; what a value of each type is found by is written here by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from fhirpathpy import compile as engine
from fhirpathpy.models import models

from gateway.fhir import definitions, index
from gateway.fhir.extract import converter_of, values_of
from gateway.fhir.paths import Path, paths
from gateway.fhir.search import params_of
from gateway.fhir.spans import span

KINDS = sorted(definitions.kinds())
NOT_OF_A_RESOURCE = {"_id", "_lastUpdated", "_text", "_content", "_filter", "_query"}
"""What a store answers itself, what has no expression on purpose, and what is no search on a value."""
CANNOT = {
    ("Bundle", "composition", "Resource"): "the first entry of a bundle is a resource, not a value",
    ("Bundle", "message", "Resource"): "the first entry of a bundle is a resource, not a value",
    ("CarePlan", "activity-date", "string"): "R4 search.html#date: a text is no date",
    ("Immunization", "date", "string"): "R4 search.html#date: a text is no date",
    ("Procedure", "date", "string"): "R4 search.html#date: a text is no date",
    ("Procedure", "date", "Age"): "R4 search.html#date: an age is no date",
    ("Procedure", "date", "Range"): "R4 search.html#date: a range of ages is no date",
    ("Observation", "value-quantity", "SampledData"): "R4 does not say by which of its numbers",
    ("Observation", "combo-value-quantity", "SampledData"): "R4 does not say by which of its numbers",
    ("Observation", "component-value-quantity", "SampledData"): "R4 does not say by which of its numbers",
    ("InsurancePlan", "name", ""): "R4 gives no expression",
    ("Patient", "age", ""): "R4 gives no expression; it changes with the day",
    ("Patient", "birthOrderBoolean", ""): "R4 gives no expression",
}
DAY = span("2026-03-04")
assert DAY is not None
UCUM = "http://unitsofmeasure.org"
CODING = {"system": "urn:s", "code": "c", "display": "d"}
QUANTITY = {"value": 5, "unit": "gram", "system": UCUM, "code": "g"}
VALUES: dict[str, Any] = {
    "CodeableConcept": {"coding": [CODING], "text": "t"}, "Coding": CODING, "code": "c", "boolean": True, "id": "i",
    "string": "text", "uri": "urn:u", "url": "http://u.example/a", "canonical": "http://c.example/a|1",
    "markdown": "md",
    "Identifier": {"system": "urn:i", "value": "7"}, "ContactPoint": {"system": "phone", "value": "138"},
    "Reference": {"identifier": {"system": "urn:i", "value": "8"}},
    "Attachment": {"url": "http://a.example/1"}, "date": "2026-03-04", "dateTime": "2026-03-04",
    "instant": "2026-03-04",
    "Period": {"start": "2026-03-04", "end": "2026-03-04"}, "Timing": {"event": ["2026-03-04"]},
    "HumanName": {"family": "F", "given": ["G", "H"]}, "Address": {"line": ["L"], "city": "C"}, "integer": 5,
    "decimal": 5, "Quantity": QUANTITY, "Age": QUANTITY, "Duration": QUANTITY, "Range": {"low": QUANTITY},
    "Money": {"value": 5, "currency": "CNY"}, "Location.position": {"latitude": 34.5, "longitude": 113.5},
}  # fmt: skip
"""A value of each type that is searched."""


@cache
def compiled(expression: str) -> Any:
    return engine(expression, models["r4"])


def value_of(path: Path) -> Any:
    found = VALUES[path.type]
    if path.type != "Reference":
        return found
    named = [step.name for step in path.steps if step.op == "refers"]
    bound = sorted(path.element.targets) if path.element is not None else []
    return {**found, "reference": f"{[*named, *bound, 'Patient'][0]}/r1"}


def resource(kind: str, path: Path) -> dict[str, Any]:
    """Return the least resource of ``kind`` that has a value at the end of ``path``."""
    doc: dict[str, Any] = {"resourceType": kind}
    moves = [step for step in path.steps if step.op in ("get", "each")]
    node, inner = doc, list(path.steps)
    for number, step in enumerate(inner):
        match step.op:
            case "equals":
                node[step.name] = step.value
            case "marked":
                node["extension"] = [{"url": step.name, "valueBoolean": True}]
            case "get" | "each":
                last = step is moves[-1]
                rest = inner[number + 1 :]
                made = value_of(path) if last else {}
                made = dict(made) if isinstance(made, dict) else made
                for later in rest if last else ():
                    if later.op == "equals":
                        made[later.name] = later.value
                node[step.name] = [made] if step.op == "each" else made
                if last:
                    return doc
                node = made
    return doc


Made = Callable[[str], list[index.Entry]]
ADDRESS = "http://c.example/a"
FOUND: dict[tuple[str, str], Made] = {
    ("token", "CodeableConcept"): lambda name: [index.Token(name, "urn:s", "c")],
    ("token", "Coding"): lambda name: [index.Token(name, "urn:s", "c")],
    ("token", "Identifier"): lambda name: [index.Identifier(name, "urn:i", "7")],
    ("token", "ContactPoint"): lambda name: [index.Identifier(name, None, "138")],
    ("reference", "canonical"): lambda name: [index.Reference(name, "", f"{ADDRESS}{v}") for v in ("|1", "")],
    ("reference", "Attachment"): lambda name: [index.Reference(name, "", "http://a.example/1")],
    ("reference", "uri"): lambda name: [index.Reference(name, "", "urn:u")],
    ("string", "HumanName"): lambda name: [index.Text(name, text) for text in "FGH"],
    ("string", "Address"): lambda name: [index.Text(name, text) for text in "LC"],
    ("uri", "canonical"): lambda name: [index.Uri(name, f"{ADDRESS}{v}") for v in ("|1", "")],
    ("quantity", "Range"): lambda name: [index.Amount(name, "5", "", UCUM, "g", "gram")],
    ("number", "Range"): lambda name: [index.Amount(name, "5", "", UCUM, "g", "gram")],
    ("quantity", "Money"): lambda name: [index.Amount(name, "5", "5", "urn:iso:std:iso:4217", "CNY")],
    ("quantity", "*"): lambda name: [index.Amount(name, "5", "5", UCUM, "g", "gram")],
    ("number", "*"): lambda name: [index.Amount(name, "5", "5")],
    ("special", "*"): lambda name: [index.Position(name, "34.5", "113.5")],
    ("date", "*"): lambda name: [index.Date(name, *DAY)],
}
"""What a value of `VALUES` is found by (R4 search.html#token, #reference, #date, ...)."""


def expected(param: definitions.SearchParameter, path: Path) -> list[index.Entry]:
    made = FOUND.get((param.type, path.type)) or FOUND.get((param.type, "*"))
    if path.as_flag:
        return [index.Token(param.name, None, "true")]
    if made is not None:
        return made(param.name)
    if path.type == "Reference":
        target = value_of(path)["reference"].split("/")[0]
        own = index.Reference(param.name, target, "r1")
        return [own, index.Identifier(f"{param.name}:identifier", "urn:i", "8")]
    value = VALUES[path.type]
    if param.type == "token":
        return [index.Token(param.name, system(path), "true" if value is True else value)]
    return [index.Text(param.name, value) if param.type == "string" else index.Uri(param.name, value)]


def system(path: Path) -> str | None:
    """Return the one system of a code's required binding, which a client may name."""
    bound = definitions.systems(path.element.binding) if path.element is not None and path.type == "code" else None
    return next(iter(bound)) if bound and len(bound) == 1 else None


def cases(kind: str) -> list[tuple[definitions.SearchParameter, Path]]:
    return [
        (param, path)
        for param in definitions.search_parameters(kind).values()
        if param.type != "composite" and param.name not in NOT_OF_A_RESOURCE and param.expression
        for path in paths(param.expression, kind)
        if converter_of(path, param.type) and path.type != "Extension"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_engine_finds_is_what_the_index_has(kind: str) -> None:
    differing = []
    for param, path in cases(kind):
        doc = resource(kind, path)

        seen, found = compiled(spoken(param.expression, kind))(doc), list(values_of(kind, param.name, doc))

        if not seen or found != expected(param, path):
            differing.append((param.name, path.type, seen, found))
    assert differing == []


def spoken(expression: str, kind: str) -> str:
    """Return ``expression`` for an engine that resolves nothing and knows no base types."""
    text = re.sub(r"hasExtension\(('[^']+')\)", r"extension.where(url = \1).exists()", expression)
    text = re.sub(r"\.where\(resolve\(\) is [A-Z][A-Za-z]+\)", "", text)
    return re.sub(r"\b(Domain)?Resource\.", f"{kind}.", text)


@pytest.mark.parametrize(
    ("kind", "param", "value", "expected"),
    [
        ("Patient", "mothersMaidenName", {"valueString": "李"}, [index.Text("mothersMaidenName", "李")]),
        ("Device", "din", {"valueIdentifier": {"value": "7"}}, [index.Identifier("din", None, "7")]),
        ("Observation", "gene-identifier", {"valueCodeableConcept": {"coding": [CODING]}},
         [index.Token("gene-identifier", "urn:s", "c")]),
        ("DiagnosticReport", "assessed-condition", {"valueReference": {"reference": "Condition/1"}},
         [index.Reference("assessed-condition", "Condition", "1")]),
        ("Patient", "mothersMaidenName", {"valueCode": "x"}, []),
    ],
)  # fmt: skip
def test_an_extension_is_found_by_its_value(
    kind: str, param: str, value: dict[str, Any], expected: list[index.Entry]
) -> None:
    url = definitions.search_parameters(kind)[param].expression.split("'")[1]

    assert (
        list(values_of(kind, param, {"extension": [{"url": url, **value}, {"url": "urn:other", **value}]})) == expected
    )


ELSEWHERE = {
    ("MolecularSequence", "chromosome-variant-coordinate"),
    ("MolecularSequence", "referenceseqid-variant-coordinate"),
}
"""Composites of which a component stands outside the element of the others."""


def test_every_component_of_a_composite_leads_to_values() -> None:
    left, asked = set(), 0
    for kind in KINDS:
        for name, param in definitions.search_parameters(kind).items():
            for base in paths(param.expression, kind) if param.type == "composite" else ():
                for component in param.components:
                    asked += 1
                    ways = [] if "%" in component.expression else paths(component.expression, base.type)
                    if not any(converter_of(path, component.type) for path in ways):
                        left.add((kind, name))

    assert (left, asked > 100) == (ELSEWHERE, True)


def test_every_parameter_is_indexed_but_those_that_are_named() -> None:
    left = set()
    for kind in KINDS:
        for name, param in definitions.search_parameters(kind).items():
            if param.type == "composite" or name in NOT_OF_A_RESOURCE:
                continue
            ways = paths(param.expression, kind) if param.expression else ()
            left |= {(kind, name, path.type) for path in ways if not converter_of(path, param.type)}
            left |= set() if ways else {(kind, name, "")}

    assert left == set(CANNOT)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_that_is_indexed_can_be_asked_for(kind: str) -> None:
    assert {param.name for param, _ in cases(kind)} <= params_of(kind).keys()
