"""Tells in whose compartment a resource is: the one elder whose consent and care relation decide about it.

In: a resource. Out: the id of a Patient, "" when nobody is concerned. R4 lets a resource be in several compartments;
here it is in one: that of whom it is about, else of the first reference that R4's definition lists. Refused are
resources about several persons (FHIR-024): no single consent could decide about them.
Source: R4 compartmentdefinition-patient.html; docs/decisions/0011-one-elder-per-resource.md.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from gateway.fhir import definitions
from gateway.fhir.paths import Path, Step, paths
from gateway.fhir.problem import Problem

Json = dict[str, Any]

_ABOUT = ("patient", "subject", "beneficiary")
"""Parameters that say whom a resource is about, the strongest first; the others name who took part in it."""
_PATIENT = re.compile(r"Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


def elder_of(doc: Json, base: str = "") -> str:
    """Return the id of the Patient whose compartment ``doc`` is in, "" for none; a Patient is in its own.

    ``base`` is this server's own address: absolute references below it count as local ones. Nothing is fetched, and
    only the text of a reference counts, never its `type`. Raises Problem("FHIR-024") when ``doc`` is about several.
    """
    kind = str(doc.get("resourceType", ""))
    if kind == "Patient":
        return str(doc.get("id", ""))
    for name, ways in _ways(kind):
        if name:
            elder = _elder(doc[name], base) if name in doc else ""
            if elder:
                return elder
            continue
        found = {elder for path in ways for value in _values(doc, path.steps) if (elder := _elder(value, base))}
        if len(found) > 1:
            raise Problem("FHIR-024", where=kind)
        if found:
            return found.pop()
    return ""


@cache
def _ways(kind: str) -> tuple[tuple[str, tuple[Path, ...]], ...]:
    """Return the paths to persons, one group for each parameter, in the order in which they decide.

    Before a group that is one single member stands its name, before others "".
    """
    if kind not in definitions.kinds():
        return ()
    if kind == "Binary":
        return (_named(paths("Binary.securityContext", kind)),)
    # A Task has no compartment in R4, yet it is about somebody: its `patient` decides as elsewhere.
    listed = definitions.compartment("Patient").get(kind, ())
    known = definitions.search_parameters(kind)
    about = [name for name in _ABOUT if name in known and "Patient" in known[name].targets]
    names = dict.fromkeys((*about, *(name for name in listed if name in known)))
    return tuple(_named(_reaching(paths(known[name].expression, kind))) for name in names)


def _named(found: tuple[Path, ...]) -> tuple[str, tuple[Path, ...]]:
    only = found[0].steps if len(found) == 1 else ()
    return only[0].name if len(only) == 1 and only[0].op == "get" else "", found


def _reaching(found: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return ``found`` without the tests of a reference's type: `_elder` decides that, by the text alone."""
    plain = (path._replace(steps=tuple(s for s in path.steps if s.op != "refers")) for path in found)
    return tuple(path for path in plain if path.type == "Reference")


def _values(doc: Json, steps: tuple[Step, ...]) -> list[Any]:
    """Return what stands at the end of ``steps``; nothing where the document has another form."""
    nodes: list[Any] = [doc]
    for op, name, value in steps:
        if op == "get":
            nodes = [node[name] for node in nodes if node.__class__ is dict and name in node]
        elif op == "each":
            lists = [node.get(name) for node in nodes if node.__class__ is dict]
            nodes = [item for items in lists if items.__class__ is list for item in items]
        else:
            nodes = [node for node in nodes if node.__class__ is dict and op == "equals" and node.get(name) == value]
        if not nodes:
            break
    return nodes


def _elder(reference: Any, base: str) -> str:
    text = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(text, str) or "Patient/" not in text:
        return ""
    found = _PATIENT.fullmatch(text.removeprefix(base.rstrip("/") + "/") if base else text)
    return found[1] if found else ""
