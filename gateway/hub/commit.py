"""The one way to a new version: label, patch, index; then one commit with its entries; then tell who must know.

In: a resource that passed the fhir gate and the security gate. Out: what became of it. Source: architecture §2.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.fhir import codec
from gateway.fhir import search as parameters
from gateway.fhir.predicate import Facts
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Draft, Released, Written
from gateway.store.protocol import Batch, Committed, Stored, Write
from security.gate import Gate


def labelled(it: Interaction, draft: Draft, *, controllers: Sequence[str], sent: Sequence[str] | None = None) -> Facts:
    """Return the facts of ``draft``: the client's own security labels count for nothing (security.md CLS-07)."""
    prior = draft.prior.facts if draft.prior is not None else None
    return it.tools.gate.label(
        draft.kind, draft.doc, elder=draft.elder(it.tools.base), controllers=controllers, prior=prior, sent=sent
    )


def write(gate: Gate, draft: Draft, facts: Facts, *, expect: int) -> Write:
    """Return the write of ``draft``: id and security labels patched in, index values drawn from the result."""
    codings = gate.security_codes(facts)
    body = codec.settle(draft.body, id=draft.id, security=codings)
    doc = {**draft.doc, "id": draft.id, "meta": {**draft.doc.get("meta", {}), "security": codings}}
    return Write(draft.kind, draft.id, body, facts, parameters.extract(draft.kind, doc), expect=expect)


def write_of(it: Interaction, draft: Draft, facts: Facts, *, expect: int) -> Write:
    """Return the write of ``draft`` and name it in the entry."""
    made = write(it.tools.gate, draft, facts, expect=expect)
    it.note({"kind": draft.kind, "id": draft.id, "elder": facts.elder, "level": facts.level})
    it.note({"size": len(made.body), "version": _version(draft.prior, made)})
    return made


def is_kept(prior: Stored | None, made: Write) -> bool:
    """Tell whether ``made`` changes nothing of ``prior``: neither its content nor its facts."""
    return prior is not None and made.facts == prior.facts and _is_same(prior, made)


def _is_same(prior: Stored, made: Write) -> bool:
    return not prior.deleted and codec.unstamped(prior.body) == codec.unstamped(made.body)


def _version(prior: Stored | None, made: Write) -> int:
    """Return the version that ``made`` makes: the prior one when it changes nothing."""
    if prior is None:
        return 1
    return prior.version if _is_same(prior, made) else prior.version + 1


async def commit(tools: Tools, batch: Batch) -> tuple[Committed, ...]:
    """Commit ``batch``, then let the gate learn and the journal's writer look. Raises what the store raises."""
    done = await tools.store.commit(batch)
    # A later question must find the relation and the consent of this moment.
    tools.learning.committed(each.stored for each in done if each.changed)
    if batch.entries or batch.report or batch.reports:
        tools.journal.kick()
    return done


def written(it: Interaction, done: Committed) -> Written:
    """Return the outcome for the writer: the representation is a read, and is decided as one."""
    stored = done.stored
    return Written(
        stored.kind, stored.id, stored.version, stored.updated, done.created, done.changed, representation(it, stored)
    )


def representation(it: Interaction, stored: Stored) -> Released | None:
    """Return what the writer may read of ``stored``; None for nothing."""
    may_read = it.tools.permits(it.caller, "read", stored.kind)
    return it.offered(stored, "read") if may_read and not stored.deleted else None
