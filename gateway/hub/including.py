"""What comes with the matches of a page: `_include` and `_revinclude` (FHIR R4 search.html#include).

In: the query and the matches as they were released. Out: further rows, each under a decision of its own; what is denied
is left out like what is absent. A reference is followed from the resource *as it was shown*: one that is masked leads
nowhere. Bounds count what the caller sees, so that they tell of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson

from gateway.fhir import definitions
from gateway.fhir import search as parameters
from gateway.fhir.includes import ALL
from gateway.fhir.index import Reference
from gateway.fhir.predicate import NOTHING
from gateway.fhir.problem import Problem
from gateway.fhir.query import Clause, Include, Query, ReferenceTerm
from gateway.hub.interaction import Interaction
from gateway.hub.values import Released
from gateway.store.protocol import Stored
from security.caller import Role

MAX_INCLUDED = 500
"""Of one page; beyond it an OperationOutcome says that there is more (design default)."""
MAX_FOLLOWED = 2000
"""References of one page that are looked up, whatever comes of them (design default)."""
MAX_ROUNDS = 8
"""How often `:iterate` goes on from what it found; cycles end before, as nothing comes twice (design default)."""
AUDIT = "AuditEvent"
"""The kind that no store keeps."""
_READ_AT_ONCE = 200
Key = tuple[str, str]


class Shown(NamedTuple):
    """A row, and what of it may leave."""

    stored: Stored
    released: Released


def guard(it: Interaction, includes: Sequence[Include]) -> None:
    """Refuse an include by a reference, from a kind or to kinds that are closed to the caller (AZN-04, AZN-07).

    `*` stands for what is open. Raises HUB-001, HUB-002, SEC-403; FHIR-041 for a kind that is not kept in a store.
    """
    for each in includes:
        name = "_revinclude" if each.reverse else "_include"
        if AUDIT in (each.kind, each.target):
            raise Problem("FHIR-041", where=f"http.{name}", name=name)
        if each.reverse:
            demand_kind(it, each.kind)
        if each.param != ALL and it.tools.gate.forbidden_param(it.caller, each.kind, each.param):
            raise Problem("HUB-002", where=f"{each.kind}?{each.param}", parameter=each.param)
        goals = () if each.reverse else (each.target,) if each.target else _targets(each)
        if goals and not any(may_search(it, goal) for goal in goals):
            demand_kind(it, goals[0])


def demand_kind(it: Interaction, kind: str) -> None:
    """Raise Problem HUB-001 or SEC-403 unless the caller may search ``kind`` at all."""
    it.scope("search", kind)
    if it.tools.gate.narrow(it.caller, "search", kind) == NOTHING:
        raise Problem("SEC-403", where=kind)


def may_search(it: Interaction, kind: str) -> bool:
    """Tell whether the caller may search ``kind`` at all."""
    scoped = it.caller.role is Role.SYSTEM or it.tools.permits(it.caller, "search", kind)
    return scoped and kind != AUDIT and it.tools.gate.narrow(it.caller, "search", kind) != NOTHING


async def included(it: Interaction, query: Query, matches: Sequence[Released]) -> tuple[list[Shown], list[Problem]]:
    """Return what comes with ``matches``, and a warning where that is not all.

    At most one question an include and round, and one for each 200 references.
    """
    if not query.includes or not matches:
        return [], []
    walk = _Walk(it, matches)
    await walk.go(query.includes, matches)
    return walk.found, [Problem("HUB-030", severity="warning", limit=MAX_INCLUDED)] if walk.more else []


class _Walk:
    """Goes from the matches along the includes; nothing is met twice."""

    def __init__(self, it: Interaction, matches: Iterable[Released]) -> None:
        self.it = it
        self.found: list[Shown] = []
        self.more = False
        self._met: set[Key] = {(row.kind, row.id) for row in matches}
        self._followed = 0
        self._open: dict[str, bool] = {}

    async def go(self, includes: Sequence[Include], matches: Sequence[Released]) -> None:
        edge, wanted = matches, includes
        for _ in range(MAX_ROUNDS):
            before = len(self.found)
            for each in wanted:
                await (self._back(each, edge) if each.reverse else self._forth(each, edge))
            edge = [shown.released for shown in self.found[before:]]
            wanted = [each for each in includes if each.iterate]
            if not edge or not wanted or self.more:
                return
        self.more = True

    async def _forth(self, include: Include, edge: Sequence[Released]) -> None:
        """Read what ``edge`` refers to."""
        keys = list(dict.fromkeys(key for row in edge if row.kind == include.kind for key in self._goals(include, row)))
        keys = [key for key in keys if key not in self._met]
        room = MAX_FOLLOWED - self._followed
        self.more = self.more or len(keys) > room
        self._followed += len(keys)
        for at in range(0, min(len(keys), room), _READ_AT_ONCE):
            some = keys[at : min(at + _READ_AT_ONCE, room)]
            known = await self.it.tools.store.read_many(some)
            self._take([known[key] for key in some if key in known])
            self._met.update(some)

    def _goals(self, include: Include, row: Released) -> Iterator[Key]:
        doc = orjson.loads(row.body)
        for param in self._params(include):
            goals = (include.target,) if include.target else parameters.targets_of(row.kind, param)
            for entry in parameters.values_of(row.kind, param, doc):
                if isinstance(entry, Reference) and entry.param == param:
                    key = self._key(entry)
                    if key[0] in goals and self._may(key[0]):
                        yield key

    def _key(self, entry: Reference) -> Key:
        """Return what ``entry`` refers to; below this server's own address an absolute reference is a local one."""
        if entry.kind:
            return entry.kind, entry.id
        kind, _, id = entry.id.removeprefix(f"{self.it.tools.base}/").partition("/")  # noqa: A001 - FHIR's word
        return (kind, id) if kind in definitions.kinds() else ("", "")

    async def _back(self, include: Include, edge: Sequence[Released]) -> None:
        """Search what refers to ``edge``."""
        gate, caller = self.it.tools.gate, self.it.caller
        for param in self._params(include):
            goals = parameters.targets_of(include.kind, param)
            terms = tuple(
                ReferenceTerm(row.kind, row.id)
                for row in edge
                if row.kind in goals and include.target in ("", row.kind)
            )
            if not terms:
                continue
            asked = Query(include.kind, (Clause(param, "reference", terms),), count=MAX_INCLUDED + 1)
            page = await self.it.tools.store.search(asked, gate.narrow(caller, "search", include.kind, by=asked))
            self.more = self.more or bool(page.next)
            self._take([row for row in page.rows if (row.kind, row.id) not in self._met])

    def _params(self, include: Include) -> Iterable[str]:
        if include.param != ALL:
            return (include.param,)
        gate, caller = self.it.tools.gate, self.it.caller
        names = parameters.included_by(include.kind)
        return [name for name in names if not gate.forbidden_param(caller, include.kind, name)]

    def _may(self, kind: str) -> bool:
        known = self._open.get(kind)
        if known is None:
            known = self._open[kind] = may_search(self.it, kind)
        return known

    def _take(self, rows: Sequence[Stored]) -> None:
        """Decide and mask ``rows`` and keep what may leave."""
        there = [row for row in rows if not row.deleted]
        for row, released in zip(there, self.it.offered_beside(there, "search"), strict=True):
            if released is None:
                continue
            if len(self.found) >= MAX_INCLUDED:
                self.more = True
                return
            self._met.add((row.kind, row.id))
            self.found.append(Shown(row, released))


def _targets(include: Include) -> tuple[str, ...]:
    return () if include.param == ALL else parameters.targets_of(include.kind, include.param)
