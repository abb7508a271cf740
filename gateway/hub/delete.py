"""delete: a version that says the resource is gone; its history stays (FHIR R4 http.html#delete)."""

from __future__ import annotations

from gateway.fhir.problem import Problem
from gateway.hub.commit import commit, written
from gateway.hub.demands import ANYTHING, Demand
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Written
from gateway.store.protocol import Batch, Stored, Write
from security.caller import Caller


async def delete(
    tools: Tools,
    caller: Caller,
    kind: str,
    id: str,  # noqa: A002
    *,
    demand: Demand = ANYTHING,
) -> Written:
    """Delete the current version; deleting again changes nothing.

    Raises HUB-001, SEC-404 (absent and closed alike), SEC-403, STO-412.
    """
    async with tools.interaction(caller, "delete", kind=kind, id=id) as it:
        ready = await prepare(it, kind, id, demand=demand)
        if isinstance(ready, Written):
            return ready
        (done,) = await commit(tools, Batch((ready,), report=it.report))
        return written(it, done)


async def prepare(it: Interaction, kind: str, id: str, *, demand: Demand = ANYTHING) -> Write | Written:  # noqa: A002
    """Check everything that a delete asks for and return its write; the outcome when it is deleted already."""
    prior = await _allowed(it, kind, id, demand=demand)
    if prior.deleted:
        return Written(kind, id, prior.version, prior.updated, created=False, changed=False)
    it.note({"version": prior.version + 1})
    return Write(kind, id, b"", prior.facts, expect=prior.version, deleted=True)


async def _allowed(it: Interaction, kind: str, id: str, *, demand: Demand) -> Stored:  # noqa: A002
    it.scope("delete", kind)
    prior = await it.tools.store.read(kind, id)
    if prior is None or not it.decide("read", prior.facts).allow:
        raise Problem("SEC-404")
    it.about(prior)
    demand.check(prior)
    if not it.decide("delete", prior.facts).allow:
        raise Problem("SEC-403", where=kind)
    return prior
