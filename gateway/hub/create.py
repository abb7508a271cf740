"""create: a new resource under a new id, controlled by the caller's organisation (FHIR R4 http.html#create)."""

from __future__ import annotations

from gateway.fhir import gate as fhir
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem
from gateway.hub import references
from gateway.hub.commit import commit, labelled, write_of, written
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Doc, Draft, Written
from gateway.store.protocol import MUST_NOT_EXIST, Batch, Write
from security.caller import Caller


async def create(tools: Tools, caller: Caller, kind: str, *, body: bytes) -> Written:
    """Store ``body`` as version 1. Its id, version and security labels are ours, whatever it says.

    Raises HUB-001 (scope), what the fhir gate finds, HUB-004 (a Patient that is not there), SEC-403.
    """
    async with tools.interaction(caller, "create", kind=kind) as it:
        write = await prepare(it, kind, body, id=tools.new_id())
        (done,) = await commit(tools, Batch((write,), report=it.report))
        return written(it, done)


async def prepare(
    it: Interaction,
    kind: str,
    body: bytes,
    *,
    id: str,  # noqa: A002
    around: references.Around | None = None,
    checked: Doc | None = None,
) -> Write:
    """Check everything that a create asks for and return its write.

    ``checked`` is the resource of ``body`` when the fhir gate has seen it in its bundle already.
    """
    it.scope("create", kind)
    if checked is None:
        checked = await aside(len(body), lambda: fhir.accept(body, kind=kind))
    draft = Draft(kind, id, body, checked)
    await references.demand(it, draft, around or references.Around())
    facts = labelled(it, draft, controllers=(it.caller.organisation,))
    if not it.decide("create", facts, doc=draft.doc).allow:
        raise Problem("SEC-403", where=kind)
    return write_of(it, draft, facts, expect=MUST_NOT_EXIST)
