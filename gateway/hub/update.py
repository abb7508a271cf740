"""update: a new version in place of one that the caller may see and change (FHIR R4 http.html#update).

What the caller's view hides is put back from the store; touching it is refused. A Task changes only in its few
elements, through a transition that the role may make, and only against the version that was read.
Source: issue, "Transitions" and "The carer's view"; docs/decisions/0070-hub-and-doors.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.fhir import codec
from gateway.fhir import gate as fhir
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem
from gateway.hub import create, own_ids, references
from gateway.hub.commit import commit, labelled, write_of, written
from gateway.hub.demands import ANYTHING, Demand
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Doc, Draft, Written
from gateway.store.protocol import ANY_VERSION, Batch, Stored, Write
from security.caller import Caller
from security.gate import Decision, task_change

ATTEMPTS = 5
"""How often an update without If-Match is tried against a version that others keep changing (design default)."""

STAMPED = frozenset({"versionId", "lastUpdated", "security"})
"""Members of meta that are the gateway's, whatever a client sends."""


async def update(
    tools: Tools,
    caller: Caller,
    kind: str,
    id: str,  # noqa: A002 - FHIR's word
    *,
    body: bytes,
    demand: Demand = ANYTHING,
) -> Written:
    """Store ``body`` as the next version, or the first of an id that the writer may give.

    A body that changes nothing keeps the version. Raises HUB-001, what the fhir gate finds, SEC-404 (absent and closed
    alike), STO-410, HUB-005 (id), HUB-007 (a Task without a version), STO-412 and HUB-043 (``demand``), HUB-008 (moved
    to another elder), SEC-403, WF-.
    """
    async with tools.interaction(caller, "update", kind=kind, id=id) as it:
        return await committed(it, lambda: prepare(it, kind, id, body=body, demand=demand), pinned=demand.pinned)


async def committed(it: Interaction, prepare: Callable[[], Awaitable[Write]], *, pinned: bool) -> Written:
    """Commit what ``prepare`` returns; where no version was asked for (not ``pinned``), again when others were faster.

    Raises what ``prepare`` raises, STO-412.
    """
    for attempt in range(ATTEMPTS):
        try:
            write = await prepare()
            (done,) = await commit(it.tools, Batch((write,), report=it.report))
            return written(it, done)
        except Problem as problem:
            # Nobody asked for a version: what was lost is only a race with another writer.
            if problem.code != "STO-412" or pinned or attempt == ATTEMPTS - 1:
                raise
            it.untold()
    raise AssertionError("the last attempt returns or raises")


async def prepare(  # noqa: PLR0913 - all that a request or a bundle's entry says
    it: Interaction,
    kind: str,
    id: str,  # noqa: A002
    *,
    body: bytes,
    demand: Demand = ANYTHING,
    around: references.Around | None = None,
    checked: Doc | None = None,
) -> Write:
    """Check everything that an update asks for and return its write against the version that was read.

    ``checked`` is the resource of ``body`` when the fhir gate has seen it in its bundle already.
    """
    it.scope("update", kind)
    exact = checked
    if exact is None:
        exact = await aside(len(body), lambda: fhir.accept_partial(body, kind=kind))
    if exact.get("id") != id:
        raise Problem("HUB-005", where=f"{kind}.id")
    if own_ids.may_give(it.caller.organisation, id) and await it.tools.store.read(kind, id) is None:
        return await _first(it, kind, id, body=body, demand=demand, around=around, checked=checked)
    prior, seen = await visible(it, kind, id, demand=demand)
    return await replacing(it, prior, seen, exact, body=body, around=around, sound=exact is checked)


async def replacing(  # noqa: PLR0913 - all that a request or a bundle's entry says
    it: Interaction,
    prior: Stored,
    seen: Decision,
    exact: Doc,
    *,
    body: bytes,
    around: references.Around | None = None,
    sound: bool = False,
) -> Write:
    """Return the write of ``exact``, read from ``body``, in place of ``prior``, which ``seen`` shows to the caller.

    ``sound`` tells that the fhir gate has let in ``exact`` as it is.
    """
    kind, stored = prior.kind, codec.parse_exact(prior.body)
    doc = _by_the_rules(it, kind, stored, it.tools.gate.restore(it.caller, seen, exact, stored))
    if doc is not exact or not sound:
        fhir.demand(await aside(len(body), lambda: fhir.check(doc)))
    draft = Draft(kind, prior.id, _bytes(doc, exact, body, stored=stored, prior=prior), doc, prior)
    return await _decided(it, draft, around or references.Around())


async def _first(  # noqa: PLR0913 - as `prepare`
    it: Interaction,
    kind: str,
    id: str,  # noqa: A002
    *,
    body: bytes,
    demand: Demand,
    around: references.Around | None,
    checked: Doc | None,
) -> Write:
    """Return the write of a new resource under the id that its writer gave, decided as a create (R4 #upsert)."""
    if demand.needs_one:
        raise Problem("STO-412", kind=kind, id=id)
    return await create.prepare(it, kind, body, id=id, around=around, checked=checked)


async def visible(it: Interaction, kind: str, id: str, *, demand: Demand) -> tuple[Stored, Decision]:  # noqa: A002
    """Return the version to be replaced and the decision to read it.

    The order matters: who may not see it learns nothing from its version.
    """
    prior = await it.tools.store.read(kind, id)
    seen = it.decide("read", prior.facts) if prior is not None else None
    if prior is None or seen is None or not seen.allow:
        raise Problem("SEC-404")
    it.about(prior)
    if prior.deleted:
        raise Problem("STO-410", kind=kind, id=id)
    demand.check(prior)
    if kind == "Task" and demand.version == ANY_VERSION:
        raise Problem("HUB-007")
    return prior, seen


def _bytes(doc: Doc, exact: Doc, body: bytes, *, stored: Doc, prior: Stored) -> bytes:
    """Return the bytes to store: as sent, unless something was put back; as stored, when only their form differs."""
    if _content(doc) == _content(stored):
        return prior.body
    return body if doc == exact else codec.dump_exact(doc)


def _content(doc: Doc) -> Doc:
    """Return ``doc`` without what the gateway itself puts into meta."""
    meta = {name: value for name, value in doc.get("meta", {}).items() if name not in STAMPED}
    return {**doc, "meta": meta}


def _by_the_rules(it: Interaction, kind: str, stored: Doc, wanted: Doc) -> Doc:
    """Return the Task that its rules make of ``wanted``; the same object for every other kind."""
    if kind != "Task":
        return wanted
    task_change(stored, wanted)
    return it.tools.task_rules(it.caller, stored, wanted)


async def _decided(it: Interaction, draft: Draft, around: references.Around) -> Write:
    prior = draft.prior
    assert prior is not None  # noqa: S101 - `visible` returned it
    if draft.elder(it.tools.base) != prior.facts.elder:
        raise Problem("HUB-008", where=draft.kind)
    await references.demand(it, draft, around)
    # The owner of a Task changes it without becoming one of its controllers.
    facts = labelled(it, draft, controllers=())
    for asked in (prior.facts, facts):
        if not it.decide("update", asked, doc=draft.doc).allow:
            raise Problem("SEC-403", where=draft.kind)
    return write_of(it, draft, facts, expect=prior.version)
