"""The consents in force, by elder and recipient: rebuilt when one changes, asked at every decision.

Of the consents with one number (and one controller) the latest by dateTime holds; of equal dates a withdrawal does.
Periods are honoured at the moment of asking. Source: security-engine.md §6; PIPL 15; security.md CON-04.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from security.consent.parse import FOREVER, Grant, Rule, parse

ANY_CLASS: Final = frozenset({"SAFETY", "HANDOVER", "CONSENT"})
"""What goes with any consented class: allergies and safety flags, the hand-over itself, the consent's own status."""


class Grants(NamedTuple):
    """What holds at one moment for one recipient, elder and purpose."""

    classes: frozenset[str]
    excluded: frozenset[str]


NONE: Final = Grants(frozenset(), frozenset())
_NOBODY: Final[Mapping[str, tuple[Grant, ...]]] = MappingProxyType({})


class _Held(NamedTuple):
    id: str
    elder: str
    owner: str
    version: int
    rule: Rule


class ConsentBook:
    """Keep the consents of all elders. ``labels``: see `parse`."""

    def __init__(self, labels: Mapping[str, frozenset[str]]) -> None:
        self._labels = labels
        self._held: dict[str, _Held] = {}
        self._by_elder: dict[str, dict[str, _Held]] = {}
        self._tables: dict[str, dict[str, tuple[Grant, ...]]] = {}
        self._versions: dict[str, str] = {}

    def learn(self, id: str, version: int, doc: Mapping[str, Any] | None, *, elder: str, owner: str) -> frozenset[str]:  # noqa: A002
        """Take in the current version of a Consent (None = deleted); return the organisations affected.

        ``owner`` is the organisation that registered it: numbers are unique only within one.
        """
        before = self._held.pop(id, None)
        affected = self._remove(id, before) if before else frozenset()
        rule = self._read(doc) if doc is not None else None
        if rule is None or not elder:
            return affected
        held = _Held(id, elder, owner, version, rule)
        self._held[id] = held
        self._by_elder.setdefault(elder, {})[id] = held
        return affected | self._rebuild(elder)

    def _read(self, doc: Mapping[str, Any]) -> Rule | None:
        try:
            return parse(doc, labels=self._labels)
        except (KeyError, TypeError, AttributeError, ValueError):
            return None

    def _remove(self, id: str, held: _Held) -> frozenset[str]:  # noqa: A002
        del self._by_elder[held.elder][id]
        return self._rebuild(held.elder)

    def _rebuild(self, elder: str) -> frozenset[str]:
        """Compile the elder's consents anew; return the organisations named before or now."""
        held = self._by_elder.get(elder, {})
        before = frozenset(recipient for recipient, table in self._tables.items() if elder in table)
        table: dict[str, list[Grant]] = {}
        for each in _latest(held.values()):
            for grant in each.rule.grants:
                table.setdefault(grant.recipient, []).append(grant)
        for recipient in before:
            del self._tables[recipient][elder]
        for recipient, grants in table.items():
            self._tables.setdefault(recipient, {})[elder] = tuple(grants)
        self._versions[elder] = ",".join(f"Consent/{id}@{each.version}" for id, each in sorted(held.items()))  # noqa: A001
        return before | frozenset(table)

    def version(self, elder: str) -> str:
        """Return the versions of the elder's consents, "" for none."""
        return self._versions.get(elder, "")

    def elders(self, recipient: str) -> Iterable[str]:
        """Return the elders of whom any consent names ``recipient``."""
        return self._tables.get(recipient, {})

    def in_force(self, recipient: str, elder: str, moment: float) -> bool:
        """Tell whether any consent allows ``recipient`` anything, for whatever purpose."""
        for grant in self._tables.get(recipient, _NOBODY).get(elder, ()):  # noqa: SIM110 - asked for every row
            if grant.start <= moment < grant.end:
                return True
        return False

    def grants(self, recipient: str, elder: str, purpose: str, moment: float) -> Grants:
        """Return what holds for ``recipient``, ``elder`` and ``purpose`` at ``moment``."""
        found = NONE
        for grant in self._tables.get(recipient, _NOBODY).get(elder, ()):
            if grant.purpose == purpose and grant.start <= moment < grant.end:
                found = _joined(found, grant.classes, grant.excluded)
        return found

    def next_change(self, recipient: str, moment: float) -> float:
        """Return when a period next starts or ends for ``recipient`` after ``moment`` (infinity for never)."""
        edges = (edge for edge in self._edges(recipient) if edge > moment)
        return min(edges, default=FOREVER)

    def _edges(self, recipient: str) -> Iterator[float]:
        for grants in self._tables.get(recipient, {}).values():
            for grant in grants:
                yield grant.start
                yield grant.end


@lru_cache(maxsize=4096)
def _joined(found: Grants, classes: frozenset[str], excluded: frozenset[str]) -> Grants:
    """Return ``found`` and one more grant; kept, as few sets of classes and labels are granted, to all elders."""
    return Grants(ANY_CLASS | found.classes | classes, found.excluded | excluded)


def _latest(held: Iterable[_Held]) -> Iterator[_Held]:
    """Yield, of each number, the consent that holds; those without a number stand for themselves."""
    by_number: dict[tuple[str, str], _Held] = {}
    for each in held:
        if not each.rule.number:
            yield each
            continue
        key = (each.owner, each.rule.number)
        other = by_number.get(key)
        if other is None or _rank(each) > _rank(other):
            by_number[key] = each
    yield from by_number.values()


def _rank(held: _Held) -> tuple[float, bool, str]:
    """Return what the latest signature is by, of equal ones the withdrawal; never by the order of learning."""
    return held.rule.given, not held.rule.active, held.id
