"""The references of a resource: which elders it points at, and are they there for whoever writes it.

Only references to a Patient are demanded to exist: they decide the compartment and with it every permission. Others
may point at what another organisation keeps (R4 references.html does not ask for integrity; design default).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache

from gateway.fhir import codec
from gateway.fhir.problem import Problem
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Doc, Draft
from gateway.store.protocol import Stored
from security.caller import Caller

_READING = frozenset({"system/Patient.r"})
_REFERENCE = re.compile(rb'"reference"\s*+:\s*+"([^"]*+)"')


def patients(doc: Doc, base: str) -> frozenset[str]:
    """Return the ids of the Patients that ``doc`` and its contained resources refer to."""
    return _ids(_references(doc), base)


def _written_patients(body: bytes, base: str) -> frozenset[str] | None:
    """Return what `patients` finds in the document of ``body``; None where the bytes may spell it otherwise.

    Without a backslash no text holds a quote, so what looks like a member is one.
    """
    if b"\\" in body:
        return None
    return _ids(map(bytes.decode, _REFERENCE.findall(body)), base) if b"Patient/" in body else frozenset()


def _ids(references: Iterable[str], base: str) -> frozenset[str]:
    found = (reference.removeprefix(base + "/") for reference in references)
    return frozenset(
        reference.removeprefix("Patient/").partition("/")[0] for reference in found if reference.startswith("Patient/")
    )


def newly_named(
    doc: Doc, body: bytes, base: str, *, prior: Stored | None = None, own: Set[str] = frozenset()
) -> frozenset[str]:
    """Return the Patients that ``doc`` refers to, but not those that ``prior`` refers to already, nor ``own``.

    ``body`` holds the bytes of ``doc``; ``own`` are Patients written in the same commit.
    """
    written = _written_patients(body, base)
    found = (patients(doc, base) if written is None else written) - own
    if found and prior is not None and not prior.deleted:
        before = _written_patients(prior.body, base)
        found -= patients(codec.parse_exact(prior.body), base) if before is None else before
    return found


async def existing(tools: Tools, elders: Set[str]) -> Mapping[str, Stored]:
    """Return those Patients of ``elders`` that exist. One query, none for nobody."""
    if not elders:
        return {}
    found = await tools.store.read_many([("Patient", elder) for elder in sorted(elders)])
    return {row.id: row for row in found.values() if not row.deleted}


def demand_open(it: Interaction, kind: str, elders: Set[str], found: Mapping[str, Stored]) -> None:
    """Raise Problem("HUB-004") unless each of ``elders`` is ``found`` and open to the writer of a ``kind``.

    Absent and closed answer alike.
    """
    if not elders:
        return
    writer = _reading(it.caller)
    for elder in elders:
        row = found.get(elder)
        if row is None or not it.tools.gate.decide(writer, "read", row.facts).allow:
            raise Problem("HUB-004", where=kind)


@lru_cache(maxsize=64)
def _reading(caller: Caller) -> Caller:
    """Return ``caller`` with the scope to read Patients; the entries of a bundle ask for the same.

    The relation decides whom one may write about; a client that only writes needs no scope to read.
    """
    return replace(caller, scopes=_READING)


@dataclass(slots=True)
class Around:
    """What stands around a write: ``patients`` written in the same commit, and those looked up for it so far."""

    patients: Set[str] = frozenset()
    found: dict[str, Stored] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


async def demand(it: Interaction, draft: Draft, around: Around) -> None:
    """Raise Problem("HUB-004") unless every Patient that ``draft`` newly names exists and is open to the writer.

    One query, none when nothing is new.
    """
    named = newly_named(draft.doc, draft.body, it.tools.base, prior=draft.prior, own=around.patients)
    around.found |= await existing(it.tools, named - around.asked)
    around.asked |= named
    demand_open(it, draft.kind, named, around.found)


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
