"""Composition/$document: a composition with everything that it refers to and the caller may see (R4 documents.html).

Each resource is decided and masked as a read; one that is closed to the caller is left out, its reference stays.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.fhir import search as parameters
from gateway.fhir.problem import Problem
from gateway.hub.interaction import Tools
from gateway.hub.values import Found
from security.caller import Caller

KIND: Final = "Composition"
MAX_PARTS: Final = 500
"""As many as a transaction may have entries (design default)."""
_REFERENCE = re.compile(rb'"reference"\s*:\s*"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})[/"]')


async def document(tools: Tools, caller: Caller, id: str, *, persist: bool) -> Found:  # noqa: A002 - FHIR's word
    """Return the composition and what it refers to. Two queries. Raises HUB-001, SEC-404, STO-410, TRM-007."""
    async with tools.interaction(caller, "operation", kind=KIND, id=id) as it:
        it.note({"interface": f"FHIR {KIND}/$document"})
        if persist:
            raise Problem("TRM-007", name="persist", what="不支持保存文档", what_en="documents are not kept")
        it.scope("read", KIND)
        first = it.release(await tools.store.read(KIND, id), "read")
        named = dict.fromkeys((kind.decode(), other.decode()) for kind, other in _REFERENCE.findall(first.body))
        keys = [key for key in named if key != (KIND, id) and tools.permits(caller, "read", key[0])]
        found = await tools.store.read_many([key for key in keys if _is_kind(key[0])][:MAX_PARTS])
        offered = it.offered_each([found[key] for key in keys if key in found and not found[key].deleted], "read")
        rows = (first, *(row for row in offered if row is not None))
        it.note({"count": len(rows), "size": sum(len(row.body) for row in rows)})
        return Found(rows)


def _is_kind(name: str) -> bool:
    return parameters.supported(name)
