"""$everything: what the caller may see of one elder, or of one stay, page by page (R4 patient-operation-everything).

First the resource itself, decided as a read: who may not see it learns nothing of its compartment. Then the rows of
the elder's compartment, each kind under its restriction and each row decided and masked by itself, like those of a
search; after them the people, organisations and places that this page refers to, decided the same way.
Source: docs/decisions/0124-operations-on-records.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.fhir import definitions
from gateway.fhir.predicate import Predicate
from gateway.fhir.problem import Problem
from gateway.fhir.query import ReferenceTerm
from gateway.fhir.wire import shown
from gateway.hub import links
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Found, Released
from gateway.store.protocol import Compartment, Stored
from security.caller import Caller

DEFAULT_COUNT: Final = 100
"""Rows of the compartment on a page when the client names no _count (design default)."""
MAX_COUNT: Final = 200
"""A page must stay well under the reply cap of the doors, as a search's."""
AROUND: Final = ("Location", "Medication", "Organization", "Practitioner", "PractitionerRole")
"""Kinds outside every compartment that a record cannot be read without."""
MAX_AROUND: Final = 100
_REFERENCE = re.compile(rb'"reference"\s*:\s*"(' + "|".join(AROUND).encode() + rb')/([A-Za-z0-9\-.]{1,64})[/"]')
_INSTANT = re.compile(r"(?:19|2\d)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
Pairs = Sequence[tuple[str, str]]


async def everything(tools: Tools, caller: Caller, kind: str, id: str, *, pairs: Pairs) -> Found:  # noqa: A002 - FHIR's word
    """Return a page for `_since`, `_type`, `_count`. Two queries, one more for what the page refers to.

    A kind that no scope of the caller covers is left out, unless `_type` names it (HUB-001). Raises HUB-009 (page),
    SEC-404, STO-410, TRM-006 and TRM-007 (parameters).
    """
    async with tools.interaction(caller, "operation", kind=kind, id=id) as it:
        it.note({"interface": f"FHIR {kind}/$everything"})
        it.scope("read", kind)
        where = f"{kind}/{id}/$everything"
        asked, cursor = links.resume(tools.binding, caller, where, pairs)
        asking = _asking(asked)
        whole = await tools.store.read(kind, id)
        first = it.release(whole, "read")
        assert whole is not None  # noqa: S101 - `release` refuses what is absent
        page = await tools.store.compartment(_compartment(it, whole, asking), cursor=cursor)
        own = _released(it, page.rows)
        begins = (first,) if not cursor and asking.wants(kind) else ()
        rows = [*begins, *(row for row in own if (row.kind, row.id) != (kind, id))]
        elder = whole.facts.elder if begins and kind != "Patient" else ""
        rows += await _around(it, rows, asking, elder=elder)
        it.note({"count": len(rows), "size": sum(len(row.body) for row in rows)})
        onward = links.onward(tools.binding, caller, where, asked, cursor=page.next)
        return Found(tuple(rows), query=links.written(asked), next=onward)


@dataclass(frozen=True, slots=True)
class _Asking:
    """What is asked: rows changed since, kinds (empty: all), rows on a page."""

    since: datetime | None = None
    kinds: frozenset[str] = frozenset()
    count: int = DEFAULT_COUNT

    def wants(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds


def _asking(pairs: Pairs) -> _Asking:
    values = dict(pairs)
    for name in values:
        if name not in ("_since", "_type", "_count"):
            raise Problem("TRM-006", name=shown(name))
    if len(values) != len(pairs):
        raise _wrong("_type", "只能给出一次", "it may be given once")
    kinds = frozenset(filter(None, values.get("_type", "").split(",")))
    if not kinds <= definitions.kinds():
        raise _wrong("_type", "应为 R4 资源类型", "types of R4 are expected")
    return _Asking(_since(values.get("_since", "")), kinds, _count(values.get("_count", str(DEFAULT_COUNT))))


def _since(text: str) -> datetime | None:
    if not text:
        return None
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # no such day
    raise _wrong("_since", "应为带时区的时刻", "an instant with its offset is expected")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9])):
        raise _wrong("_count", "应为 1 以上的整数", "a number of at least 1 is expected")
    return min(int(text[:9]), MAX_COUNT)


def _compartment(it: Interaction, whole: Stored, asking: _Asking) -> Compartment:
    """Return what to ask the store for: every kind that is open to the caller, under its restriction."""
    of_stay = whole.kind == "Encounter"
    by = definitions.compartment("Encounter") if of_stay else {}
    kinds: dict[str, Predicate] = {}
    for kind in by if of_stay else definitions.kinds():
        if kind != whole.kind and asking.wants(kind) and _is_open(it, kind, asking, by.get(kind, ())):
            kinds[kind] = it.tools.gate.narrow(it.caller, "search", kind)
    about = ReferenceTerm(whole.kind, whole.id) if of_stay else None
    return Compartment(whole.facts.elder, kinds, asking.count, asking.since, about, by)


def _is_open(it: Interaction, kind: str, asking: _Asking, by: Iterable[str]) -> bool:
    """Tell whether ``kind`` may be in the answer: by scope, and by every element that its rows are chosen by (AZN-07).

    Both are the same for all that there is of the kind, so that leaving it out tells nothing. Of a kind that was named
    it is said: raises Problem HUB-001, HUB-002.
    """
    if asking.kinds:
        it.scope("search", kind)
    if not it.tools.permits(it.caller, "search", kind):
        return False
    chosen = (*by, *(("_lastUpdated",) if asking.since is not None else ()))
    hidden = next((name for name in chosen if it.tools.gate.forbidden_param(it.caller, kind, name)), "")
    if hidden and asking.kinds:
        raise Problem("HUB-002", where=f"{kind}?{hidden}", parameter=hidden)
    return not hidden


def _released(it: Interaction, rows: Sequence[Stored]) -> list[Released]:
    """Decide and mask every row; the highest level of what leaves stands in the entry."""
    pairs = list(zip(rows, it.offered_each(rows, "search"), strict=True))
    it.note({"level": max((row.facts.level for row, shown in pairs if shown is not None), default=0)})
    return [shown for _, shown in pairs if shown is not None]


async def _around(it: Interaction, rows: Iterable[Released], asking: _Asking, *, elder: str) -> list[Released]:
    """Return ``elder`` and the resources outside every compartment that ``rows`` refer to, as the caller sees them."""
    named = {("Patient", elder)} if elder else set[tuple[str, str]]()
    named |= {(kind.decode(), id_.decode()) for row in rows for kind, id_ in _REFERENCE.findall(row.body)}
    keys = sorted(key for key in named if asking.wants(key[0]) and it.tools.permits(it.caller, "read", key[0]))
    found = await it.tools.store.read_many(keys[:MAX_AROUND])
    offered = it.offered_each([row for row in found.values() if not row.deleted], "read")
    return [row for row in offered if row is not None]


def _wrong(name: str, what: str, what_en: str) -> Problem:
    return Problem("TRM-007", name=name, what=what, what_en=what_en)
