"""What may follow a parameter's colon, and the values of those types of term that R4 reads otherwise than tokens.

In: the type of a clause, its modifier, the decoded value. Out: `query.Term`s, and the type that the modifier makes of
the clause. Raises `Problem` FHIR-041 for a modifier that R4 does not have there, or that is not built, and FHIR-042.
Source: R4 search.html#modifiers, #string, #uri, #number, #quantity, #token (`:of-type`), location.html#search (`near`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from gateway.fhir import amounts, letters
from gateway.fhir.definitions import Component
from gateway.fhir.problem import Problem
from gateway.fhir.query import (
    Clause,
    CompositeTerm,
    MissingTerm,
    Modifier,
    NearTerm,
    NumberTerm,
    OfTypeTerm,
    QuantityTerm,
    StringTerm,
    Term,
    UriTerm,
)
from gateway.fhir.terms import bad, parts, plain, terms_of
from gateway.fhir.uris import STEPS

MAX_TEXT: Final = 200
"""Characters of a text in a question (design default)."""
NEAR_M: Final = 10_000.0
"""How far `near` reaches where no distance is given: R4 leaves it to the server (design default)."""
_OWN: Final = {
    "string": frozenset({"exact", "contains"}),
    "token": frozenset({"not", "text"}),
    "identifier": frozenset({"not", "text", "of-type"}),
    "reference": frozenset({"identifier"}),
    "uri": frozenset({"above", "below"}),
}
_READ: Final = frozenset({"string", "uri", "number", "quantity", "near"})
WORDS: Final = frozenset({"_text", "_content"})
"""Parameters whose value is words, each of which must be in the text."""
_METRES: Final = {"km": 1000.0, "m": 1.0, "cm": 0.01, "[mi_us]": 1609.347219, "mi": 1609.344, "[ft_i]": 0.3048}


def allowed(type_: str, modifier: str) -> bool:
    """Tell whether a clause of ``type_`` may have ``modifier``; `:[type]` of references is not one of these."""
    return not modifier or (modifier == "missing" and type_ != "composite") or modifier in _OWN.get(type_, ())


def clause(param: str, type_: str, modifier: str, value: str, *, targets: tuple[str, ...], base: str) -> Clause:
    """Return the clause of ``value``, whose ``modifier`` is allowed; ``targets`` and ``base`` as for a reference."""
    name = f"{param}:{modifier}" if modifier else param
    known = cast("Modifier", modifier)
    if param in WORDS and modifier:
        raise refused(name)
    if modifier == "missing":
        return Clause(param, type_, (_missing(name, value),), modifier=known)  # type: ignore[arg-type]
    if modifier == "identifier":
        return Clause(param, "identifier", terms_of("identifier", name, value), modifier=known)
    if modifier == "of-type":
        return Clause(
            param, "identifier", tuple(_of_type(name, part) for part in parts(value, ",", name)), modifier=known
        )
    if param in WORDS:
        return Clause(param, "string", (_words(name, value),), modifier="contains")
    if modifier == "text" or type_ in _READ:
        read = "string" if modifier == "text" else type_
        terms = tuple(_term(read, modifier, name, part) for part in parts(value, ",", name))
        return Clause(param, type_, terms, modifier=known)  # type: ignore[arg-type]
    terms = terms_of(type_, name, value, targets=targets, base=base)
    return Clause(param, type_, terms, modifier=known)  # type: ignore[arg-type]


def composite(param: str, components: Sequence[tuple[Component, tuple[str, ...]]], value: str, *, base: str) -> Clause:
    """Return the clause of a composite: each of ``components`` comes with the kinds that a reference may be of."""
    terms = []
    for part in parts(value, ",", param):
        pieces = parts(part, r"\$", param)
        if len(pieces) != len(components) or not all(pieces):
            raise bad(param, "$".join(component.name for component, _ in components))
        found = (
            clause(each.name, each.type, "", piece, targets=targets, base=base).terms
            for (each, targets), piece in zip(components, pieces, strict=True)
        )
        terms.append(CompositeTerm(tuple(term for (term,) in found)))
    return Clause(param, "composite", tuple(terms))


def _term(type_: str, modifier: str, name: str, part: str) -> Term:
    match type_:
        case "string":
            return _text(name, plain(part, name), exact=modifier == "exact")
        case "uri":
            return _uri(name, plain(part, name), modifier)
        case "number":
            return _number(name, part)
        case "quantity":
            return _quantity(name, part)
        case _:
            return _near(name, part)


def _text(name: str, text: str, *, exact: bool) -> StringTerm:
    if len(text) > MAX_TEXT:
        raise bad(name, f"at most {MAX_TEXT} characters")
    if not (text if exact else letters.plain(text)):
        raise bad(name, "letters or digits")
    return StringTerm(text)


def _words(name: str, value: str) -> StringTerm:
    """Return the words of a full text search; of the expressions that R4 lets a server offer, none is built."""
    if any(mark in value for mark in '"()*') or {"AND", "OR", "NOT", "NEAR"} & set(value.split()):
        raise bad(name, "words")
    return _text(name, plain(value, name), exact=False)


def _uri(name: str, text: str, modifier: str) -> UriTerm:
    if not text:
        raise bad(name, "uri")
    if modifier and ("://" not in text or text.count("/") > STEPS):
        raise bad(name, "scheme://host/path")  # only URLs have a path (R4 search.html#uri)
    return UriTerm(text)


def _number(name: str, part: str) -> NumberTerm:
    found = amounts.number(part)
    if found is None:
        raise bad(name, "[prefix]number")
    return found


def _quantity(name: str, part: str) -> QuantityTerm:
    pieces = [plain(piece, name) for piece in parts(part, r"\|", name)]
    number = _number(name, pieces[0])
    match pieces[1:]:
        case []:
            return QuantityTerm(number)
        case [system, code] if code:
            return QuantityTerm(number, system or None, code)
        case _:
            raise bad(name, "[prefix]number[|system|code]")


def _of_type(name: str, part: str) -> OfTypeTerm:
    pieces = [plain(piece, name) for piece in parts(part, r"\|", name)]
    if len(pieces) != 3 or not all(pieces):
        raise bad(name, "system|code|value")
    return OfTypeTerm(*pieces)


def _near(name: str, part: str) -> NearTerm:
    pieces = [plain(piece, name) for piece in parts(part, r"\|", name)]
    if not 2 <= len(pieces) <= 4:
        raise bad(name, "latitude|longitude|distance|units")
    latitude, longitude, *reach = (amounts.number(piece) for piece in pieces[:3] if piece)
    if (
        latitude is None
        or longitude is None
        or None in reach
        or not {"eq"} >= {n.prefix for n in (latitude, longitude)}
    ):
        raise bad(name, "latitude|longitude|distance|units")
    if abs(latitude.value) > 90 or abs(longitude.value) > 180:
        raise bad(name, "-90..90|-180..180")
    unit = _METRES.get(pieces[3] if len(pieces) == 4 and pieces[3] else "km")
    if unit is None:
        raise bad(name, " | ".join(_METRES))
    metres = float(reach[0].value) * unit if reach and reach[0] is not None else NEAR_M
    return NearTerm(float(latitude.value), float(longitude.value), metres)


def _missing(name: str, value: str) -> MissingTerm:
    if value not in ("true", "false"):
        raise bad(name, "true | false")
    return MissingTerm(value == "true")


def refused(name: str) -> Problem:
    """Return the problem of a parameter or modifier that is not built."""
    return Problem("FHIR-041", where=f"http.{name}", name=name)
