"""ingest: what an inner actor hands in, many resources in one commit with its inbox mark and its feed cursor.

In: resources with ids, from the pipeline (for the sender's organisation) or the workflow. Everything is validated,
labelled and decided as any client's; the one entry of the message travels in the commit.
Source: architecture §2 write path, "ONE commit".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.fhir import codec
from gateway.fhir import gate as fhir
from gateway.fhir.problem import Problem, Problems
from gateway.hub import references
from gateway.hub.commit import Draft, commit, labelled, write_of
from gateway.hub.interaction import Interaction, Tools, demand_inner
from gateway.hub.values import Doc, Ingested, Put
from gateway.store.protocol import ANY_VERSION, MUST_NOT_EXIST, Batch, InboxMark, Stored, Write
from security.audit.record import What
from security.caller import Caller

Key = tuple[str, str]


async def ingest(  # noqa: PLR0913 - all that must happen together
    tools: Tools,
    caller: Caller,
    puts: Sequence[Put],
    *,
    marks: Sequence[InboxMark] = (),
    cursors: Sequence[tuple[str, str]] = (),
    entries: Sequence[bytes] = (),
    what: What | None = None,
) -> Ingested:
    """Write ``puts`` and everything that belongs to them in one commit, all or nothing.

    ``caller.organisation`` becomes a controller of every resource. ``what`` adds fields to the entry (interface,
    digest). Two queries and the commit. Raises what the fhir gate finds (of all resources, with the place
    `Kind/id.element`), HUB-004, SEC-403 (where: the kind), STO-412 (a version was not the expected one).
    """
    async with tools.interaction(caller, "ingest") as it:
        drafts = _accepted(puts, await _priors(tools, puts))
        keys = frozenset((draft.kind, draft.id) for draft in drafts)
        for draft in drafts:
            await references.demand(it, draft.doc, known=keys, prior=_doc(draft.prior))
        writes = tuple(_write(it, draft, put) for draft, put in zip(drafts, puts, strict=True))
        _account(it, drafts, writes, what)
        own = () if not puts and not what else (it.entry(),)
        batch = Batch(writes, tuple(marks), (*own, *entries), tuple(cursors))
        return Ingested(await commit(tools, batch))


async def current(tools: Tools, caller: Caller, keys: Sequence[Key]) -> Mapping[Key, Stored]:
    """Return those current versions of ``keys`` that ``caller``, an inner actor, works on: for merging. One query.

    Nothing leaves the process and no entry is written: the write that follows has one.
    """
    demand_inner(caller)
    found = await tools.store.read_many(tuple(dict.fromkeys(keys)))
    return {key: row for key, row in found.items() if tools.gate.decide(caller, "read", row.facts).allow}


async def _priors(tools: Tools, puts: Sequence[Put]) -> Mapping[Key, Stored]:
    asked = tuple(dict.fromkeys(_key(put.doc) for put in puts))
    return await tools.store.read_many(asked) if asked else {}


def _accepted(puts: Sequence[Put], priors: Mapping[Key, Stored]) -> list[Draft]:
    drafts: list[Draft] = []
    problems: list[Problem] = []
    for put in puts:
        kind, id = _key(put.doc)  # noqa: A001 - FHIR's word
        body = codec.dump_exact(put.doc)
        try:
            fhir.accept(body, kind=kind)
        except Problems as found:
            problems.extend(_placed(found.problems, f"{kind}/{id}"))
        drafts.append(Draft(kind, id, body, put.doc, priors.get((kind, id))))
    if problems:
        raise Problems(problems)
    return drafts


def _placed(problems: Sequence[Problem], source: str) -> list[Problem]:
    return [
        Problem(p.code, where=p.where, source=p.source or source, severity=p.severity, **p.detail) for p in problems
    ]


def _write(it: Interaction, draft: Draft, put: Put) -> Write:
    controllers = (it.caller.organisation,) if it.caller.organisation else ()
    facts = labelled(it, draft, controllers=controllers, sent=put.sent)
    if draft.prior is not None and draft.prior.facts.elder != facts.elder:
        raise Problem("HUB-008", where=draft.kind)
    if not it.decide("ingest", facts, doc=draft.doc).allow:
        raise Problem("SEC-403", where=draft.kind)
    return write_of(it, draft, facts, expect=_expected(draft, put))


def _expected(draft: Draft, put: Put) -> int:
    """Return the version to demand: facts were computed from the prior version, so it must still be the one."""
    if put.expect != ANY_VERSION:
        return put.expect
    return MUST_NOT_EXIST if draft.prior is None else draft.prior.version


def _account(it: Interaction, drafts: Sequence[Draft], writes: Sequence[Write], what: What | None) -> None:
    elders = {write.facts.elder for write in writes if write.facts.elder}
    one = drafts[0] if len(drafts) == 1 else None
    summary: What = {
        "kind": one.kind if one else "Bundle",
        "id": one.id if one else "",
        "version": 0,
        "elder": next(iter(elders)) if len(elders) == 1 else "",
        "count": len(writes),
        "size": sum(len(write.body) for write in writes),
    }
    it.note(summary)
    it.note(what or {})


def _key(doc: Doc) -> Key:
    return str(doc.get("resourceType", "")), str(doc.get("id", ""))


def _doc(stored: Stored | None) -> Doc | None:
    return None if stored is None or stored.deleted else codec.parse_exact(stored.body)
