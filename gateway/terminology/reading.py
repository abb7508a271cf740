"""FHIR JSON to what the room keeps: CodeSystem, ValueSet, ConceptMap, or a Bundle of them.

In: the bytes of a file. Out: `Loadable` values. Refuses what it cannot keep whole, with the place: a concept twice, two
parents, another kind. Source: FHIR R4 codesystem.html, valueset.html, conceptmap.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.fhir import wire
from gateway.fhir.problem import Problem
from gateway.terminology.values import (
    CodeSystem,
    Concept,
    ConceptMap,
    Designation,
    Doc,
    Head,
    Loadable,
    MapElement,
    ValueSet,
)

MAX_BYTES = 64 * 1024 * 1024
"""A national list of diagnoses with its properties takes 20 MiB (design default)."""
VALUES = ("code", "string", "boolean", "integer", "dateTime", "decimal")


def loadables(body: bytes) -> list[Loadable]:
    """Return what the file ``body`` holds. Raises Problem TRM-010, and FHIR-001 to FHIR-004 for what is no JSON."""
    doc = wire.read(body, limit=MAX_BYTES)
    if doc.get("resourceType") != "Bundle":
        return [loadable(doc)]
    entries = doc.get("entry")
    if not isinstance(entries, list) or not entries:
        raise _unreadable("Bundle.entry", "缺少", "missing")
    return [loadable(one.get("resource") if isinstance(one, dict) else None) for one in entries]


def loadable(doc: Any) -> Loadable:
    """Return one parsed resource as the room keeps it. Raises Problem TRM-010 naming the place."""
    kind = doc.get("resourceType") if isinstance(doc, dict) else None
    make = _MAKERS.get(str(kind))
    if make is None:
        raise _unreadable(
            "resourceType", "应为 CodeSystem、ValueSet 或 ConceptMap", "no CodeSystem, ValueSet, ConceptMap"
        )
    try:
        return make(doc)
    except msgspec.ValidationError as error:
        raise _unreadable(str(kind), str(error), str(error)) from None


class _Designation(msgspec.Struct):
    value: str
    language: str = ""
    use: dict[str, Any] = {}


class _Property(msgspec.Struct):
    code: str


class _Concept(msgspec.Struct):
    code: str
    display: str = ""
    definition: str = ""
    designation: list[_Designation] = []
    property: list[dict[str, Any]] = []
    concept: list[_Concept] = []


class _Head(msgspec.Struct, rename="camel"):
    url: str
    version: str = ""
    id: str = ""
    name: str = ""
    title: str = ""
    language: str = ""
    status: str = "unknown"

    def head(self) -> Head:
        if not self.url or "|" in self.url or not self.url.isprintable():
            raise msgspec.ValidationError("an absolute url without | is expected - at `$.url`")
        return Head(self.url, self.version, self.id, self.name, self.title, self.language, self.status)


class _CodeSystem(_Head, rename="camel"):
    content: str = "complete"
    case_sensitive: bool = True
    concept: list[_Concept] = []


class _ValueSet(_Head, rename="camel"):
    compose: dict[str, Any] = {}


class _Word(msgspec.Struct):
    value: str


class _Row(msgspec.Struct):
    code: str
    display: str = ""
    designation: list[_Word] = []


class _Filter(msgspec.Struct):
    property: str
    op: str
    value: str


class _Part(msgspec.Struct, rename="camel"):
    system: str = ""
    version: str = ""
    concept: list[_Row] = []
    filter: list[_Filter] = []
    value_set: list[str] = []


class _Compose(msgspec.Struct):
    include: list[_Part] = []
    exclude: list[_Part] = []


class _Target(msgspec.Struct):
    equivalence: str
    code: str = ""
    display: str = ""


class _Element(msgspec.Struct):
    code: str
    target: list[_Target] = []


class _Group(msgspec.Struct):
    source: str = ""
    target: str = ""
    element: list[_Element] = []


class _ConceptMap(_Head, rename="camel"):
    source_uri: str = ""
    source_canonical: str = ""
    target_uri: str = ""
    target_canonical: str = ""
    group: list[_Group] = []


def _code_system(doc: Doc) -> CodeSystem:
    read = msgspec.convert(doc, _CodeSystem)
    concepts = list(_concepts(read.concept, ""))
    seen: set[str] = set()
    for one in concepts:
        if one.code in seen:
            raise msgspec.ValidationError(f"the code {one.code[:64]} stands twice")
        seen.add(one.code)
    if missing := next((one for one in concepts if one.parent and one.parent not in seen), None):
        raise msgspec.ValidationError(f"the code {missing.code[:64]} is below one that is not there")
    return CodeSystem(read.head(), concepts, read.content, read.case_sensitive)


def _concepts(rows: Iterable[_Concept], above: str) -> Iterator[Concept]:
    """Yield each concept before those below it (R4: nesting says what is below)."""
    for row in rows:
        if not row.code.strip():
            raise msgspec.ValidationError("a concept has no code")
        props = {"definition": row.definition} if row.definition else {}
        parents = {above} if above else set[str]()
        for one in row.property:
            name, value = _property(one)
            if name == "parent":
                parents.add(value)
            elif name != "child":
                props[name] = value
        if len(parents) > 1:
            raise msgspec.ValidationError(f"the code {row.code[:64]} has several parents, which is not kept")
        words = tuple(Designation(one.language, str(one.use.get("code", "")), one.value) for one in row.designation)
        yield Concept(row.code, row.display, next(iter(parents), ""), words, props)
        yield from _concepts(row.concept, row.code)


def _property(row: Doc) -> tuple[str, str]:
    for kind in VALUES:
        value = row.get("value" + kind[0].upper() + kind[1:])
        if value is not None:
            return str(row.get("code", "")), str(value).lower() if kind == "boolean" else str(value)
    coding = row.get("valueCoding")
    return str(row.get("code", "")), str(coding.get("code", "")) if isinstance(coding, dict) else ""


def _value_set(doc: Doc) -> ValueSet:
    read = msgspec.convert(doc, _ValueSet)
    msgspec.convert(read.compose, _Compose)
    return ValueSet(read.head(), read.compose)


def _concept_map(doc: Doc) -> ConceptMap:
    read = msgspec.convert(doc, _ConceptMap)
    rows = (
        MapElement(group.source, one.code, group.target, target.code, target.display, target.equivalence)
        for group in read.group
        for one in group.element
        for target in one.target or [_Target("unmatched")]
    )
    source, target = read.source_uri or read.source_canonical, read.target_uri or read.target_canonical
    return ConceptMap(read.head(), list(rows), source.partition("|")[0], target.partition("|")[0])


_MAKERS: Mapping[str, Callable[[Doc], Loadable]] = {
    "CodeSystem": _code_system,
    "ValueSet": _value_set,
    "ConceptMap": _concept_map,
}


def _unreadable(where: str, what: str, what_en: str) -> Problem:
    return Problem("TRM-010", where=where, what=what, what_en=what_en)
