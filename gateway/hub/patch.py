"""patch: a new version made of the one that the caller sees (FHIR R4 http.html#patch, fhirpatch.html).

The patch works on the resource as its caller reads it and on nothing else, so that no `test` and no path tells of what
is hidden; then the result is a PUT of the same caller and passes everything that a PUT passes.
Source: docs/decisions/0116-a-patch-works-on-what-its-caller-reads.md.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from gateway.fhir import codec, fhirpath_patch, json_patch
from gateway.fhir import gate as fhir
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem
from gateway.hub import references, update
from gateway.hub.demands import ANYTHING, Demand
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Doc, Written
from gateway.store.protocol import Write
from security.caller import Caller

JSON_PATCH: Final = "application/json-patch+json"


class Read(NamedTuple):
    """A patch that was understood: ``apply`` makes another document of one, ``touched`` are the members it names."""

    apply: Callable[[Doc], Doc]
    touched: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """A patch as it came. ``read`` understands it: inside the interaction, so that a bad one leaves its entry too."""

    read: Callable[[], Read]


def json_change(body: bytes) -> Change:
    """Return the JSON Patch in ``body``; reading it raises Problem FHIR-001 to FHIR-004, FHIR-070, FHIR-073."""
    return Change(lambda: _json(body))


def fhirpath_change(body: bytes, *, kind: str) -> Change:
    """Return the FHIRPath Patch of a ``kind``; reading it raises what the fhir gate finds, FHIR-070, FHIR-073."""
    return Change(lambda: _fhirpath(body, kind))


def wrapped_change(body: bytes, *, kind: str) -> Change:
    """Return the patch of a ``kind`` in the entry of a bundle (R4 http.html#patch).

    It is a Parameters, or a Binary that holds a JSON Patch. Reading it raises Problem FHIR-070 for another resource.
    """
    return Change(lambda: _wrapped(body, kind))


class _Binary(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's word
    contentType: str = ""  # noqa: N815
    data: str = ""


_DECODER = msgspec.json.Decoder(_Binary)


def _json(body: bytes) -> Read:
    operations = json_patch.read(body)
    return Read(lambda doc: json_patch.apply(operations, doc), json_patch.touched(operations))


def _fhirpath(body: bytes, kind: str) -> Read:
    operations = fhirpath_patch.read(body, kind=kind)
    named = fhirpath_patch.touched(operations, kind=kind)
    return Read(lambda doc: fhirpath_patch.apply(operations, doc), named)


def _wrapped(body: bytes, kind: str) -> Read:
    try:
        found = _DECODER.decode(body)
        if found.resourceType == "Parameters":
            return _fhirpath(body, kind)
        held = b64decode(found.data, validate=True)
    except (msgspec.DecodeError, ValueError):
        raise Problem("FHIR-070", reason="Binary") from None
    if found.resourceType != "Binary" or found.contentType.partition(";")[0].strip() != JSON_PATCH:
        raise Problem("FHIR-070", reason=f"Binary {JSON_PATCH}")
    return _json(held)


async def patch(
    tools: Tools,
    caller: Caller,
    kind: str,
    id: str,  # noqa: A002 - FHIR's word
    *,
    change: Change,
    demand: Demand = ANYTHING,
) -> Written:
    """Store what ``change`` makes of the version that ``caller`` sees; one that changes nothing keeps the version.

    Raises HUB-001, SEC-404 (absent and closed alike), STO-410, HUB-007, STO-412, SEC-405 (it names what is hidden),
    FHIR-071 to FHIR-073 (it cannot be applied), and what an update raises for the result.
    """
    async with tools.interaction(caller, "update", kind=kind, id=id) as it:
        it.note({"interface": "FHIR patch"})
        return await update.committed(
            it, lambda: prepare(it, kind, id, change=change, demand=demand), pinned=demand.pinned
        )


async def prepare(
    it: Interaction,
    kind: str,
    id: str,  # noqa: A002
    *,
    change: Change,
    demand: Demand,
    around: references.Around | None = None,
) -> Write:
    """Check everything that a patch asks for and return its write against the version that was read."""
    it.scope("update", kind)
    found = change.read()
    prior, seen = await update.visible(it, kind, id, demand=demand)
    it.tools.gate.demand_shown(seen, kind, found.touched)
    shown = it.tools.gate.mask(it.caller, seen, codec.parse_exact(prior.body))
    if shown is None:
        raise Problem("SEC-404")
    body = codec.dump_exact(await aside(len(prior.body), lambda: found.apply(shown)))
    # Read again as a client's body is: what was put together may be too large.
    exact = await aside(len(body), lambda: fhir.accept_partial(body, kind=kind))
    if exact.get("id") != id:
        raise Problem("HUB-005", where=f"{kind}.id")
    return await update.replacing(it, prior, seen, exact, body=body, around=around)
