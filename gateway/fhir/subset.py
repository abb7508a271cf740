"""A part of a resource: a summary of it, its text, all but its text, or the elements that were named.

In: a document as its reader may see it, and what was asked for. Out: a document that holds less, never more, tagged
SUBSETTED so that nobody sends it back as the whole. Mandatory elements and those that change what others mean stay.
Source: FHIR R4 search.html#summary, #elements, resource.html#Meta.tag; which elements a summary has: the definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from gateway.fhir import definitions
from gateway.fhir.codec import Json
from gateway.fhir.problem import Problem
from gateway.fhir.wire import shown

Summary = Literal["", "true", "text", "data", "count", "false"]
_SUMMARIES: Final[dict[str, Summary]] = {
    "true": "true",
    "text": "text",
    "data": "data",
    "count": "count",
    "false": "false",
}
NAMES: Final = frozenset({"_summary", "_elements"})
_TAG: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS: Final = frozenset({"resourceType", "id", "meta"})
_Keeps = Callable[[definitions.Element], bool]


@dataclass(frozen=True, slots=True)
class Portion:
    """How much of a resource is wanted; `WHOLE` when nothing was said. Only one of the two is ever given."""

    summary: Summary = ""
    elements: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Tell whether a resource leaves as it is."""
        return self.summary in ("", "false", "count") and not self.elements


WHOLE: Final = Portion()


def portion(pairs: Sequence[tuple[str, str]], kind: str = "") -> Portion:
    """Return what `_summary` and `_elements` of ``pairs`` ask for. Raises Problem("FHIR-042").

    An element that ``kind`` ("" = any resource) does not have is refused: whoever misspells one learns it.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in NAMES:
            if name in given:
                raise Problem("FHIR-042", name=name, reason="it may be given once")
            given[name] = value
    if len(given) > 1:
        raise Problem("FHIR-042", name="_elements", reason="not together with _summary")
    if "_summary" in given:
        summary = _SUMMARIES.get(given["_summary"])
        if summary is None:
            raise Problem("FHIR-042", name="_summary", reason="true, text, data, count or false is expected")
        return Portion(summary)
    names = tuple(name.strip() for name in given["_elements"].split(",")) if "_elements" in given else ()
    for name in names:
        if name.removesuffix("[x]") not in _known(kind):
            raise Problem("FHIR-042", name="_elements", reason=f"there is no element {shown(name)}")
    return Portion(elements=names)


def subset(doc: Json, wanted: Portion) -> Json:
    """Return what ``wanted`` leaves of the resource ``doc``; ``doc`` itself where that is the whole."""
    if wanted.is_whole:
        return doc
    kind = doc["resourceType"]
    if wanted.elements:
        named = frozenset(name.removesuffix("[x]") for name in wanted.elements)
        found = _kept(doc, kind, lambda element: not named.isdisjoint({element.name, *_forms_of(element)}))
    elif wanted.summary == "text":
        found = _kept(doc, kind, lambda element: element.name == "text")
    elif wanted.summary == "data":
        found = {name: value for name, value in doc.items() if name != "text"}
    else:
        found = _kept(doc, kind, lambda element: element.summary, deep=True)
    meta = found.get("meta", {})
    return {**found, "meta": {**meta, "tag": [*meta.get("tag", ()), _TAG]}}


def _kept(node: Json, path: str, keeps: _Keeps, *, deep: bool = False) -> Json:
    """Return the members of ``node`` that stay, with ``deep`` of what they hold too what stays of it."""
    forms = definitions.forms(path)
    found: Json = {}
    for name, value in node.items():
        form = forms.get(name.removeprefix("_"))
        if name in _ALWAYS and path in definitions.kinds():
            found[name] = value
        elif form is not None and (form[0].min or form[0].modifier or keeps(form[0])):
            whole = not deep or name.startswith("_") or definitions.is_primitive(form[1])
            found[name] = value if whole else _inner(value, form[1], keeps)
    return found


def _inner(value: Any, path: str, keeps: _Keeps) -> Any:
    """Return what stays of a complex ``value``; all of it where nothing would: an element is never empty."""
    if isinstance(value, list):
        return [_inner(each, path, keeps) for each in value]
    if path == "Resource":
        return value
    return _kept(value, path, keeps, deep=True) or value


@cache
def _known(kind: str) -> frozenset[str]:
    """Return the names of the elements of ``kind``, or of all kinds, choices by either name."""
    kinds = (kind,) if kind else tuple(definitions.kinds())
    return frozenset(
        name
        for each in kinds
        for element in definitions.elements(each).values()
        for name in (element.name, *_forms_of(element))
    )


@cache
def _forms_of(element: definitions.Element) -> tuple[str, ...]:
    return tuple(name for name, _ in element.json_names())
