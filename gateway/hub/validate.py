"""$validate: what the gateway would say to this resource, without keeping it (FHIR R4 resource-operation-validate)."""

from __future__ import annotations

from gateway.fhir import gate as fhir
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem, Problems
from gateway.hub.interaction import Tools
from security.caller import Caller


async def validate(tools: Tools, caller: Caller, kind: str, *, body: bytes, id: str = "") -> tuple[Problem, ...]:  # noqa: A002
    """Return all problems of ``body`` as a resource of ``kind``; none means valid.

    Any signed-in caller may ask: nothing stored is read. With ``id`` the resource must carry it (HUB-005).
    """
    async with tools.interaction(caller, "validate", kind=kind) as it:
        it.note({"size": len(body)})
        try:
            doc = await aside(len(body), lambda: fhir.accept(body, kind=kind))
        except Problems as found:
            return found.problems
        except Problem as found:
            return (found,)
        warnings = tuple(fhir.check(doc))
        return (Problem("HUB-005", where=f"{kind}.id"), *warnings) if id and doc.get("id") != id else warnings
