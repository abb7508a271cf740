"""The operations on codes over HTTP: Parameters in, Parameters or a ValueSet out, by type and by instance.

In: GET with simple parameters, POST with a Parameters resource. Out: 200 with what was found; what is missing or wrong
is 400 and named, what is not loaded 404. Source: FHIR R4 codesystem-operations.html, valueset-operations.html,
conceptmap-operations.html.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

from gateway.api import parameters
from gateway.api.parameters import Asked, Known
from gateway.fhir.problem import Lang, Problem
from gateway.terminology import ALL, MAX_PAGE, Ask, Expansion, Lookup, Terminology, Translation, Validity
from gateway.terminology import Known as Loaded

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Of which resource it is asked ("" of the kind), in which language, when."""

    id: str
    lang: Lang
    now: datetime


Question = Callable[[Terminology], Awaitable[Json]]
_NOT_BUILT = ("includeDesignations", "includeDefinition", "activeOnly", "excludeNotForUI", "excludePostCoordinated")
"""Flags of $expand that are taken where they ask for what is done anyway."""
_CODED: Known = {"code": "text", "coding": "Coding", "display": "text", "displayLanguage": "text"}
LOOKUP: Known = {
    "code": "text",
    "system": "text",
    "version": "text",
    "coding": "Coding",
    "displayLanguage": "text",
    "property": "texts",
}
VALIDATE_SYSTEM: Known = {**_CODED, "url": "text", "version": "text", "codeableConcept": "CodeableConcept"}
VALIDATE_SET: Known = {
    **_CODED,
    "url": "text",
    "valueSetVersion": "text",
    "system": "text",
    "systemVersion": "text",
    "codeableConcept": "CodeableConcept",
}
SUBSUMES: Known = {
    "codeA": "text",
    "codeB": "text",
    "system": "text",
    "version": "text",
    "codingA": "Coding",
    "codingB": "Coding",
}
EXPAND: Known = {
    "url": "text",
    "valueSetVersion": "text",
    "filter": "text",
    "offset": "integer",
    "count": "integer",
    "displayLanguage": "text",
    "excludeNested": "boolean",
    **dict.fromkeys(_NOT_BUILT, "boolean"),
}
TRANSLATE: Known = {
    "url": "text",
    "conceptMapVersion": "text",
    "code": "text",
    "system": "text",
    "source": "text",
    "target": "text",
    "targetsystem": "text",
    "coding": "Coding",
    "codeableConcept": "CodeableConcept",
    "reverse": "boolean",
}


def lookup(asked: Asked, place: Place) -> Question:
    """Return the question of `CodeSystem/$lookup`."""

    async def question(terms: Terminology) -> Json:
        system, code, version = _coded(asked)
        loaded = await terms.code_system(system, version=version)
        return _looked_up(await terms.lookup(loaded, code), asked)

    return question


def validate_system(asked: Asked, place: Place) -> Question:
    """Return the question of `CodeSystem/$validate-code`."""

    async def question(terms: Terminology) -> Json:
        given = asked.demand_one_of("code", "coding", "codeableConcept")
        if given != "code" and not place.id and not asked.text("url"):
            codings = _codings(asked, given)
            url = str(codings[0].get("system", "")) if codings else ""
        else:
            url = "" if place.id else asked.needed("url")
        loaded = await terms.code_system(url, version=asked.text("version"), logical=place.id)
        check = partial(_in_system, terms, loaded, asked)
        return _valid(await _any(asked, given, check), place.lang)

    return question


def subsumes(asked: Asked, place: Place) -> Question:
    """Return the question of `CodeSystem/$subsumes`."""

    async def question(terms: Terminology) -> Json:
        url, version = asked.text("system"), asked.text("version")
        codes = []
        for side in ("A", "B"):
            if asked.demand_one_of(f"code{side}", f"coding{side}") == f"coding{side}":
                coding = asked.value(f"coding{side}")
                if url and coding.get("system", url) != url:
                    raise parameters.wrong(f"coding{side}", "应属同一代码系统", "it is of another code system")
                url = url or str(coding.get("system", ""))
                codes.append(str(coding.get("code", "")))
            else:
                codes.append(asked.text(f"code{side}"))
        if not url and not place.id:
            raise Problem("TRM-005", name="system")
        loaded = await terms.code_system("" if place.id else url, version=version, logical=place.id)
        if place.id and url and url != loaded.url:
            raise parameters.wrong("system", "应属同一代码系统", "it is another code system")
        return parameters.answer(("outcome", "valueCode", await terms.subsumes(loaded, *codes)))

    return question


def expand(asked: Asked, place: Place) -> Question:
    """Return the question of `ValueSet/$expand`."""

    async def question(terms: Terminology) -> Json:
        for name in _NOT_BUILT:
            if asked.flag(name):
                raise parameters.wrong(name, "不支持", "it is not built")
        url = "" if place.id else asked.needed("url")
        loaded = await terms.value_set(url, version=asked.text("valueSetVersion"), logical=place.id)
        page = await terms.page(
            loaded,
            text=asked.text("filter"),
            offset=asked.number("offset", 0),
            count=asked.number("count", MAX_PAGE),
            language=asked.text("displayLanguage"),
        )
        return _expanded(page, asked, place)

    return question


def validate_set(asked: Asked, place: Place) -> Question:
    """Return the question of `ValueSet/$validate-code`."""

    async def question(terms: Terminology) -> Json:
        given = asked.demand_one_of("code", "coding", "codeableConcept")
        url = "" if place.id else asked.needed("url")
        loaded = await terms.value_set(url, version=asked.text("valueSetVersion"), logical=place.id)
        check = partial(_in_set, terms, loaded, asked)
        return _valid(await _any(asked, given, check), place.lang)

    return question


def translate(asked: Asked, place: Place) -> Question:
    """Return the question of `ConceptMap/$translate`."""

    async def question(terms: Terminology) -> Json:
        given = asked.demand_one_of("code", "coding", "codeableConcept")
        url, loaded = asked.text("url"), None
        if url or place.id:
            loaded = await terms.concept_map(url, version=asked.text("conceptMapVersion"), logical=place.id)
        found: list[Translation] = []
        for coding in _codings(asked, given):
            if not coding.get("system"):
                raise Problem("TRM-005", name="system")
            ask = Ask(
                str(coding["system"]),
                str(coding.get("code", "")),
                loaded,
                asked.text("source"),
                asked.text("target"),
                asked.text("targetsystem"),
                asked.flag("reverse"),
            )
            found.append(await terms.translate(ask))
        return _translated(found)

    return question


class Row(NamedTuple):
    """What an operation may be asked, how it is asked, whether of an instance too."""

    known: Known
    ask: Callable[[Asked, Place], Question]
    instance: bool


QUESTIONS: Mapping[tuple[str, str], Row] = {
    ("CodeSystem", "lookup"): Row(LOOKUP, lookup, instance=False),
    ("CodeSystem", "validate-code"): Row(VALIDATE_SYSTEM, validate_system, instance=True),
    ("CodeSystem", "subsumes"): Row(SUBSUMES, subsumes, instance=True),
    ("ValueSet", "expand"): Row(EXPAND, expand, instance=True),
    ("ValueSet", "validate-code"): Row(VALIDATE_SET, validate_set, instance=True),
    ("ConceptMap", "translate"): Row(TRANSLATE, translate, instance=True),
}
"""By kind and operation."""


def _coded(asked: Asked) -> tuple[str, str, str]:
    """Return system, code and version, from a coding or from their own parameters."""
    if asked.demand_one_of("code", "coding") == "coding":
        coding = asked.value("coding")
        for name in ("system", "code"):
            if not coding.get(name):
                raise Problem("TRM-005", name=f"coding.{name}")
        return coding["system"], coding["code"], coding.get("version", "") or asked.text("version")
    return asked.needed("system"), asked.text("code"), asked.text("version")


def _codings(asked: Asked, given: str) -> Sequence[Json]:
    if given == "code":
        return [{"system": asked.text("system"), "code": asked.text("code"), "display": asked.text("display")}]
    found = [asked.value("coding")] if given == "coding" else asked.value("codeableConcept").get("coding", ())
    if not found or not all(one.get("code") for one in found):
        raise Problem("TRM-005", name=f"{given}.code")
    return list(found)


async def _any(asked: Asked, given: str, check: Callable[[Json], Awaitable[Validity]]) -> Validity:
    """Return the first of several codings that is valid, else everything that is wrong with them (R4: any will do)."""
    found = [await check(coding) for coding in _codings(asked, given)]
    valid = next((one for one in found if one.result), None)
    return valid or Validity(False, notes=tuple(note for one in found for note in one.notes))


async def _in_system(terms: Terminology, loaded: Loaded, asked: Asked, coding: Json) -> Validity:
    if coding.get("system") and coding["system"] != loaded.url:
        return Validity(False, notes=(Problem("TRM-015", system=loaded.url),))
    return await terms.validate_code(
        loaded, coding["code"], display=coding.get("display", ""), language=asked.text("displayLanguage")
    )


async def _in_set(terms: Terminology, loaded: Loaded, asked: Asked, coding: Json) -> Validity:
    return await terms.validate_member(
        loaded,
        coding["code"],
        system=coding.get("system", ""),
        display=coding.get("display", ""),
        language=asked.text("displayLanguage"),
    )


def _looked_up(found: Lookup, asked: Asked) -> Json:
    concept, wanted = found.concept, asked.value("property")
    props = [*concept.props.items(), ("parent", concept.parent), *(("child", code) for code in found.children)]
    words = [
        {"name": "designation", "part": _parts(language=one.language, value=one.value)} for one in concept.designations
    ]
    more = [
        {"name": "property", "part": [{"name": "code", "valueCode": name}, {"name": "value", **_typed(name, value)}]}
        for name, value in props
        if value and (not wanted or name in wanted)
    ]
    made = parameters.answer(
        ("name", "valueString", found.system.name or found.system.url),
        ("version", "valueString", found.system.version),
        ("display", "valueString", found.display(asked.text("displayLanguage"))),
    )
    made["parameter"] += [*words, *more]
    return made


def _parts(*, language: str, value: str) -> list[Json]:
    said = [{"name": "language", "valueCode": language}] if language else []
    return [*said, {"name": "value", "valueString": value}]


def _typed(name: str, value: str) -> Json:
    return {"valueCode" if name in ("parent", "child") else "valueString": value}


def _valid(found: Validity, lang: Lang) -> Json:
    return parameters.answer(
        ("result", "valueBoolean", found.result),
        ("message", "valueString", "; ".join(dict.fromkeys(note.text(lang) for note in found.notes))),
        ("display", "valueString", found.display),
    )


def _expanded(page: Expansion, asked: Asked, place: Place) -> Json:
    loaded = page.value_set
    used = [("filter", "valueString", page.text), ("displayLanguage", "valueCode", asked.text("displayLanguage"))]
    told: list[Json] = [{"name": name, key: value} for name, key, value in used if value]
    told += [{"name": "count", "valueInteger": page.count}, {"name": "offset", "valueInteger": page.offset}]
    contains = [
        {"system": one.system, "code": one.code, **({"display": one.display} if one.display else {})}
        for one in page.members
    ]
    url = loaded.url + ALL if loaded.kind == "CodeSystem" else loaded.url
    head = {"url": url, "version": loaded.version, "name": loaded.name, "title": loaded.title}
    return {
        "resourceType": "ValueSet",
        **{name: value for name, value in head.items() if value},
        "status": loaded.status,
        "expansion": {
            "identifier": f"urn:uuid:{uuid4()}",
            "timestamp": place.now.isoformat(timespec="seconds"),
            "total": page.total,
            "offset": page.offset,
            "parameter": told,
            **({"contains": contains} if contains else {}),
        },
    }


def _translated(found: Sequence[Translation]) -> Json:
    made = parameters.answer(("result", "valueBoolean", any(one.result for one in found)))
    for one in found:
        for line, url in one.matches:
            system, code, display = (
                (line.source_system, line.source, "")
                if one.backward
                else (line.target_system, line.target, line.display)
            )
            concept = {
                name: value for name, value in (("system", system), ("code", code), ("display", display)) if value
            }
            parts: list[Json] = [{"name": "equivalence", "valueCode": line.equivalence}]
            parts += [{"name": "concept", "valueCoding": concept}] if code else []
            made["parameter"].append({"name": "match", "part": [*parts, {"name": "source", "valueUri": url}]})
    return made
