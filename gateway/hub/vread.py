"""vread: one version of one resource (FHIR R4 http.html#vread)."""

from __future__ import annotations

from gateway.fhir.problem import Problem
from gateway.hub.interaction import Tools
from gateway.hub.values import Released
from security.caller import Caller


async def vread(tools: Tools, caller: Caller, kind: str, id: str, *, version: int) -> Released:  # noqa: A002
    """Return ``version`` as ``caller`` may see it. Two queries.

    The current version decides too: what is closed to the caller today is closed in every version of it.
    Raises HUB-001, SEC-404, STO-410 (that version is a deletion).
    """
    async with tools.interaction(caller, "vread", kind=kind, id=id) as it:
        it.scope("vread", kind)
        current = await tools.store.read(kind, id)
        if current is None or not it.decide("vread", current.facts).allow:
            raise Problem("SEC-404")
        return it.release(await tools.store.vread(kind, id, version), "vread")
