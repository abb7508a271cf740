"""A proof holds what the gate would have accepted, and nothing that it would have refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.fhir import codec, gate
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.proof import prove
from tests.gateway.fhir.samples import GOOD


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_good_resource_is_proved_with_the_bytes_that_the_gate_accepts(kind: str) -> None:
    doc = codec.parse_exact(json.dumps(GOOD[kind]))

    accepted, problems = prove(doc)

    assert accepted is not None
    assert (accepted.doc, problems) == (doc, gate.check(doc))
    assert gate.accept(accepted.body, kind=kind) == doc


def _nested(depth: int) -> dict[str, Any]:
    extension: dict[str, Any] = {"url": "http://example.org/x", "valueString": "x"}
    for _ in range(depth):
        extension = {"url": "http://example.org/x", "extension": [extension]}
    return {**GOOD["Patient"], "extension": [extension]}


@pytest.mark.parametrize(
    "doc",
    [
        {**GOOD["Patient"], "unknown": 1},
        {**GOOD["Patient"], "gender": "?"},
        _nested(40),
        {**GOOD["Patient"], "extension": [{"url": "http://example.org/x", "valueDecimal": 1e300}]},
        {**GOOD["Patient"], "extension": [{"url": "http://example.org/x", "valueDecimal": codec.number("1E-400")}]},
    ],
    ids=["unknown-element", "bad-code", "too-deep", "float-too-large", "decimal-too-small"],
)
def test_what_the_gate_refuses_is_not_proved(doc: dict[str, Any]) -> None:
    with pytest.raises((Problem, Problems)):
        gate.accept(codec.dump_exact(doc), kind="Patient")

    accepted, problems = prove(doc)

    assert accepted is None
    assert problems


def test_bytes_that_are_known_already_are_those_of_the_proof() -> None:
    doc = codec.parse_exact(json.dumps(GOOD["Patient"]))

    accepted, _ = prove(doc, codec.dump_exact(doc))

    assert accepted == prove(doc)[0]
