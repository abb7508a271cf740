"""The one way to a new version: label, patch, index; then one commit with its entries; then tell who must know.

In: a resource that passed the fhir gate and the security gate. Out: what became of it. Source: architecture §2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.fhir import codec, compartments
from gateway.fhir import search as parameters
from gateway.fhir.predicate import Facts
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Doc, Released, Written
from gateway.store.protocol import Batch, Committed, Stored, Write


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource on its way to the store: its bytes as they came, the same parsed, and the version it replaces."""

    kind: str
    id: str
    body: bytes
    doc: Doc
    prior: Stored | None = None

    def elder(self, base: str) -> str:
        """Return the id of the Patient whose compartment it is in ("" for none). Raises Problem FHIR-024."""
        return self.id if self.kind == "Patient" else compartments.elder_of(self.doc, base)


def labelled(it: Interaction, draft: Draft, *, controllers: Sequence[str], sent: Sequence[str] | None = None) -> Facts:
    """Return the facts of ``draft``: the client's own security labels count for nothing (security.md CLS-07)."""
    prior = draft.prior.facts if draft.prior is not None else None
    return it.tools.gate.label(
        draft.kind, draft.doc, elder=draft.elder(it.tools.base), controllers=controllers, prior=prior, sent=sent
    )


def write_of(it: Interaction, draft: Draft, facts: Facts, *, expect: int) -> Write:
    """Return the write of ``draft``: id and security labels patched in, index values drawn from the result."""
    codings = it.tools.gate.security_codes(facts)
    body = codec.patch_meta(draft.body, id=draft.id, security=codings)
    doc = {**draft.doc, "id": draft.id, "meta": {**draft.doc.get("meta", {}), "security": codings}}
    it.note({"kind": draft.kind, "id": draft.id, "elder": facts.elder, "level": facts.level})
    it.note({"size": len(body), "version": _version(draft.prior, body)})
    return Write(draft.kind, draft.id, body, facts, parameters.extract(draft.kind, doc), expect=expect)


def _version(prior: Stored | None, body: bytes) -> int:
    """Return the version that a write of ``body`` makes: the prior one when it changes nothing."""
    if prior is None:
        return 1
    same = not prior.deleted and codec.unstamped(prior.body) == codec.unstamped(body)
    return prior.version if same else prior.version + 1


async def commit(tools: Tools, batch: Batch) -> tuple[Committed, ...]:
    """Commit ``batch``, then let the gate learn and the journal's writer look. Raises what the store raises."""
    done = await tools.store.commit(batch)
    # A later question must find the relation and the consent of this moment.
    tools.gate.learn(each.stored for each in done if each.changed)
    if batch.entries:
        tools.journal.kick()
    return done


def written(it: Interaction, done: Committed) -> Written:
    """Return the outcome for the writer: the representation is a read, and is decided as one."""
    stored = done.stored
    return Written(
        stored.kind, stored.id, stored.version, stored.updated, done.created, done.changed, _representation(it, stored)
    )


def _representation(it: Interaction, stored: Stored) -> Released | None:
    may_read = it.tools.permits(it.caller, "read", stored.kind)
    return it.offered(stored, "read") if may_read and not stored.deleted else None
