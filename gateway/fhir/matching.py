"""Decides a clause on an opened resource: what an index can only narrow down is found out here.

In: the kind, a clause without a chain, the parsed resource. Out: whether it matches. Source: R4 search.html; the store
asks it where a keyed hash may be another's, and where no hash says enough (`:contains`, `:text`, `:missing`, ...).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from gateway.fhir import amounts, definitions, letters, ucum, uris
from gateway.fhir.extract import components_of, elements_of, values_of
from gateway.fhir.index import Amount, Date, Entry, Identifier, Position, Reference, Text, Token, Uri
from gateway.fhir.modifiers import WORDS
from gateway.fhir.query import (
    Clause,
    CompositeTerm,
    DateTerm,
    MissingTerm,
    NearTerm,
    NumberTerm,
    OfTypeTerm,
    QuantityTerm,
    ReferenceTerm,
    StringTerm,
    Term,
    TokenTerm,
    UriTerm,
)
from gateway.fhir.spans import FIRST, LAST

Doc = dict[str, Any]
Decider = Callable[[Doc], bool]
EARTH_M: Final = 6_371_008.8
"""Mean radius (IUGG)."""
_TAG = re.compile(r"<[^>]*>")
_INNER: Final = frozenset({"id", "contained", "extension", "modifierExtension"})
_UNTOLD: Final = _INNER | {"resourceType", "meta", "text", "implicitRules", "language"}
"""Members whose words are no content: structure, the narrative, and what a view shows by rules of its own."""
_REFERENCE: Final = frozenset({"reference", "type", "identifier", "display"})


def decider(kind: str, clause: Clause) -> Decider:
    """Return what decides ``clause`` on a resource of ``kind``."""
    if clause.modifier == "missing":
        wanted = {term.missing for term in clause.terms if isinstance(term, MissingTerm)}
        return lambda doc: (not values_of(kind, clause.param, doc)) in wanted
    if clause.modifier == "text":
        return lambda doc: any(_starts("", text, clause.terms) for text in _displays(kind, clause.param, doc))
    if clause.modifier == "of-type":
        return lambda doc: any(_of_type(value, clause.terms) for _, value in elements_of(kind, clause.param, doc))
    if clause.param in WORDS:
        return lambda doc: _has_words(clause.param, doc, clause.terms)
    if clause.type == "composite":
        return _composite(kind, clause)
    meets = _METS[clause.type]
    named = f"{clause.param}:identifier" if clause.modifier == "identifier" else clause.param
    negated = clause.modifier == "not"

    def holds(doc: Doc) -> bool:
        entries = [entry for entry in values_of(kind, clause.param, doc) if entry.param == named]
        return meets(clause, entries) is not negated

    return holds


def _composite(kind: str, clause: Clause) -> Decider:
    """Return what finds an element in which every component of one of the terms holds."""
    components = definitions.search_parameters(kind)[clause.param].components
    asked = [
        [Clause(each.name, each.type, (part,)) for each, part in zip(components, term.parts, strict=True)]  # type: ignore[arg-type]
        for term in clause.terms
        if isinstance(term, CompositeTerm)
    ]

    def holds(doc: Doc) -> bool:
        return any(
            all(_METS[part.type](part, entries) for part, entries in zip(parts, element, strict=True))
            for element in components_of(kind, clause.param, doc)
            for parts in asked
        )

    return holds


def _tokens(clause: Clause, entries: Iterable[Entry]) -> bool:
    terms = [term for term in clause.terms if isinstance(term, TokenTerm)]
    return any(_same(term, entry.system, entry.code) for entry in entries if isinstance(entry, Token) for term in terms)


def _identifiers(clause: Clause, entries: Iterable[Entry]) -> bool:
    terms = [term for term in clause.terms if isinstance(term, TokenTerm)]
    return any(
        _same(term, entry.system, entry.value) for entry in entries if isinstance(entry, Identifier) for term in terms
    )


def _same(term: TokenTerm, system: str | None, code: str) -> bool:
    if term.code is not None and term.code != code:
        return False
    return term.system is None or term.system == (system or "")


def _references(clause: Clause, entries: Iterable[Entry]) -> bool:
    wanted = {(term.kind, term.id) for term in clause.terms if isinstance(term, ReferenceTerm)}
    return any(
        (entry.kind, entry.id) in wanted or ("", entry.id) in wanted
        for entry in entries
        if isinstance(entry, Reference)
    )


def _strings(clause: Clause, entries: Iterable[Entry]) -> bool:
    texts = (entry.text for entry in entries if isinstance(entry, Text))
    if clause.modifier == "exact":
        wanted = {term.text for term in clause.terms if isinstance(term, StringTerm)}
        return any(text in wanted for text in texts)
    inside = clause.modifier == "contains"
    return any(_starts(clause.param, text, clause.terms, inside=inside) for text in texts)


def _starts(param: str, text: str, terms: Iterable[Term], *, inside: bool = False) -> bool:
    """Tell whether a form of ``text`` starts with, or with ``inside`` contains, one of ``terms``."""
    wanted = [letters.plain(term.text) for term in terms if isinstance(term, StringTerm)]
    forms = letters.forms(param, text)
    return any(each in form if inside else form.startswith(each) for each in wanted for form in forms)


def _uris(clause: Clause, entries: Iterable[Entry]) -> bool:
    wanted = [term.uri for term in clause.terms if isinstance(term, UriTerm)]
    found = [entry.uri for entry in entries if isinstance(entry, Uri)]
    match clause.modifier:
        case "below":
            return any(uris.is_below(uri, each) for uri in found for each in wanted)
        case "above":
            return any(uris.is_below(each, uri) for uri in found for each in wanted)
        case _:
            return not set(found).isdisjoint(wanted)


def _dates(clause: Clause, entries: Iterable[Entry]) -> bool:
    spans = [(entry.low or FIRST, entry.high or LAST) for entry in entries if isinstance(entry, Date)]
    return any(_in_time(term, *span) for span in spans for term in clause.terms if isinstance(term, DateTerm))


def _in_time(term: DateTerm, low: datetime, high: datetime) -> bool:
    """Compare the stored span [low, high) with the term's (R4 search.html#prefix)."""
    inside = term.low <= low and high <= term.high
    return {
        "eq": inside,
        "ne": not inside,
        "gt": high > term.high,
        "lt": low < term.low,
        "ge": high > term.high or inside,
        "le": low < term.low or inside,
        "sa": low >= term.high,
        "eb": high <= term.low,
    }[term.prefix]


def _amounts(clause: Clause, entries: Iterable[Entry]) -> bool:
    found = [entry for entry in entries if isinstance(entry, Amount)]
    return any(_is_amount(term, entry) for entry in found for term in clause.terms)


def _is_amount(term: Term, entry: Amount) -> bool:
    low, high = (Decimal(text) if text else None for text in (entry.low, entry.high))
    if not isinstance(term, QuantityTerm):
        return isinstance(term, NumberTerm) and amounts.meets(term, low, high)
    asked = ucum.unit(term.code) if term.code and term.system == ucum.SYSTEM else None
    if asked is None:
        same = term.code is None or (
            term.code in (entry.code, entry.unit)
            if term.system is None
            else (term.system, term.code) == (entry.system, entry.code)
        )
        return same and amounts.meets(term.number, low, high)
    own = ucum.unit(entry.code) if entry.system == ucum.SYSTEM else None
    if own is None or own.base != asked.base:
        return False
    ends = (None if end is None else amounts.in_base(end, own) for end in (low, high))
    return amounts.meets(amounts.term_in_base(term.number, asked), *ends)


def _near(clause: Clause, entries: Iterable[Entry]) -> bool:
    places = [(float(e.latitude), float(e.longitude)) for e in entries if isinstance(e, Position)]
    return any(
        _metres(place, (term.latitude, term.longitude)) <= term.metres
        for place in places
        for term in clause.terms
        if isinstance(term, NearTerm)
    )


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the way over the globe between two places in degrees, by the haversine formula."""
    (lat, lon), (to_lat, to_lon) = ((math.radians(a), math.radians(b)) for a, b in (one, other))
    rise = math.sin((to_lat - lat) / 2) ** 2
    across = math.cos(lat) * math.cos(to_lat) * math.sin((to_lon - lon) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(rise + across)))


_METS: Final[dict[str, Callable[[Clause, Iterable[Entry]], bool]]] = {
    "token": _tokens,
    "identifier": _identifiers,
    "reference": _references,
    "string": _strings,
    "uri": _uris,
    "date": _dates,
    "number": _amounts,
    "quantity": _amounts,
    "near": _near,
}


def _displays(kind: str, param: str, doc: Doc) -> Iterator[str]:
    """Yield the texts that go with the codes of ``param`` (R4 search.html#modifiers, `:text` of a token)."""
    for type_, value in elements_of(kind, param, doc):
        match type_:
            case "CodeableConcept":
                yield from _concept_texts(value)
            case "Coding":
                yield from _told(value.get("display"))
            case "Identifier":
                yield from _told(value.get("type", {}).get("text"))


def _concept_texts(value: Doc) -> Iterator[str]:
    yield from _told(value.get("text"))
    for coding in value.get("coding", ()):
        yield from _told(coding.get("display"))


def _told(text: str | None) -> Iterator[str]:
    if text:
        yield text


def _of_type(value: Any, terms: Iterable[Term]) -> bool:
    if not isinstance(value, dict):
        return False
    codings = {(coding.get("system"), coding.get("code")) for coding in value.get("type", {}).get("coding", ())}
    return any(
        isinstance(term, OfTypeTerm) and value.get("value") == term.value and (term.system, term.code) in codings
        for term in terms
    )


def _has_words(param: str, doc: Doc, terms: Iterable[Term]) -> bool:
    """Tell whether each word of the question is in the narrative (`_text`), or in the content (`_content`)."""
    wanted = [letters.plain(w) for term in terms if isinstance(term, StringTerm) for w in term.text.split()]
    if param == "_text":
        told = letters.plain(_TAG.sub(" ", doc.get("text", {}).get("div", "")))
        return all(word in told for word in wanted)
    texts = [letters.plain(text) for text in _content(doc)]
    return all(any(word in text for text in texts) for word in wanted)


def _content(doc: Doc) -> Iterator[str]:
    """Yield the texts of ``doc`` itself: not of references, whose displays tell of another resource."""
    for name, value in doc.items():
        if name not in _UNTOLD:
            yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict) and not (("reference" in value or "display" in value) and value.keys() <= _REFERENCE):
        for name, each in value.items():
            if name not in _INNER:
                yield from _texts(each)
