"""read: the current version of one resource (FHIR R4 http.html#read)."""

from __future__ import annotations

from gateway.hub.interaction import Tools
from gateway.hub.values import Released
from security.caller import Caller


async def read(tools: Tools, caller: Caller, kind: str, id: str) -> Released:  # noqa: A002 - FHIR's word
    """Return the current version as ``caller`` may see it. One query.

    Raises HUB-001 (scope), SEC-404 (absent and denied alike), STO-410 (deleted, to those who might have read it).
    """
    async with tools.interaction(caller, "read", kind=kind, id=id) as it:
        it.scope("read", kind)
        return it.release(await tools.store.read(kind, id), "read")
