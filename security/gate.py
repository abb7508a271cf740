"""The only entrance to a decision.

To release or change a resource we need:

(0) a caller, which the doors build from a valid token (oauth) or an inner actor (`Caller.system`) ·
(1) a scope that covers the interaction and the kind ·
(2) a role, with its purpose, that the policy permits ·
(3) a relation of the caller's organisation to the elder: it wrote the resource, it was handed over, or care ·
(4) the elder's consent for the data class, the recipient and the purpose, now ·
(5) labels within reach: level, exclusions; what is out of the role's view is masked ·
(6) the obligations carried by the Decision (the view) and applied by `mask` before anything leaves ·
(7) an entry in the journal, also when any step says no: written by the hub from the Decision.

Pure and in memory: no I/O, no clock of its own, no await. An error in a check is a denial.
Source: security.md §3.4, §3.5, §4; GB/T 39725-2020 6.2, 8.1.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, Protocol, Self

from gateway.fhir.predicate import NOTHING, All, Facts, Not, Predicate
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query, Term
from security.access import compiled, explain, policy
from security.access.bound import bound
from security.access.fold import fold
from security.access.question import ERROR, NO_ACTOR, Answer, Asker
from security.access.relations import Bond, Relations
from security.access.residual import Residual
from security.access.scopes import covers
from security.caller import Caller, Role, Tier
from security.consent import ConsentBook, Grants
from security.labels import Catalogue, Guard, Labeler, View, Views, restore
from security.labels.facts import handed_to, joined, unknown

log = logging.getLogger("yiyang.gate")
Doc = dict[str, Any]
Action = Literal["read", "vread", "search", "history", "create", "update", "delete", "ingest", "audit"]

_READS: Final = {
    Tier.HOSPITAL: Bond.RECEIVED,
    Tier.CENTRE: Bond.RECEIVED,
    Tier.STATION: Bond.PLANNED,
    Tier.HUB: Bond.NONE,
}
_WRITES: Final = {
    Tier.HOSPITAL: Bond.ACCEPTED,
    Tier.CENTRE: Bond.ACCEPTED,
    Tier.STATION: Bond.PLANNED,
    Tier.HUB: Bond.NONE,
}
"""Which bond makes the care relation, by tier (issue "Care relation")."""
_TASK_MAY_CHANGE: Final = frozenset({"status", "businessStatus", "statusReason", "note", "output"})
_NO_GRANTS: Final = Grants(frozenset(), frozenset())
POLICY_HASH_LENGTH: Final = 16
"""Hex digits of the policy hash that a Decision carries: enough to tell versions apart in the journal."""
KEPT_RESTRICTIONS: Final = 10_000
"""Restrictions kept before the cache starts over: some hundred clients times some dozen kinds."""


class Row(Protocol):
    """What `Gate.learn` needs of a stored version, by shape: `gateway.store.protocol.Stored` fits."""

    @property
    def kind(self) -> str:
        """Return the resource type."""
        ...

    @property
    def id(self) -> str:
        """Return the logical id."""
        ...

    @property
    def version(self) -> int:
        """Return the version."""
        ...

    @property
    def deleted(self) -> bool:
        """Tell whether this version is a deletion."""
        ...

    @property
    def body(self) -> bytes:
        """Return the JSON."""
        ...

    @property
    def facts(self) -> Facts:
        """Return the facts sealed with it."""
        ...


class Decision(NamedTuple):
    """The answer to one question, as the audit entry stores it.

    ``rule`` is the @id of the deciding policy ("default-deny" when none permits), ``reasons`` all that are known,
    ``consent`` the version of the elder's consents that were in force, ``policy`` the hash of policies and
    catalogue. ``view`` is None where the stored bytes may leave as they are; otherwise `masks_body` tells.
    """

    allow: bool
    rule: str
    reasons: tuple[str, ...] = ()
    consent: str = ""
    policy: str = ""
    view: View | None = None

    @property
    def masked(self) -> bool:
        """Tell whether elements are hidden from this caller, whatever the resource contains."""
        return self.view is not None and not self.view.plain

    def masks_body(self, body: bytes) -> bool:
        """Tell whether `Gate.mask` must be applied to the resource in ``body`` before it leaves."""
        return self.view is not None and self.view.touches(body)

    @property
    def masks(self) -> tuple[str, ...]:
        """Return the elements that are masked or removed, for `explain` and the audit entry."""
        return self.view.hidden if self.view else ()


class _Standing(NamedTuple):
    """How a caller's organisation stands towards one resource: steps (3), (4) and (5)."""

    own: bool
    handed: bool
    related: bool
    may_write: bool
    grants: Grants
    consented: bool
    excluded: bool


class Gate:
    """Decide, narrow, label, mask. One instance a process, built by app.py; every method is synchronous."""

    LEARNS: Final = frozenset({"Consent"}) | Relations.KINDS
    """The kinds whose rows `learn` wants: all of them once at start, then each changed one after its commit."""

    def __init__(self, policies: policy.Policies, catalogue: Catalogue, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._policies = policies
        self._decide = compiled.compile_policies(policies)
        self._residual = Residual(policies)
        self._catalogue = catalogue
        self._labeler = Labeler(catalogue)
        self._guard = Guard(catalogue)
        self._views = Views(catalogue)
        self._consents = ConsentBook(self._labeler.exclusions)
        self._relations = Relations()
        self._hash = hashlib.sha256((policies.sha + catalogue.sha).encode()).hexdigest()[:POLICY_HASH_LENGTH]
        self._changes: dict[str, int] = {}
        self._restrictions: dict[tuple[Asker, str, str, bool], tuple[int, float, Predicate]] = {}

    @classmethod
    def load(cls, *, now: Callable[[], datetime]) -> Self:
        """Read policies and catalogue from the package; raise ValueError when anything in them is not understood."""
        return cls(policy.load(), Catalogue.load(), now=now)

    @property
    def policies(self) -> str:
        """Return the hash of policies and catalogue, as each Decision carries it."""
        return self._hash

    def decide(self, caller: Caller, action: Action, facts: Facts, *, doc: Doc | None = None) -> Decision:
        """Decide one interaction on one resource.

        For create, update and ingest ``facts`` are those of the version to be written (its controllers include the
        writer's organisation). An update by an organisation that is no controller leaves the controllers as they
        were: pass the prior facts. On reads, denial is answered like absence (SEC-404). No policy asks for the
        content so far; ``doc`` is for those that will.
        """
        try:
            return self._decision(caller, action, facts)
        except Exception as error:  # noqa: BLE001 - an error in a check is a denial, whatever it is
            log.error("gate.check_failed", extra={"action": action, "error": type(error).__name__})
            return Decision(ERROR.allow, ERROR.rule, (ERROR.rule,), "", self._hash)

    def _decision(self, caller: Caller, action: str, facts: Facts) -> Decision:
        asker = self._asker(caller, action, facts.kind)
        standing = self._standing(caller, facts)
        answer = self._answer(asker, facts, standing)
        consent = "" if standing.own else self._consents.version(facts.elder)
        view = self._view(asker.role, caller.organisation, facts, standing) if answer.allow else None
        return Decision(answer.allow, answer.rule, (answer.rule,), consent, self._hash, view)

    def _answer(self, asker: Asker, facts: Facts, standing: _Standing) -> Answer:
        return self._decide(
            *asker,
            facts.kind,
            facts.klass,
            facts.level,
            facts.labels,
            standing.own,
            standing.handed,
            standing.related,
            standing.may_write,
            standing.consented,
            standing.excluded,
            facts.elder != "",
        )

    def _asker(self, caller: Caller, action: str, kind: str) -> Asker:
        """Put together steps (0) to (2): who asks, and whether a scope covers it."""
        return _asker_of(
            caller.role, caller.tier, caller.client, caller.clearance, caller.purpose, caller.scopes, action, kind
        )

    def _standing(self, caller: Caller, facts: Facts) -> _Standing:
        organisation, elder = caller.organisation, facts.elder
        own = organisation in facts.controllers
        handed = organisation in facts.handed_to
        # (3) relation, which needs a consent in force
        bond = self._relations.bond(organisation, elder) if elder else Bond.NONE
        moment = self._now().timestamp()
        in_force = bool(elder) and self._consents.in_force(organisation, elder, moment)
        # (4) consent, for the purpose of this caller
        grants = self._consents.grants(organisation, elder, caller.purpose, moment) if in_force else _NO_GRANTS
        return _Standing(
            own=own,
            handed=handed,
            # Of plain numbers: the flags' own `&` makes an object, which costs more than all of this.
            related=in_force and int.__and__(bond, _READS[caller.tier]) != 0,
            may_write=in_force and int.__and__(bond, _WRITES[caller.tier]) != 0,
            grants=grants,
            consented=facts.klass in grants.classes,
            # (5) exclusions
            excluded=not grants.excluded.isdisjoint(facts.labels),
        )

    def _view(self, role: str, organisation: str, facts: Facts, standing: _Standing) -> View | None:
        """Return step (6): how the resource is shown, None for as it is."""
        kind, views = facts.kind, self._views
        if not views.covers(role, kind):
            return None
        if not standing.own:
            return views.of_others(kind, role, standing.grants.classes)
        if len(facts.controllers) == 1 or not views.has_basis(kind):
            return views.of_own(kind, role)
        # What several wrote together is seen whole only on a basis.
        if standing.related and standing.consented and not standing.excluded:
            return views.of_others(kind, role, standing.grants.classes)
        return views.of_basis(kind, role, frozenset(dict(facts.sent).get(organisation, ())))

    def narrow(self, caller: Caller, action: Action, kind: str, *, by: Query | None = None) -> Predicate:
        """Return the restriction under which ``caller`` may find resources of ``kind``; NOTHING when none.

        ``by`` is what is searched: by an element that is hidden from a controller without a basis, resources are
        found only inside the care relation.
        """
        try:
            return self._narrowed(caller, action, kind, beyond=by is not None and self._guard.beyond_basis(kind, by))
        except Exception as error:  # noqa: BLE001 - an error in a check is a denial, whatever it is
            log.error("gate.narrow_failed", extra={"action": action, "error": type(error).__name__})
            return NOTHING

    def _narrowed(self, caller: Caller, action: str, kind: str, *, beyond: bool) -> Predicate:
        asker = self._asker(caller, action, kind)
        key = (asker, caller.organisation, kind, beyond)
        version, moment = self._changes.get(caller.organisation, 0), self._now().timestamp()
        kept = self._restrictions.get(key)
        if kept is not None and kept[0] == version and moment < kept[1]:
            return kept[2]
        restriction = self._restriction(asker, caller, kind, moment, beyond=beyond)
        if len(self._restrictions) >= KEPT_RESTRICTIONS:
            self._restrictions.clear()
        # What depends on a period holds until the next one starts or ends.
        self._restrictions[key] = (version, self._consents.next_change(caller.organisation, moment), restriction)
        return restriction

    def _restriction(self, asker: Asker, caller: Caller, kind: str, moment: float, *, beyond: bool) -> Predicate:
        known: dict[str, Predicate] = {}

        def bind(name: str) -> Predicate:
            if not known:
                known.update(self._bound(caller, moment))
            return known[name]

        restriction = self._residual.restrict(asker, bind)
        if beyond and asker.role in self._catalogue.roles:
            restriction = All((restriction, bind("related"), bind("consented"), Not(bind("excluded"))))
        return fold(restriction, kind, self._catalogue.classes(kind))

    def _bound(self, caller: Caller, moment: float) -> Mapping[str, Predicate]:
        organisation = caller.organisation
        bonds = self._relations.elders(organisation)
        in_force = [elder for elder in bonds if self._consents.in_force(organisation, elder, moment)]
        granted = (
            (elder, *self._consents.grants(organisation, elder, caller.purpose, moment))
            for elder in self._consents.elders(organisation)
        )
        return bound(
            organisation,
            reads=(elder for elder in in_force if bonds[elder] & _READS[caller.tier]),
            writes=(elder for elder in in_force if bonds[elder] & _WRITES[caller.tier]),
            granted=granted,
        )

    def label(
        self,
        kind: str,
        doc: Doc,
        *,
        elder: str,
        controllers: Sequence[str],
        prior: Facts | None = None,
        sent: Sequence[str] | None = None,
    ) -> Facts:
        """Compute the facts of ``doc`` at write.

        The controllers of ``prior`` stay and ``controllers`` (who writes now) join them. ``sent`` are the identifiers
        ("system|value") that the writer's own record carried for a Patient; None = all of the doc's when there
        is no prior, else those that the prior did not know.
        """
        labels = self._labeler.sensitivity(kind, doc)
        before, known = (prior.controllers, prior.sent) if prior else ((), ())
        return Facts(
            kind=kind,
            elder=elder,
            controllers=tuple(sorted({*before, *controllers} - {""})),
            klass=self._labeler.klass(kind, doc),
            level=self._labeler.level(kind, labels),
            labels=labels,
            handed_to=handed_to(kind, doc),
            sent=joined(known, controllers, unknown(doc, known) if sent is None else sent) if kind == "Patient" else (),
        )

    def security_codes(self, facts: Facts) -> list[dict[str, str]]:
        """Return the codings for meta.security: category, level, confidentiality, sensitivity."""
        return self._labeler.codes(facts.kind, facts.level, facts.labels)

    def mask(self, caller: Caller, decision: Decision, doc: Doc) -> Doc | None:
        """Return ``doc`` as ``caller`` may see it: the same object when nothing is masked, None when denied.

        Never changes ``doc``. A masked one carries meta.tag SUBSETTED.
        """
        if not decision.allow:
            return None
        return decision.view.show(doc) if decision.view else doc

    def restore(self, caller: Caller, decision: Decision, incoming: Doc, stored: Doc) -> Doc:
        """Return ``incoming`` with the elements that the caller's view hides put back from ``stored``.

        Raises Problem("SEC-405", where=element) when a hidden or masked element was touched, and Problem("SEC-403")
        when the decision is no permission at all.
        """
        if not decision.allow:
            raise Problem("SEC-403")
        return restore(decision.view, stored, incoming) if decision.view else incoming

    def demand_shown(self, decision: Decision, kind: str, members: Iterable[str]) -> None:
        """Raise Problem("SEC-405", where=element) for one of ``members`` of a ``kind`` that the view does not show.

        For a change that names what it touches: the answer is the same whether the member is there or not.
        """
        if not decision.allow:
            raise Problem("SEC-403")
        for member in sorted(members):
            if decision.view is not None and decision.view.removes(member):
                # A member that no type has is not repeated: it may be anything.
                name = f"{kind}.{member}" if member.isascii() and member.isalpha() else kind
                raise Problem("SEC-405", where=name, element=name)

    def forbidden_param(self, caller: Caller, kind: str, param: str, *, terms: Sequence[Term] = ()) -> bool:
        """Tell whether searching (or sorting, or chaining) ``kind`` by ``param`` would reveal a masked element.

        The one exception is an exact, full `identifier` token (pass the clause's ``terms``); chained too, provided
        the hub narrows the chained kind as well.
        """
        return self._guard.forbids(caller.role.value, kind, param, terms)

    def learn(self, rows: Iterable[Row]) -> None:
        """Take in changed rows (any kind; only LEARNS matter): consents, referral states, care plans, teams.

        A row that cannot be read takes away what it gave before.
        """
        for row in rows:
            if row.kind in self.LEARNS:
                for organisation in self._learn(row):
                    self._changes[organisation] = self._changes.get(organisation, 0) + 1

    def _learn(self, row: Row) -> frozenset[str]:
        doc = None if row.deleted else _read(row.body)
        elder = row.facts.elder
        if row.kind == "Consent":
            owner = ",".join(row.facts.controllers)
            return self._consents.learn(row.id, row.version, doc, elder=elder, owner=owner)
        source = f"{row.kind}/{row.id}"
        try:
            return self._relations.learn(source, doc, elder=elder, by=row.facts.controllers)
        except (AttributeError, KeyError, TypeError, ValueError):
            return self._relations.learn(source, None, elder=elder)

    def consents(self, elder: str, organisation: str) -> bool:
        """Tell whether a consent of ``elder`` in force now names ``organisation``: a hand-over to it has a basis."""
        return self._consents.in_force(organisation, elder, self._now().timestamp())

    def version(self, elder: str) -> str:
        """Return the version of the elder's consents, e.g. "Consent/77@3" ("" for none); for caches and audit."""
        return self._consents.version(elder)

    def explain(self, lang: Literal["zh", "en"] = "zh") -> list[explain.Line]:
        """Return the policies as a table for people."""
        return explain.table(self._policies, lang)


def task_change(stored: Doc, incoming: Doc) -> Mapping[str, Any]:
    """Return what a PUT changes of a Task: element -> new value (None = removed).

    Raises Problem("SEC-406", where="Task.x") for any element but status, businessStatus, statusReason, note, output;
    meta is the gateway's and not compared. Source: issue "Transitions".
    """
    keys = dict.fromkeys([*stored, *incoming])
    changed = {key: incoming.get(key) for key in keys if key != "meta" and stored.get(key) != incoming.get(key)}
    for key in changed:
        if key not in _TASK_MAY_CHANGE:
            raise Problem("SEC-406", where=f"Task.{key}", element=f"Task.{key}")
    return changed


_ACTORS: Final = frozenset({"pipeline", "workflow", "app", "cli"})


@lru_cache(maxsize=4096)
def _asker_of(  # noqa: PLR0913 - all that a policy may know of a caller, and nothing that changes a request
    role: Role, tier: Tier, client: str, clearance: int, purpose: str, scopes: frozenset[str], action: str, kind: str
) -> Asker:
    inner = role is Role.SYSTEM
    return Asker(
        role=role.value,
        tier=tier.value,
        # An actor that the schema does not list is nobody: the policies permit nothing to "none".
        actor=_actor(client) if inner else NO_ACTOR,
        clearance=clearance,
        purpose=purpose,
        action=action,
        scoped=inner or covers(scopes, action, kind),
    )


def _actor(client: str) -> str:
    name = client.removeprefix("system:")
    return name if name in _ACTORS and client.startswith("system:") else NO_ACTOR


def _read(body: bytes) -> Doc | None:
    try:
        doc = json.loads(body)
    except ValueError:
        return None
    return doc if isinstance(doc, dict) else None
