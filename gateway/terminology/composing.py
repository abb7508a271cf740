"""The codes of a value set, listed from what it says it is made of.

In: `compose` as R4 writes it, and a way to the systems and sets that it names. Out: its members in the order of the
definition. Refuses to list what it cannot list whole (TRM-008): a set that lacks codes would refuse good ones.
Source: FHIR R4 valueset.html#compositions, valueset-filter-operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from gateway.fhir.problem import Problem
from gateway.terminology.values import Code, Concept, Doc, Member, sought

MAX_MEMBERS = 500_000
"""As many as a code system may have (design default)."""
_REACH = ("is-a", "descendent-of", "is-not-a")
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda found, wanted: found == wanted,
    "in": lambda found, wanted: found in wanted.split(","),
    "not-in": lambda found, wanted: found not in wanted.split(","),
    "exists": lambda found, wanted: bool(found) == (wanted == "true"),
}


class Source(Protocol):
    """Where the parts of a value set are."""

    def concepts(self, system: str, version: str) -> Mapping[str, Concept] | None:
        """Return the concepts of a system by code, None when it is not loaded."""
        ...

    def members(self, url: str) -> Sequence[Member] | None:
        """Return the members of another value set, None when it is not loaded."""
        ...


def named(compose: Doc) -> Iterator[str]:
    """Yield the urls of the systems and value sets that ``compose`` is made of, without versions."""
    for part in (*_parts(compose, "include"), *_parts(compose, "exclude")):
        yield from (url.partition("|")[0] for url in (part.get("system", ""), *part.get("valueSet", ())) if url)


def members(url: str, compose: Doc, source: Source) -> list[Member]:
    """Return the members of the value set ``url``. Raises Problem TRM-008."""
    parts = _parts(compose, "include")
    if not parts:
        raise _unlisted(url, "没有 compose.include", "it has no compose.include")
    found: dict[Code, Member] = {}
    for part in parts:
        for member in _listed(url, part, source):
            found.setdefault(member[:2], member)
    for part in _parts(compose, "exclude"):
        for member in _listed(url, part, source):
            found.pop(member[:2], None)
    if len(found) > MAX_MEMBERS:
        raise _unlisted(url, "代码太多", "it has too many codes")
    return list(found.values())


def _parts(compose: Doc, name: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = compose.get(name, [])
    return parts


def _listed(url: str, part: Doc, source: Source) -> list[Member]:
    """Return the codes of one part: those of its system that are in each of its value sets too."""
    sets = [_others(url, other, source) for other in part.get("valueSet", ())]
    if not part.get("system"):
        if not sets:
            raise _unlisted(url, "有一部分既无系统也无值集", "a part of it names neither a system nor a value set")
        found = sets.pop()
    else:
        found = list(_of_system(url, part, source))
    for other in sets:
        codes = {member[:2] for member in other}
        found = [member for member in found if member[:2] in codes]
    return found


def _others(url: str, other: str, source: Source) -> list[Member]:
    found = source.members(other)
    if found is None:
        raise _unlisted(url, f"值集 {other} 没有载入或无法列出", f"the value set {other} is not loaded, or not listed")
    return list(found)


def _of_system(url: str, part: Doc, source: Source) -> Iterator[Member]:
    system = str(part["system"])
    known = source.concepts(system, str(part.get("version", "")))
    if "concept" in part:
        for row in part["concept"]:
            concept = (known or {}).get(row["code"]) or Concept(row["code"])
            words = [one["value"] for one in row.get("designation", ()) if one.get("value")]
            display = row.get("display") or concept.display
            yield Member(system, row["code"], display, _joined(concept, display, words))
        return
    if known is None:
        raise _unlisted(url, f"代码系统 {system} 没有载入", f"the code system {system} is not loaded")
    filters = [_filter(url, row, known) for row in part.get("filter", ())]
    for concept in known.values():
        if all(passes(concept) for passes in filters):
            yield Member(system, concept.code, concept.display, concept.sought)


def _joined(concept: Concept, display: str, words: list[str]) -> str:
    return sought(concept.code, display, concept.display, *words, *(one.value for one in concept.designations))


def _filter(url: str, row: Doc, known: Mapping[str, Concept]) -> Callable[[Concept], bool]:
    name, operator, value = (str(row.get(key, "")) for key in ("property", "op", "value"))
    if operator in _REACH and name in ("concept", "code"):
        if value not in known:
            raise _unlisted(url, "筛选所指的代码不存在", "a filter names a code that is not there")
        below = _below(known, value)
        inside = below if operator == "descendent-of" else below | {value}
        return lambda concept: (concept.code in inside) != (operator == "is-not-a")
    compare = _COMPARE.get(operator)
    if compare is None:
        raise _unlisted(url, f"不支持筛选 {name} {operator}", f"the filter {name} {operator} is not built")
    return lambda concept: compare(concept.code if name in ("code", "concept") else concept.props.get(name, ""), value)


def _below(known: Mapping[str, Concept], top: str) -> frozenset[str]:
    """Return what is below ``top``, itself not among it."""
    children: dict[str, list[str]] = {}
    for concept in known.values():
        children.setdefault(concept.parent, []).append(concept.code)
    found: set[str] = set()
    ahead = list(children.get(top, ()))
    while ahead:
        code = ahead.pop()
        if code not in found:
            found.add(code)
            ahead += children.get(code, ())
    return frozenset(found - {top})


def _unlisted(url: str, what: str, what_en: str) -> Problem:
    return Problem("TRM-008", url=url, what=what, what_en=what_en)
