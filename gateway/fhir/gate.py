"""The strict gate: bytes to a checked resource, or every reason why it is none.

In: the bytes of one resource and the kind it should be. Out: the parsed document, numbers as written. Refused:
unreadable bytes (one `Problem`), and whatever breaks R4 or a profile that the resource claims (`Problems`, all of
them). Source: architecture §2 and §7, fhir-core.md D4.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.fhir import compartments, definitions, profiles, validate, wire
from gateway.fhir.codec import Json
from gateway.fhir.problem import Problem, Problems

MAX_BYTES = wire.MAX_BYTES
"""Largest resource; a door may set a smaller limit before."""
MAX_BINARY_BYTES = 6 * 1024 * 1024
"""Largest Binary: it carries a message of 4 MiB in base64 (architecture §7, "Binary its own cap")."""

_LARGE = 256 * 1024


def accept(body: bytes, *, kind: str) -> Json:
    """Return the resource of ``kind`` in ``body``, checked.

    Raises Problem FHIR-001 to FHIR-004 (unreadable), FHIR-005 and FHIR-006 (another kind), and Problems with every
    fault of `check` when one of them is an error. Warnings alone let it pass. About 60 µs for 1 kB.
    """
    with _collector_at_rest(len(body)):
        doc = _read(body, kind)
        demand(check(doc))
    return doc


def accept_partial(body: bytes, *, kind: str) -> Json:
    """Return the resource of ``kind`` in ``body``, held to R4 alone.

    For what a caller sends back of a view from which elements were taken: its profiles hold only once they are put
    back, and `check` must then be asked. Raises as `accept` does.
    """
    with _collector_at_rest(len(body)):
        doc = _read(body, kind)
        demand(validate.faults(doc))
    return doc


@contextmanager
def _collector_at_rest(size: int) -> Iterator[None]:
    """Keep Python's cycle collector from looking again and again at a large document while it grows.

    It would find nothing: what is read has no cycles. It made half of the cost of 4 MiB.
    """
    if size < _LARGE or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def demand(problems: list[Problem]) -> None:
    """Raise ``problems``, warnings too, when one of them is an error."""
    if any(problem.severity in ("error", "fatal") for problem in problems):
        raise Problems(problems)


def _read(body: bytes, kind: str) -> Json:
    doc = wire.read(body, limit=MAX_BINARY_BYTES if kind == "Binary" else MAX_BYTES)
    if kind not in definitions.kinds():
        raise Problem("FHIR-006", kind=wire.shown(kind))
    found = doc.get("resourceType")
    if found != kind:
        raise Problem("FHIR-005", where=kind, expected=kind, found=wire.shown(found))
    return doc


def check(doc: Json) -> list[Problem]:
    """Return every problem of the parsed resource ``doc``, warnings too; never raises.

    R4 first, then for ``doc`` and each resource in its entries: whose it is, and the profiles that it claims.
    """
    if _is_clean(doc):
        return []
    problems = validate.faults(doc)
    for where, resource in _standing(doc):
        problems += [_placed(problem, where) for problem in _beyond_r4(resource)]
    return problems


def _is_clean(doc: Json) -> bool:
    """Tell whether there is surely no problem, the short way of nearly every resource."""
    if not profiles.shipped().is_clean(doc):
        return False
    try:
        compartments.elder_of(doc)
        for entry in _entries(doc):
            if "resource" in entry:
                compartments.elder_of(entry["resource"])
    except Problem:
        return False
    return True


def _entries(doc: Json) -> list[Json]:
    entries: list[Json] = doc.get("entry", []) if doc["resourceType"] == "Bundle" else []
    return entries


def _standing(doc: Json) -> Iterator[tuple[str, Json]]:
    """Yield ``doc`` and the resources that stand by themselves in its entries, each with its FHIRPath."""
    yield str(doc.get("resourceType", "")), doc
    entries = doc.get("entry") if doc.get("resourceType") == "Bundle" else None
    for at, entry in enumerate(entries if isinstance(entries, list) else ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield f"Bundle.entry[{at}].resource", resource


def _beyond_r4(resource: Json) -> Iterator[Problem]:
    try:
        compartments.elder_of(resource)
    except Problem as problem:
        yield problem
    yield from profiles.shipped().faults(resource)


def _placed(problem: Problem, where: str) -> Problem:
    """Return ``problem``, whose place begins with the resource's kind, with the place ``where`` instead of the kind."""
    inside = problem.where.partition(".")[2]
    full = f"{where}.{inside}" if inside else where
    if full == problem.where:
        return problem
    return Problem(problem.code, where=full, source=problem.source, severity=problem.severity, **problem.detail)
