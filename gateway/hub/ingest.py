"""ingest: what an inner actor hands in, many resources in one commit with its inbox mark and its feed cursor.

In: resources with ids, from the pipeline (for the sender's organisation) or the workflow. Everything is validated,
labelled and decided as any client's; the one entry of the message travels in the commit. Several messages share one
commit where they can; each is still all or nothing, and none suffers from another's fault.
Source: architecture §2 write path, "ONE commit"; docs/decisions/0075-messages-share-a-commit.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.fhir import codec, proof
from gateway.fhir import gate as fhir
from gateway.fhir.problem import Problem, Problems
from gateway.hub import references
from gateway.hub.commit import commit, is_kept, labelled, write
from gateway.hub.interaction import Interaction, Tools, demand_inner
from gateway.hub.values import Doc, Draft, Ingested, Put
from gateway.store.protocol import (
    ANY_VERSION,
    MUST_NOT_EXIST,
    Batch,
    Committed,
    InboxMark,
    Stored,
    Told,
    Write,
)
from security.audit.record import What
from security.caller import Caller

Key = tuple[str, str]
Priors = Mapping[Key, Stored]
Outcome = Ingested | Exception


@dataclass(frozen=True, slots=True)
class Message:
    """What ``caller``, an inner actor, hands in as one: ``puts`` and all that must happen with them.

    ``caller.organisation`` becomes a controller of every resource. ``what`` adds fields to the entry (interface,
    digest).
    """

    caller: Caller
    puts: Sequence[Put]
    marks: Sequence[InboxMark] = ()
    cursors: Sequence[tuple[str, str]] = ()
    entries: Sequence[bytes] = ()
    what: What | None = None


@dataclass(slots=True)
class _Work:
    """A message under way: its place among the others, its interaction, what was made of it so far.

    ``elders`` are the Patients that it newly names, by the place of the draft; ``kept`` the writes that change nothing.
    """

    at: int
    message: Message
    it: Interaction
    drafts: list[Draft] = field(default_factory=list)
    elders: list[frozenset[str]] = field(default_factory=list)
    writes: dict[Key, Write] = field(default_factory=dict)
    kept: set[Key] = field(default_factory=set)


async def ingest(tools: Tools, message: Message, *, priors: Priors | None = None) -> Ingested:
    """Write ``message`` in one commit, all or nothing. Raises what `ingest_all` would return."""
    (outcome,) = await ingest_all(tools, (message,), priors=priors)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def ingest_all(tools: Tools, messages: Sequence[Message], *, priors: Priors | None = None) -> list[Outcome]:
    """Write each of ``messages``, all or nothing, and return what became of each: in one commit where they agree.

    ``priors`` is what `current` returned just now for all their keys; without it they are read. At most two queries
    and the commit. What a message may come to: what the fhir gate finds (of all its resources, with the place
    `Kind/id.element`), HUB-004, SEC-403 (where: the kind), STO-412 (a version was not the expected one, or another
    message of these changes it), whatever else the store raises, or a fault of ours.
    """
    known = priors if priors is not None else await _priors(tools, messages)
    outcomes: dict[int, Outcome] = {}
    works = [_Work(at, each, tools.interaction(each.caller, "ingest")) for at, each in enumerate(messages)]
    works = await _passing(works, lambda work: _accept(work, known), outcomes)
    there = await references.existing(tools, {elder for work in works for each in work.elders for elder in each})
    works = await _passing(works, lambda work: _decide(work, there), outcomes)
    together, colliding = _apart(works)
    # Nothing was tried of these: whoever handed them in reads again and tries them alone.
    outcomes |= {work.at: Problem("STO-412", kind=work.drafts[0].kind, id=work.drafts[0].id) for work in colliding}
    outcomes |= await _committed(tools, together)
    return [outcomes[at] for at in range(len(messages))]


async def current(tools: Tools, caller: Caller, keys: Sequence[Key]) -> Priors:
    """Return those current versions of ``keys`` that ``caller``, an inner actor, works on: for merging. One query.

    Nothing leaves the process and no entry is written: the write that follows has one.
    """
    demand_inner(caller)
    found = await tools.store.read_many(tuple(dict.fromkeys(keys)))
    return {key: row for key, row in found.items() if tools.gate.decide(caller, "read", row.facts).allow}


async def _priors(tools: Tools, messages: Sequence[Message]) -> Priors:
    asked = dict.fromkeys(_key(put.doc) for message in messages for put in message.puts)
    return await tools.store.read_many(tuple(asked)) if asked else {}


async def _passing(works: Sequence[_Work], step: Callable[[_Work], None], outcomes: dict[int, Outcome]) -> list[_Work]:
    """Return the works that pass ``step``; the others have their entry and their outcome."""
    passed: list[_Work] = []
    for work in works:
        try:
            step(work)
            passed.append(work)
        except Exception as error:  # noqa: BLE001 - one message's fault, told as its outcome
            outcomes |= await _refused((work,), error)
        if len(works) > 1:
            await asyncio.sleep(0)  # whoever waits has a turn between two messages
    return passed


async def _refused(works: Sequence[_Work], error: Exception) -> dict[int, Outcome]:
    """Return ``error`` as the outcome of ``works``, once their entries are durable."""
    await asyncio.gather(*(work.it.tools.journal.append(work.it.refusal(error), durable=True) for work in works))
    return {work.at: error for work in works}


def _accept(work: _Work, priors: Priors) -> None:
    """Hold every resource to R4 and its profiles. Raises Problems with the faults of all."""
    base, problems = work.it.tools.base, list[Problem]()
    own = {id for kind, id in (_key(put.doc) for put in work.message.puts) if kind == "Patient"}  # noqa: A001 - FHIR's word
    for put in work.message.puts:
        kind, id = _key(put.doc)  # noqa: A001
        try:
            body = _body(put, kind)
        except Problems as found:
            problems += _placed(found.problems, f"{kind}/{id}")
            continue
        prior = priors.get((kind, id))
        work.drafts.append(Draft(kind, id, body, put.doc, prior))
        work.elders.append(references.newly_named(put.doc, body, base, prior=prior, own=own))
    if problems:
        raise Problems(problems)


def _body(put: Put, kind: str) -> bytes:
    """Return the bytes of a checked resource. Raises what the fhir gate finds."""
    if put.accepted is not None and put.accepted.doc is put.doc:
        return put.accepted.body
    accepted, _ = proof.prove(put.doc)
    if accepted is not None:
        return accepted.body
    body = codec.dump_exact(put.doc)
    fhir.accept(body, kind=kind)  # tells why it is not
    return body


def _placed(problems: Sequence[Problem], source: str) -> list[Problem]:
    return [
        Problem(p.code, where=p.where, source=p.source or source, severity=p.severity, **p.detail) for p in problems
    ]


def _decide(work: _Work, patients: Mapping[str, Stored]) -> None:
    """Label and decide every resource and make its write. ``patients``: those that exist of the ones named."""
    for draft, named in zip(work.drafts, work.elders, strict=True):
        references.demand_open(work.it, draft.kind, named, patients)
    for draft, put in zip(work.drafts, work.message.puts, strict=True):
        made = _write(work.it, draft, put)
        work.writes[made.kind, made.id] = made
        if is_kept(draft.prior, made):
            work.kept.add((made.kind, made.id))
    if len(work.writes) != len(work.drafts):
        raise ValueError("two writes of one resource in a message")
    _account(work)


def _write(it: Interaction, draft: Draft, put: Put) -> Write:
    controllers = (it.caller.organisation,) if it.caller.organisation else ()
    facts = labelled(it, draft, controllers=controllers, sent=put.sent)
    if draft.prior is not None and draft.prior.facts.elder != facts.elder:
        raise Problem("HUB-008", where=draft.kind)
    if not it.decide("ingest", facts, doc=draft.doc).allow:
        raise Problem("SEC-403", where=draft.kind)
    return write(it.tools.gate, draft, facts, expect=_expected(draft, put))


def _expected(draft: Draft, put: Put) -> int:
    """Return the version to demand: facts were computed from the prior version, so it must still be the one."""
    if put.expect != ANY_VERSION:
        return put.expect
    return MUST_NOT_EXIST if draft.prior is None else draft.prior.version


def _account(work: _Work) -> None:
    writes = work.writes.values()
    elders = {made.facts.elder for made in writes if made.facts.elder}
    one = work.drafts[0] if len(work.drafts) == 1 else None
    summary: What = {
        "kind": one.kind if one else "Bundle",
        "id": one.id if one else "",
        "version": 0,
        "elder": next(iter(elders)) if len(elders) == 1 else "",
        "count": len(writes),
        "size": sum(len(made.body) for made in writes),
    }
    work.it.note(summary)
    work.it.note(work.message.what or {})


def _apart(works: Sequence[_Work]) -> tuple[list[_Work], list[_Work]]:
    """Return the works that may share a commit, and those that touch what an earlier one changes, or the reverse."""
    together: list[_Work] = []
    colliding: list[_Work] = []
    touched: set[Key] = set()
    changed: set[Key] = set()
    for work in works:
        keys = work.writes.keys()
        changing = keys - work.kept
        if changed.isdisjoint(keys) and touched.isdisjoint(changing):
            together.append(work)
            touched |= keys
            changed |= changing
        else:
            colliding.append(work)
    return together, colliding


async def _committed(tools: Tools, works: Sequence[_Work]) -> dict[int, Outcome]:
    """Commit ``works`` at once; where that is refused, each alone, so that one only fails by itself."""
    if not works:
        return {}
    batch = _batch(works)
    try:
        done = await commit(tools, batch)
    except Problem as error:
        if len(works) == 1 or error.status == 503:
            return await _refused(works, error)
        alone = [await _committed(tools, (work,)) for work in works]
        return {at: outcome for each in alone for at, outcome in each.items()}
    except Exception as error:  # noqa: BLE001 - a fault of ours, told as the outcome
        return await _refused(works, error)
    by_key = dict(zip(((made.kind, made.id) for made in batch.writes), done, strict=True))
    return {work.at: _ingested(work, by_key) for work in works}


def _ingested(work: _Work, done: Mapping[Key, Committed]) -> Ingested:
    return Ingested(tuple(done[key] for key in work.writes))


def _batch(works: Sequence[_Work]) -> Batch:
    """Return the one batch of ``works``. What several of them leave as it is, is written once."""
    writes: dict[Key, Write] = {}
    told: list[Told] = []
    for work in works:
        own = [made for key, made in work.writes.items() if key not in writes]
        writes |= {(made.kind, made.id): made for made in own}
        if work.writes or work.message.what:
            told.append(Told(work.it.report, len(own), len(work.message.marks)))
        elif work.message.marks:
            told.append(Told(None, 0, len(work.message.marks)))
    return Batch(
        tuple(writes.values()),
        tuple(mark for work in works for mark in work.message.marks),
        tuple(entry for work in works for entry in work.message.entries),
        tuple(cursor for work in works for cursor in work.message.cursors),
        reports=tuple(told),
    )


def _key(doc: Doc) -> Key:
    return str(doc.get("resourceType", "")), str(doc.get("id", ""))
