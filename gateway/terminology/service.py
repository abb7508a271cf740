"""The one entrance to terminology: what a code means, whether it is one, what a set holds, what a map says of it.

In: canonicals (`url` or `url|version`), codes. Out: values. Raises Problems of TRM- for what is not loaded. Nothing
here is anybody's data; who may ask is the hub's to say. Source: FHIR R4 terminology-service.html.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import orjson

from gateway.fhir.problem import Problem
from gateway.fhir.wire import PERSONAL
from gateway.store.postgres.pool import HeldPool
from gateway.terminology import loading, tables
from gateway.terminology.remembered import Remembered
from gateway.terminology.shipped import Shipped
from gateway.terminology.values import (
    Ask,
    Code,
    Concept,
    Expansion,
    Known,
    Loadable,
    Lookup,
    MapElement,
    Member,
    Subsumption,
    Translation,
    Validity,
    folded,
    word,
)

MAX_PAGE: Final = 1000
"""A page of an expansion is built in memory; a larger count is cut to this, as R4 allows a server (design default)."""
MAX_SET: Final = 10_000
"""Codes of a value set, or below a code, that a search may be asked for (design default)."""
MAX_CHILDREN: Final = 500
ALL: Final = "?fhir_vs"
"""`<code system>?fhir_vs` is the value set of all its codes (R4 snomedct.html#implicit, for every system)."""


class Terminology:
    """One a process, built by app.py."""

    def __init__(self, pool: HeldPool, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Answer from the tables behind ``pool``; ``clock`` counts seconds and is never set back."""
        self._pool = pool
        self._lately = Remembered(pool, clock=clock)

    async def code_system(self, canonical: str = "", *, version: str = "", logical: str = "") -> Known:
        """Return the loaded code system at ``canonical``. Raises Problem TRM-001."""
        return await self._known("CodeSystem", "TRM-001", canonical, version, logical)

    async def value_set(self, canonical: str = "", *, version: str = "", logical: str = "") -> Known:
        """Return the loaded value set at ``canonical``, or the code system for that of all its codes.

        Raises Problem TRM-003 (not loaded), TRM-008 (cannot be listed).
        """
        if canonical.endswith(ALL):
            system = canonical.removesuffix(ALL)
            try:
                return await self.code_system(system, version=version)
            except Problem:
                raise Problem("TRM-003", url=_shown(canonical)) from None
        found = await self._known("ValueSet", "TRM-003", canonical, version, logical)
        if found.problem:
            raise Problem("TRM-008", **orjson.loads(found.problem))
        return found

    async def lookup(self, system: Known, code: str) -> Lookup:
        """Return what ``code`` means. Raises Problem TRM-002."""
        concept = await self._concept(system, code)
        if concept is None:
            raise Problem("TRM-002", system=system.url)
        return Lookup(system, concept, await tables.children(self._pool, system, concept.code, limit=MAX_CHILDREN))

    async def validate_code(self, system: Known, code: str, *, display: str = "", language: str = "") -> Validity:
        """Tell whether ``system`` has ``code``; a ``display`` that is not its word is a warning."""
        concept = await self._concept(system, code)
        if concept is None:
            note = "TRM-015" if system.content == "complete" else "TRM-016"
            return Validity(False, notes=(Problem(note, system=system.url),))
        return Validity(True, word(concept, system.language, language), _mismatch(concept, display))

    async def validate_member(
        self, value_set: Known, code: str, *, system: str = "", display: str = "", language: str = ""
    ) -> Validity:
        """Tell whether ``code`` is in ``value_set``; without ``system`` in whichever system, if it is in one only."""
        if value_set.kind == "CodeSystem":
            if system and system != value_set.url:
                return Validity(False, notes=(Problem("TRM-017", url=value_set.url + ALL),))
            return await self.validate_code(value_set, code, display=display, language=language)
        question = ("member", value_set.key, system, code)
        found = await self._lately.get(question, partial(tables.member, self._pool, value_set, system, code))
        if found is None:
            return Validity(False, notes=(Problem("TRM-017", url=value_set.url),))
        concept = await self._of_member(found)
        right = found.display if found.display and not language else word(concept, "", language)
        return Validity(True, right, _mismatch(concept, display, found.display))

    async def subsumes(self, system: Known, a: str, b: str) -> Subsumption:
        """Return how ``a`` stands to ``b`` (R4 codesystem-operation-subsumes). Raises Problem TRM-002."""
        for code in (a, b):
            if await self._concept(system, code) is None:
                raise Problem("TRM-002", system=system.url)
        if a == b:
            return "equivalent"
        if a in await self._around("above", system, b):
            return "subsumes"
        return "subsumed-by" if b in await self._around("above", system, a) else "not-subsumed"

    async def page(
        self, value_set: Known, *, text: str = "", offset: int = 0, count: int = MAX_PAGE, language: str = ""
    ) -> Expansion:
        """Return the members from ``offset`` on, at most ``count``, in which each word of ``text`` is found."""
        count = min(count, MAX_PAGE)
        question = ("page", value_set.key, folded(text), offset, count)
        ask = partial(tables.page, self._pool, value_set, text=text, offset=offset, count=count)
        members, total = await self._lately.get(question, ask)
        if language:
            members = tuple([await self._in_language(one, language) for one in members])
        return Expansion(value_set, members, total, offset, count, text)

    async def concept_map(self, canonical: str = "", *, version: str = "", logical: str = "") -> Known:
        """Return the loaded concept map at ``canonical``. Raises Problem TRM-004."""
        return await self._known("ConceptMap", "TRM-004", canonical, version, logical)

    async def translate(self, asked: Ask) -> Translation:
        """Return what the maps say of a code. Raises Problem TRM-004 where no map is loaded that fits."""
        maps = [asked.map] if asked.map is not None else await self._maps()
        maps = [one for one in maps if asked.source in ("", one.source) and asked.target in ("", one.target)]
        if not maps:
            raise Problem("TRM-004")
        ask = tables.reverse if asked.backward else tables.translations
        found: list[tuple[MapElement, str]] = []
        for one in maps:
            question = ("map", one.key, asked.system, asked.code, asked.backward)
            lines = await self._lately.get(question, partial(ask, self._pool, one, asked.system, asked.code))
            found += [(line, one.url) for line in lines if asked.fits(line)]
        return Translation(tuple(found), asked.backward)

    async def expand(self, canonical: str) -> frozenset[Code]:
        """Return all codes of a value set, for a search. Raises Problem TRM-003, TRM-008, TRM-009 (too many)."""
        found = await self.value_set(canonical)
        if found.entries > MAX_SET:
            raise Problem("TRM-009", url=found.url, total=found.entries, limit=MAX_SET)
        if found.kind == "CodeSystem":
            members, _ = await tables.page(self._pool, found, text="", offset=0, count=MAX_SET)
            return frozenset((one.system, one.code) for one in members)
        return await self._lately.get(("pairs", found.key), partial(tables.pairs, self._pool, found))

    async def below(self, system: str, code: str) -> frozenset[Code]:
        """Return ``code`` and every code below it, for a search. Raises Problem TRM-001, TRM-002, TRM-009."""
        return await self._reached("below", system, code)

    async def above(self, system: str, code: str) -> frozenset[Code]:
        """Return ``code`` and every code above it, for a search. Raises Problem TRM-001, TRM-002, TRM-009."""
        return await self._reached("above", system, code)

    async def listed(self, kind: str = "") -> Sequence[Known]:
        """Return everything that is loaded, of each url the version that counts first."""
        return await self._lately.get(("listed", kind), partial(tables.all_known, self._pool, kind))

    async def load(self, resources: Sequence[Loadable]) -> None:
        """Load what an operator hands in, all or nothing. See `gateway.terminology.loading`."""
        await loading.load(self._pool, resources)
        self._lately.forget()

    async def load_shipped(self, found: Shipped) -> bool:
        """Load what comes with the program, unless it is there. See `gateway.terminology.loading`."""
        changed = await loading.load_shipped(self._pool, found)
        self._lately.forget()
        return changed

    async def remove(self, known: Known) -> None:
        """Remove one version. See `gateway.terminology.loading`."""
        await loading.remove(self._pool, known.key)
        self._lately.forget()

    async def _known(self, kind: str, code: str, canonical: str, version: str, logical: str) -> Known:
        url, _, named = canonical.partition("|")
        question = ("known", kind, url, version or named, logical)
        ask = partial(tables.known, self._pool, kind, url=url, version=version or named, logical=logical)
        found = await self._lately.get(question, ask) if url or logical else None
        if found is None:
            raise Problem(code, url=_shown(canonical or logical))
        return found

    async def _concept(self, system: Known, code: str) -> Concept | None:
        return await self._lately.get(("concept", system.key, code), partial(tables.concept, self._pool, system, code))

    async def _in_language(self, member: Member, language: str) -> Member:
        concept = await self._of_member(member)
        return member._replace(display=word(concept, "", language)) if concept.designations else member

    async def _of_member(self, member: Member) -> Concept:
        """Return the concept of a member with all its words; the set's own where its system is not loaded."""
        try:
            found = await self._concept(await self.code_system(member.system), member.code)
        except Problem:
            found = None
        return found or Concept(member.code, member.display)

    async def _around(self, way: str, system: Known, code: str) -> frozenset[str]:
        ask = tables.above if way == "above" else tables.below
        return await self._lately.get((way, system.key, code), partial(ask, self._pool, system, code))

    async def _reached(self, way: str, system: str, code: str) -> frozenset[Code]:
        known = await self.code_system(system)
        if await self._concept(known, code) is None:
            raise Problem("TRM-002", system=known.url)
        found = await self._around(way, known, code)
        if len(found) > MAX_SET:
            raise Problem("TRM-009", url=known.url, total=len(found), limit=MAX_SET)
        return frozenset((known.url, one) for one in found)

    async def _maps(self) -> list[Known]:
        """Return of each map the version that counts."""
        found: dict[str, Known] = {}
        for one in await self.listed("ConceptMap"):
            found.setdefault(one.url, one)
        return list(found.values())


def _mismatch(concept: Concept, display: str, *more: str) -> tuple[Problem, ...]:
    words = {folded(one) for one in (concept.display or concept.code, *more, *(d.value for d in concept.designations))}
    if not display or folded(display) in words:
        return ()
    right = next((one for one in (*more, concept.display) if one), concept.code)
    return (Problem("TRM-018", severity="warning", display=right),)


def _shown(url: str) -> str:
    """Return a url that a caller sent as far as it can be shown."""
    return url[:200] if url.isascii() and url.isprintable() and not PERSONAL.search(url) else "?"
