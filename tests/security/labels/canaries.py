"""A resource of every kind with every element that R4 knows filled, each leaf with a canary of its own.

Not valid (all forms of a choice at once, dates that are words): the view must not depend on what a value looks like.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.fhir import definitions

DEPTH = 3
"""How deep complex types are filled; recursive ones (Identifier.assigner, Extension) end there."""
WHO = "(who it refers to)"
"""Inner name of `Reference.identifier.value`."""
Doc = dict[str, Any]


class Canary(NamedTuple):
    """One planted word: in which element of the catalogue, and by which inner names it is reached."""

    word: str
    element: str
    inner: tuple[str, ...]


class Full(NamedTuple):
    """A resource and what was planted in it."""

    doc: Doc
    canaries: tuple[Canary, ...]


def full(kind: str) -> Full:
    """Return a resource of ``kind`` with a canary in every leaf but those of `contained`."""
    plot = _Plot(kind)
    doc: Doc = {"resourceType": kind}
    for element in definitions.elements(kind).values():
        if element.name not in ("contained", "id"):
            doc |= plot.member(element)
    return Full(doc, tuple(plot.planted))


class _Plot:
    """Where canaries of one resource are planted."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.planted: list[Canary] = []

    def member(self, element: definitions.Element) -> Doc:
        """Return every form of a top element, with the `_x` twin of a primitive."""
        listed = f"{element.name}[x]" if element.choice else element.name
        found: Doc = {}
        for name, type_ in element.json_names():
            found[name] = _many(element, self._value(type_, listed, ()))
            if definitions.is_primitive(type_):
                twin = {"extension": [{"url": "urn:x", "valueString": self._word(listed, ("_twin",))}]}
                found[f"_{name}"] = _many(element, twin)
        return found

    def _word(self, listed: str, inner: tuple[str, ...]) -> str:
        canary = Canary(f"canary-{self._kind}-{len(self.planted):05d}-bird", listed, inner)
        self.planted.append(canary)
        return canary.word

    def _value(self, type_: str, listed: str, inner: tuple[str, ...]) -> Any:
        if type_ == "Reference":
            return {
                "reference": f"Organization/{self._word(listed, (*inner, 'reference'))}",
                "display": self._word(listed, (*inner, "display")),
                "identifier": {"value": self._word(listed, (*inner, WHO))},
            }
        if not definitions.is_type(type_) or definitions.is_primitive(type_):
            return self._word(listed, inner)
        return self._inside(type_, listed, inner) if len(inner) < DEPTH else {}

    def _inside(self, path: str, listed: str, inner: tuple[str, ...]) -> Doc:
        found: Doc = {}
        for element in definitions.elements(path).values():
            if element.name in ("extension", "modifierExtension"):
                told = self._word(listed, (*inner, element.name))
                found[element.name] = [{"url": "urn:x", "valueString": told}]
            elif element.name != "id":
                for name, type_ in element.json_names():
                    found[name] = _many(element, self._value(type_, listed, (*inner, name)))
        return {name: value for name, value in found.items() if value not in ({}, [{}])}


def _many(element: definitions.Element, value: Any) -> Any:
    return [value] if element.many else value
