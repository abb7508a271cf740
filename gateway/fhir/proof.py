"""A resource built here, checked once, with the bytes to store: who is handed the proof need not look again.

In: a document made by a map. Out: `Accepted`, or every reason why it is none. Nobody may change ``doc`` afterwards.
Source: architecture §2; docs/decisions/0076-checked-once.md.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.fhir import gate, strict_json
from gateway.fhir.codec import Json, dump_exact
from gateway.fhir.problem import Problem, Problems


class Accepted(NamedTuple):
    """A resource in which `gate.accept` finds no error, and its JSON. Made by `prove` alone."""

    doc: Json
    body: bytes


def prove(doc: Json, body: bytes = b"") -> tuple[Accepted | None, list[Problem]]:
    """Return the proof of ``doc``, None when it has an error; and its problems, warnings too. Never raises.

    ``body`` is its JSON where the caller has it already, as `dump_exact` writes it.
    """
    problems = gate.check(doc)
    if any(problem.severity in ("error", "fatal") for problem in problems):
        return None, problems
    body = body or dump_exact(doc)
    if len(body) > gate.MAX_BYTES or not strict_json.is_bounded(doc, body):
        # Too large or too deep, or what only looks so: the strict reader tells.
        try:
            gate.accept(body, kind=str(doc["resourceType"]))
        except Problem as found:
            return None, [*problems, found]
        except Problems as found:
            return None, list(found.problems)
    return Accepted(doc, body), problems
