"""The references of a resource: which elders it points at, and are they there for whoever writes it.

Only references to a Patient are demanded to exist: they decide the compartment and with it every permission. Others
may point at what another organisation keeps (R4 references.html does not ask for integrity; design default).
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from gateway.fhir.problem import Problem
from gateway.hub.interaction import Interaction
from gateway.hub.values import Doc

Key = tuple[str, str]
_READING = frozenset({"system/Patient.r"})


def patients(doc: Doc, base: str) -> frozenset[str]:
    """Return the ids of the Patients that ``doc`` and its contained resources refer to."""
    found = (reference.removeprefix(base + "/") for reference in _references(doc))
    return frozenset(
        reference.removeprefix("Patient/").partition("/")[0] for reference in found if reference.startswith("Patient/")
    )


async def demand(it: Interaction, doc: Doc, *, known: Set[Key] = frozenset(), prior: Doc | None = None) -> None:
    """Raise Problem("HUB-004") unless every Patient that ``doc`` newly names exists and is open to the writer.

    ``known`` are resources written in the same commit. Absent and closed answer alike. One query, none when nothing
    is new.
    """
    before = patients(prior, it.tools.base) if prior is not None else frozenset()
    asked = [("Patient", elder) for elder in sorted(patients(doc, it.tools.base) - before)]
    asked = [key for key in asked if key not in known]
    if not asked:
        return
    stored = await it.tools.store.read_many(asked)
    # The relation decides whom one may write about; a client that only writes needs no scope to read.
    writer = replace(it.caller, scopes=_READING)
    for key in asked:
        row = stored.get(key)
        if row is None or row.deleted or not it.tools.gate.decide(writer, "read", row.facts).allow:
            raise Problem("HUB-004", where=str(doc.get("resourceType", "")))


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "reference" and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
