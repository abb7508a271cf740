"""Every search parameter that has a value in a resource finds it: by the value, and by whether it is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.fhir import index
from gateway.fhir.extract import extract, values_of
from gateway.fhir.paths import Path
from gateway.fhir.predicate import Facts
from gateway.store.protocol import Batch, FhirStore, Write
from tests.budget import examples
from tests.gateway.fhir.test_every_parameter import KINDS, cases, resource
from tests.gateway.store.making import find, ids

ONE_STORE = [HealthCheck.function_scoped_fixture]
CASES = [(kind, param.name, path) for kind in KINDS for param, path in cases(kind)]
# What can be asked exactly; an engine and a table by hand say elsewhere that these are the right values.


def stored(doc: dict[str, Any], id: str) -> Write:
    kind, body = doc["resourceType"], {**doc, "id": id}
    facts = Facts(kind, controllers=("H1",), klass="NURSING")
    return Write(kind, id, json.dumps(body).encode(), facts, extract(kind, body))


def question(entry: index.Entry) -> str:
    """Return what a client would ask to find ``entry``."""
    match entry:
        case index.Token(param, system, code):
            return f"{param}={system}|{code}" if system else f"{param}={code}"
        case index.Identifier(param, system, value):
            return f"{param}={system or ''}|{value}"
        case index.Reference(param, kind, id):
            return f"{param}={kind}/{id}" if kind else f"{param}={id.replace('|', chr(92) + '|')}"
        case index.Date(param):
            return f"{param}=2026-03-04"
        case index.Text(param, text):
            return f"{param}:exact={text}"
        case index.Uri(param, uri):
            return f"{param}={uri.replace('|', chr(92) + '|')}"
        case index.Amount(param, _, high, _, code):
            return f"{param}={'' if high else 'ge'}5{'||' + code if code else ''}"
        case index.Position(param, latitude, longitude):
            return f"{param}={latitude}|{longitude}|1|m"
    raise TypeError(entry)


@settings(max_examples=examples(150), suppress_health_check=ONE_STORE)
@given(case=st.sampled_from(CASES))
async def test_a_value_is_found_by_every_question_for_it(store: FhirStore, case: tuple[str, str, Path]) -> None:
    kind, param, path = case
    await store.commit(Batch((stored(resource(kind, path), "has"), stored({"resourceType": kind}, "lacks"))))
    entries = values_of(kind, param, resource(kind, path))

    found = {question(entry): ids((await find(store, kind, question(entry))).rows) for entry in entries}
    there = ids((await find(store, kind, f"{param}:missing=false")).rows)

    assert entries
    assert all("has" in each for each in found.values()), found
    assert "has" in there
    assert path.as_flag or "lacks" not in there


@pytest.mark.parametrize("kind", ["Patient", "Observation"])
def test_the_questions_are_of_every_type(kind: str) -> None:
    asked = {type(entry) for each, param, path in CASES for entry in values_of(each, param, resource(each, path))}

    assert asked >= {index.Token, index.Identifier, index.Reference, index.Date, index.Text, index.Uri, index.Amount}
    assert any(each == kind for each, _, _ in CASES)
