"""The care relation: which organisation may care for which elder, from referral Tasks and care plans.

A receiving organisation reads from the referral's `received` on and writes from `accepted` on; rejection and
cancellation end it. A station reads and writes under an active CarePlan of somebody else that names it: nobody gives
a relation to oneself. Consent is asked for separately, at every decision, so that a withdrawal ends the relation too.
A source that cannot be understood gives no relation. Source: domain.md §5.2; design default for the states after
completion, which keep the relation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import IntFlag
from typing import Any, Final, NamedTuple

BASE: Final = "https://yiyang-gateway.example/fhir/CodeSystem/"
TASK_CODE: Final = BASE + "yy-task-code"
BUSINESS_STATUS: Final = BASE + "yy-business-status"

Doc = Mapping[str, Any]
Named = dict[tuple[str, str], "Bond"]
"""(organisation, elder) -> what one source gives."""


class Bond(IntFlag):
    """What a source gives an organisation towards an elder."""

    NONE = 0
    RECEIVED = 1
    """A referral to it is received: it reads."""
    ACCEPTED = 2
    """... and accepted: it writes."""
    PLANNED = 4
    """An active care plan names it."""


_RECEIVED = frozenset({"received"})
_ACCEPTED = frozenset(
    {"accepted", "scheduled", "in-transit", "arrived", "treated", "in-care", "unattended", "no-show", "completed"}
)
_ENDED = frozenset({"draft", "rejected", "cancelled", "failed", "entered-in-error"})
"""Task.status that gives nothing, whatever the businessStatus says."""


class _Plan(NamedTuple):
    """An active plan: whose, who wrote it, whom it refers to."""

    elder: str
    by: frozenset[str]
    references: frozenset[str]


class Relations:
    """Keep what each source gives, so that a changed source replaces what it gave before."""

    KINDS: Final = frozenset({"Task", "CarePlan", "CareTeam", "PractitionerRole"})

    def __init__(self) -> None:
        self._given: dict[str, Named] = {}
        self._sources: dict[tuple[str, str], dict[str, Bond]] = {}
        self._held: dict[str, dict[str, Bond]] = {}
        self._plans: dict[str, _Plan] = {}
        self._members: dict[str, frozenset[str]] = {}
        # Team or role -> the plans that it may name somebody for, and the reverse: a team changes a few plans, not all.
        self._watching: dict[str, set[str]] = {}
        self._watched: dict[str, frozenset[str]] = {}

    def bond(self, organisation: str, elder: str) -> Bond:
        """Return what ``organisation`` has towards ``elder``."""
        return self._held.get(organisation, {}).get(elder, Bond.NONE)

    def elders(self, organisation: str) -> Mapping[str, Bond]:
        """Return the elders towards whom ``organisation`` has anything."""
        return self._held.get(organisation, {})

    def learn(self, source: str, doc: Doc | None, *, elder: str, by: Collection[str] = ()) -> frozenset[str]:
        """Take in the current version of ``source`` ("CarePlan/77"; None = deleted); return organisations affected.

        ``by`` are its controllers.
        """
        kind = source.partition("/")[0]
        if kind == "Task":
            return self._give(source, _referral(doc, elder) if doc else {})
        if kind == "CarePlan":
            return self._plan(source, doc, elder, frozenset(by))
        self._members[source] = frozenset(_references(doc)) if doc else frozenset()
        return frozenset().union(*map(self._replan, list(self._watching.get(source, ()))))

    def _plan(self, source: str, doc: Doc | None, elder: str, by: frozenset[str]) -> frozenset[str]:
        if doc is None or doc.get("status") != "active" or not elder:
            self._plans.pop(source, None)
            self._watch(source, frozenset())
            return self._give(source, {})
        self._plans[source] = _Plan(elder, by, frozenset(_references(doc)))
        return self._replan(source)

    def _replan(self, source: str) -> frozenset[str]:
        elder, by, references = self._plans[source]
        near = references | self._reached(references)
        self._watch(source, near)
        reached = near | self._reached(near)
        named = (name.removeprefix("Organization/") for name in reached if name.startswith("Organization/"))
        others = (organisation for organisation in named if by != {organisation})
        return self._give(source, {(organisation, elder): Bond.PLANNED for organisation in others})

    def _reached(self, references: frozenset[str]) -> frozenset[str]:
        """Return what the stored teams and roles among ``references`` refer to in turn."""
        return frozenset().union(*(self._members.get(reference, frozenset()) for reference in references))

    def _watch(self, plan: str, names: frozenset[str]) -> None:
        """Remember that ``plan`` depends on what ``names`` refer to, stored already or later."""
        for name in self._watched.pop(plan, frozenset()) - names:
            plans = self._watching[name]
            plans.discard(plan)
            if not plans:
                del self._watching[name]
        if names:
            self._watched[plan] = names
        for name in names:
            self._watching.setdefault(name, set()).add(plan)

    def _give(self, source: str, named: Named) -> frozenset[str]:
        """Replace what ``source`` gave; return the organisations for whom anything changed."""
        before = self._given.pop(source, {})
        if named:
            self._given[source] = named
        changed = {key for key in before.keys() | named.keys() if before.get(key) != named.get(key)}
        for key in changed:
            self._count(key, source, named.get(key, Bond.NONE))
        return frozenset(organisation for organisation, _ in changed)

    def _count(self, key: tuple[str, str], source: str, bond: Bond) -> None:
        sources = self._sources.setdefault(key, {})
        sources[source] = bond
        total = Bond.NONE
        for each in sources.values():
            total |= each
        organisation, elder = key
        if total:
            self._held.setdefault(organisation, {})[elder] = total
        else:
            self._held.get(organisation, {}).pop(elder, None)
            del self._sources[key]


def _referral(task: Doc, elder: str) -> Named:
    """Return what a referral Task gives its owner."""
    owner = _text(task, "owner", "reference")
    if not elder or not owner.startswith("Organization/") or not _has_code(task.get("code"), TASK_CODE, {"referral"}):
        return {}
    if task.get("status") in _ENDED:
        return {}
    bond = Bond.NONE
    if _has_code(task.get("businessStatus"), BUSINESS_STATUS, _RECEIVED):
        bond = Bond.RECEIVED
    if _has_code(task.get("businessStatus"), BUSINESS_STATUS, _ACCEPTED):
        bond = Bond.RECEIVED | Bond.ACCEPTED
    return {(owner.removeprefix("Organization/"), elder): bond} if bond else {}


_NAMING = {
    "CarePlan": ("careTeam", "author", "contributor", "activity"),
    "CareTeam": ("participant", "managingOrganization"),
    "PractitionerRole": ("organization",),
}
"""The elements by which a plan, team or role names organisations (issue: a team member's or a performer's)."""
_INSIDE = ("detail", "performer", "member", "onBehalfOf")


def _references(doc: Doc) -> Iterator[str]:
    """Yield the literal references by which ``doc`` and its contained teams and roles name somebody."""
    for name in _NAMING.get(str(doc.get("resourceType")), ()):
        yield from _walk(doc.get(name))
    for inner in doc.get("contained", ()):
        yield from _references(inner)


def _walk(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item)
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for name in _INSIDE:
            yield from _walk(node.get(name))


def _has_code(concept: Any, system: str, codes: frozenset[str] | set[str]) -> bool:
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return any(coding.get("system") == system and coding.get("code") in codes for coding in codings)


def _text(doc: Doc, *path: str) -> str:
    node: Any = doc
    for name in path:
        node = node.get(name, {}) if isinstance(node, dict) else {}
    return node if isinstance(node, str) else ""
