"""One interaction of a caller, and its entry in the journal: nothing leaves or changes without one.

In: a caller and what it wants. On the way: the scope, the decision on every row, the mask. Out: one audit entry,
also when any step says no. Writes carry their entry in their own commit; refusals are durable before the answer,
permitted reads are queued before it. Source: style.md point 14; architecture decision 14; security.md AUD-01.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol

from gateway.fhir import codec
from gateway.fhir.predicate import Facts
from gateway.fhir.problem import Problem, Problems
from gateway.hub.learning import Learning
from gateway.hub.values import Doc, Released
from gateway.store.protocol import FhirStore, Sealer, Stored
from security.audit import record
from security.audit.record import What, entry
from security.caller import Caller, Role
from security.gate import Action, Decision, Gate

LETTERS = {"read": "r", "vread": "r", "history": "r", "search": "s", "create": "c", "update": "u", "delete": "d"}
"""The letter of a SMART v2 scope that each interaction needs."""


class Journal(Protocol):
    """What the hub needs of `security.audit.Journal`."""

    async def append(self, entry: bytes, *, durable: bool) -> None:
        """Queue ``entry``; with ``durable`` return when it is committed. Raises Problem SEC-503 when it cannot."""
        ...

    def kick(self) -> None:
        """Say that a commit left entries."""
        ...


class Blinder(Sealer, Protocol):
    """What the hub needs of the keys: sealed page cursors and blinded words."""

    def blind(self, text: str) -> str:
        """Return what stands for ``text`` in links, logs and entries."""
        ...


class Binding(NamedTuple):
    """What a page link is sealed with and bound to besides its caller: ``policy`` is the gate's hash, ``at`` now."""

    keys: Blinder
    policy: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Tools:
    """What every interaction works with. ``permits(caller, action, kind)`` tells whether the scopes cover it.

    ``task_rules(caller, stored, wanted)`` returns the Task to store, or raises a WF- problem.
    """

    store: FhirStore
    gate: Gate
    journal: Journal
    keys: Blinder
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    base: str
    permits: Callable[[Caller, str, str], bool]
    task_rules: Callable[[Caller, Doc, Doc], Doc]
    learning: Learning

    @property
    def binding(self) -> Binding:
        """Return what the page links of now are bound to."""
        return Binding(self.keys, self.gate.policies, self.now())

    def interaction(self, caller: Caller, action: record.Action, *, kind: str = "", id: str = "") -> Interaction:  # noqa: A002 - FHIR's word
        """Return an interaction to be entered with ``async with``, or kept for its entry in a transaction."""
        return Interaction(self, caller, action, kind=kind, id=id)


class Interaction:
    """One interaction under audit. Entered with ``async with``; whatever happens inside, one entry is written."""

    __slots__ = ("_told", "_what", "action", "caller", "tools")

    def __init__(self, tools: Tools, caller: Caller, action: record.Action, *, kind: str, id: str) -> None:  # noqa: A002
        self.tools = tools
        self.caller = caller
        self.action = action
        self._what: What = {"interface": f"FHIR {action}", "kind": kind, "id": id}
        self._told = False

    async def __aenter__(self) -> Interaction:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            await self.tools.journal.append(self.refusal(error), durable=True)
        elif error is None and not self._told:
            await self.tools.journal.append(self.entry(), durable=False)

    def scope(self, action: str, kind: str) -> None:
        """(1) Demand a scope. Raises Problem("HUB-001"), which says nothing about any resource; HUB-015."""
        self.tools.learning.demand_fresh()
        if self.caller.role is not Role.SYSTEM and not self.tools.permits(self.caller, action, kind):
            raise Problem("HUB-001", scope=f"system/{kind}.{LETTERS.get(action, action)}")

    def decide(self, action: Action, facts: Facts, *, doc: Doc | None = None) -> Decision:
        """(3) Ask the gate about one row, and remember the answer for the entry. Raises HUB-015."""
        self.tools.learning.demand_fresh()
        decision = self.tools.gate.decide(self.caller, action, facts, doc=doc)
        self._note_decision(decision)
        return decision

    def _note_decision(self, decision: Decision) -> None:
        what = self._what
        what["rule"], what["reasons"] = decision.rule, decision.reasons
        what["consent"], what["policy"] = decision.consent, decision.policy

    def about(self, stored: Stored) -> None:
        """Name the row that the entry is about."""
        facts = stored.facts
        self.note({"kind": stored.kind, "id": stored.id, "version": stored.version})
        self.note({"elder": facts.elder, "level": facts.level})

    def note(self, what: What) -> None:
        """Add fields to the entry."""
        self._what.update(what)

    def release(self, stored: Stored | None, action: Action) -> Released:
        """(3, 4) Return what may leave of ``stored``.

        Raises SEC-404 for absent and denied alike, STO-410 for a deletion.
        """
        released = None if stored is None else self.offered(stored, action)
        if stored is None or released is None:
            raise Problem("SEC-404")
        self.about(stored)
        if stored.deleted:
            raise Problem("STO-410", kind=stored.kind, id=stored.id)
        return released

    def offered(self, stored: Stored, action: Action) -> Released | None:
        """(3, 4) Return what may leave of ``stored`` under a decision of its own, or None."""
        decision = self.decide(action, stored.facts)
        if not decision.allow:
            self._what["elder"] = stored.facts.elder
            return None
        return view(self.tools.gate, self.caller, decision, stored)

    def offered_each(self, rows: Iterable[Stored], action: Action) -> list[Released | None]:
        """(3, 4) Return for each of ``rows``, in their order, what `offered` returns.

        Rows whose facts are one object, as a store gives those of a page, share a decision: nothing else is asked of.
        """
        decided: dict[int, Decision] = {}
        offered: list[Released | None] = []
        for stored in rows:
            facts = stored.facts
            decision = decided.get(id(facts))
            if decision is None:
                decision = decided[id(facts)] = self.decide(action, facts)
            else:
                self._note_decision(decision)
            if decision.allow:
                offered.append(view(self.tools.gate, self.caller, decision, stored))
            else:
                self._what["elder"] = facts.elder
                offered.append(None)
        return offered

    def offered_beside(self, rows: Iterable[Stored], action: Action) -> list[Released | None]:
        """(3, 4) Return what `offered_each` returns, of rows that come beside what was asked for.

        The entry keeps the decision on what was asked for.
        """
        kept = self._what.copy()
        try:
            return self.offered_each(rows, action)
        finally:
            self._what = kept

    def entry(self) -> bytes:
        """Return the entry of what happened, to be queued or to travel in the commit."""
        return self.report(())

    def report(self, wrote: Sequence[str]) -> bytes:
        """Return the entry of a commit that did what ``wrote`` says."""
        self._told = True
        self.note({"wrote": tuple(wrote)})
        return entry(self.caller, self.action, at=self.tools.now(), **self._what)

    def untold(self) -> None:
        """Forget the entry that was made for a commit: the commit did not happen, and something else may now."""
        self._told = False

    def refusal(self, error: Exception) -> bytes:
        """Return the entry of how it failed, in place of the one that may have been made for the commit."""
        self.note({"outcome": _outcome(error), "reasons": _reasons(error, self._what.get("reasons", ()))})
        return self.entry()


def demand_inner(caller: Caller) -> None:
    """Raise Problem("SEC-403") unless ``caller`` is an inner actor: what follows is neither masked nor audited."""
    if caller.role is not Role.SYSTEM:
        raise Problem("SEC-403")


def view(gate: Gate, caller: Caller, decision: Decision, stored: Stored) -> Released | None:
    """(4) Return ``stored`` as ``decision`` lets ``caller`` see it; the stored bytes where nothing is masked."""
    body, masked = stored.body, False
    if not stored.deleted and decision.masks_body(stored.body):
        whole = codec.parse_exact(stored.body)
        doc = gate.mask(caller, decision, whole)
        if doc is None:
            return None
        if decision.masked or doc is not whole:
            body, masked = codec.dump_exact(doc), True
    return Released(stored.kind, stored.id, stored.version, stored.updated, body, masked, stored.deleted)


def _outcome(error: Exception) -> int:
    status = error.status if isinstance(error, Problem | Problems) else 500
    if status >= 500:
        return record.MAJOR
    return record.SERIOUS if status in (401, 403, 404) else record.MINOR


def _reasons(error: Exception, known: Iterable[str]) -> tuple[str, ...]:
    problems = error.problems if isinstance(error, Problems) else (error,) if isinstance(error, Problem) else ()
    codes = dict.fromkeys(problem.code for problem in problems if problem.severity in ("error", "fatal"))
    return (*(codes or {type(error).__name__: None}), *known)
