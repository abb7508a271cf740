"""The R4 definition of a type in the form that the validator walks by: one look-up for each JSON member.

In: a type's path (``Patient``, ``Patient.contact``, ``HumanName``). Out: its `Shape`, made on first use and kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from gateway.fhir import definitions, invariants
from gateway.fhir.invariants import Rule
from gateway.fhir.primitives import Test, test_of

Json = dict[str, Any]

MAX_ITEMS = 2000
"""Longest list (design default, R4 sets none): rules that compare every pair of items stay cheap."""
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
"""What the url of an extension is that stands in no other extension."""
_CODED = frozenset(("CodeableConcept", "Coding", "Quantity"))


@dataclass(frozen=True, slots=True)
class Binding:
    """A required value set: its ``url`` and, for each code system, its codes."""

    url: str
    systems: dict[str, frozenset[str]]

    def holds(self, node: Json, type_: str) -> bool:
        """Tell whether ``node``, a Coding, Quantity or CodeableConcept, keeps it; of a concept one coding is enough."""
        codings = node.get("coding", ()) if type_ == "CodeableConcept" else (node,)
        given = [c for c in codings if isinstance(c, dict) and "code" in c] if isinstance(codings, list | tuple) else []
        # An empty coding is the text's or the extension's to explain, unless there is a concept without any code.
        return not (given or type_ == "CodeableConcept") or any(self._bound(coding) for coding in given)

    def _bound(self, coding: Json) -> bool:
        code, codes = coding.get("code"), self.systems.get(str(coding.get("system")), frozenset())
        return isinstance(code, str) and code in codes


@dataclass(frozen=True, slots=True)
class Member:
    """One form of an element.

    ``label`` is its name in FHIRPath, ``test`` None unless it is primitive; ``absolute``: an extension whose url must
    be absolute, because it stands in no other extension; ``plain``: single, and decided by ``test`` alone.
    """

    label: str
    type: str
    many: bool
    choice: bool
    test: Test | None
    codes: frozenset[str] | None
    binding: Binding | None
    targets: frozenset[str]
    rules: tuple[Rule, ...]
    absolute: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What an object of ``type`` may hold: ``required`` lists (label, JSON names of which one must be there)."""

    type: str
    is_resource: bool
    members: dict[str, Member]
    required: tuple[tuple[str, tuple[str, ...]], ...]
    rules: tuple[Rule, ...]


@cache
def shape_of(type_: str) -> Shape:
    """Return the shape of the type ``type_``; KeyError when R4 has none."""
    found = definitions.elements(type_)
    members = {name: _member(type_, element, kind) for e in found.values() for element, name, kind in _forms(e)}
    required = tuple((e.name, _names(e)) for e in found.values() if e.min)
    return Shape(type_, type_ in definitions.kinds(), members, required, invariants.of_type(type_))


def _forms(element: definitions.Element) -> list[tuple[definitions.Element, str, str]]:
    return [(element, name, kind) for name, kind in element.json_names()]


def _names(element: definitions.Element) -> tuple[str, ...]:
    """Return the members of which one satisfies a required element: a primitive may consist of extensions alone."""
    forms = list(element.json_names())
    return (*(name for name, _ in forms), *(f"_{name}" for name, kind in forms if definitions.is_primitive(kind)))


def _member(owner: str, element: definitions.Element, kind: str) -> Member:
    primitive = definitions.is_primitive(kind)
    systems = definitions.systems(element.binding) if element.binding else None
    rules = invariants.of_element(element)
    codes = definitions.codes(element.binding) if kind == "code" and systems is not None else None
    bound = systems is not None and kind in (*_CODED, "code")
    return Member(
        label=element.name,
        type=kind,
        many=element.many,
        choice=element.choice,
        test=test_of(kind) if primitive else None,
        codes=codes,
        binding=Binding(element.binding, systems or {}) if bound else None,
        targets=element.targets if kind == "Reference" else frozenset(),
        rules=rules,
        absolute=kind == "Extension" and owner != "Extension",
        plain=not (element.many or rules or codes) and kind != "xhtml",
    )
