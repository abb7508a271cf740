"""create: a new resource under a new id, controlled by the caller's organisation (FHIR R4 http.html#create)."""

from __future__ import annotations

from collections.abc import Set

from gateway.fhir import gate as fhir
from gateway.fhir.problem import Problem
from gateway.hub import references
from gateway.hub.commit import Draft, commit, labelled, write_of, written
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Written
from gateway.store.protocol import MUST_NOT_EXIST, Batch, Write
from security.caller import Caller


async def create(tools: Tools, caller: Caller, kind: str, *, body: bytes) -> Written:
    """Store ``body`` as version 1. Its id, version and security labels are ours, whatever it says.

    Raises HUB-001 (scope), what the fhir gate finds, HUB-004 (a Patient that is not there), SEC-403.
    """
    async with tools.interaction(caller, "create", kind=kind) as it:
        write = await prepare(it, kind, body, id=tools.new_id())
        (done,) = await commit(tools, Batch((write,), entries=(it.entry(),)))
        return written(it, done)


async def prepare(
    it: Interaction,
    kind: str,
    body: bytes,
    *,
    id: str,  # noqa: A002
    known: Set[references.Key] = frozenset(),
) -> Write:
    """Check everything that a create asks for and return its write. ``known``: written in the same commit."""
    it.scope("create", kind)
    draft = Draft(kind, id, body, fhir.accept(body, kind=kind))
    await references.demand(it, draft.doc, known=known)
    facts = labelled(it, draft, controllers=(it.caller.organisation,))
    if not it.decide("create", facts, doc=draft.doc).allow:
        raise Problem("SEC-403", where=kind)
    return write_of(it, draft, facts, expect=MUST_NOT_EXIST)
