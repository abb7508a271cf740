"""The R4 definitions as the rest of the room asks for them, read from `_generated` on first use.

Out: elements of a type, its invariants, search parameters, compartments. Everything is cached; loading both
files costs about 20 ms of CPU. Source: hl7.fhir.r4.core 4.0.1, see `tools/build_definitions.py`.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gateway.fhir.problem import Severity

_GENERATED = Path(__file__).parent / "_generated"


class Constraint(NamedTuple):
    """An invariant: ``severity`` is "error" or "warning", ``expression`` FHIRPath."""

    key: str
    severity: Severity
    human: str
    expression: str


class Element(NamedTuple):
    """One element of a type; ``name`` without ``[x]``, ``types`` several only where it is a choice.

    ``targets`` are the kinds a reference may point to (empty: any), ``binding`` the required value set ("" none),
    ``summary`` tells whether it belongs to a summary, ``modifier`` whether it may change what others mean.
    """

    name: str
    types: tuple[str, ...]
    choice: bool
    many: bool
    min: int
    targets: frozenset[str]
    binding: str
    constraints: tuple[Constraint, ...]
    summary: bool
    modifier: bool

    def json_names(self) -> Iterator[tuple[str, str]]:
        """Yield (name in JSON, type) of each of its forms."""
        for kind in self.types:
            yield (self.name + kind[0].upper() + kind[1:] if self.choice else self.name), kind


class Component(NamedTuple):
    """One value of a composite: the parameter that it is, and its ``expression`` from the composite's element."""

    name: str
    type: str
    expression: str


class SearchParameter(NamedTuple):
    """A search parameter of one kind; ``expression`` is "" where R4 gives none, ``components`` those of a composite."""

    name: str
    type: str
    expression: str
    targets: tuple[str, ...]
    components: tuple[Component, ...] = ()


@cache
def _file(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(lzma.decompress((_GENERATED / f"{name}.json.xz").read_bytes()))
    return content


def is_type(path: str) -> bool:
    """Tell whether ``path`` names a complex type, a resource or a backbone element (``Patient.contact``)."""
    return path in _file("model")["types"]


def is_primitive(name: str) -> bool:
    """Tell whether ``name`` is a primitive type."""
    return name in _file("model")["primitives"]


@cache
def kinds() -> frozenset[str]:
    """Return the names of the 146 concrete resource types, plus none of the abstract ones."""
    types = _file("model")["types"]
    return frozenset(name for name, row in types.items() if row["k"] == "resource" and not row.get("a"))


@cache
def is_domain_resource(kind: str) -> bool:
    """Tell whether ``kind`` may hold narrative, extensions and contained resources."""
    return str(_file("model")["types"][kind]["b"]) == "DomainResource"


@cache
def elements(path: str) -> dict[str, Element]:
    """Return the elements of the type ``path`` by name, in definition order; KeyError when there is no such type."""
    rows = _file("model")["types"][path]["e"]
    return {name.removesuffix("[x]"): _element(name, row) for name, row in rows.items()}


def _element(name: str, row: dict[str, Any]) -> Element:
    return Element(
        name=name.removesuffix("[x]"),
        types=tuple(row["t"]),
        choice=name.endswith("[x]"),
        many=row.get("l", False),
        min=row.get("n", 0),
        targets=frozenset(row.get("to", ())),
        binding=row.get("vs", ""),
        constraints=tuple(Constraint(*c) for c in row.get("c", ())),
        summary=row.get("s", False),
        modifier=row.get("m", False),
    )


@cache
def forms(path: str) -> dict[str, tuple[Element, str]]:
    """Return (element, type) of the type ``path`` by the name in JSON: choices unfolded, ``_x`` twins left out."""
    return {name: (found, kind) for found in elements(path).values() for name, kind in found.json_names()}


def constraints(path: str) -> tuple[Constraint, ...]:
    """Return the invariants that the type ``path`` itself must satisfy."""
    return tuple(Constraint(*c) for c in _file("model")["types"][path]["c"])


def type_names() -> tuple[str, ...]:
    """Return the paths of all types, abstract ones and backbone elements too, in name order."""
    return tuple(_file("model")["types"])


def required_sets() -> dict[str, dict[str, list[str]]]:
    """Return {code system: codes} of every required value set that R4 can enumerate, by its url."""
    found: dict[str, dict[str, list[str]]] = _file("model")["codes"]
    return found


@cache
def systems(value_set: str) -> dict[str, frozenset[str]] | None:
    """Return {code system: codes} of a required value set, None when R4 cannot enumerate it."""
    found = _file("model")["codes"].get(value_set)
    return None if found is None else {system: frozenset(codes) for system, codes in found.items()}


@cache
def codes(value_set: str) -> frozenset[str] | None:
    """Return every code of a required value set, None when R4 cannot enumerate it."""
    found = systems(value_set)
    return None if found is None else frozenset().union(*found.values())


@cache
def search_parameters(kind: str) -> dict[str, SearchParameter]:
    """Return the search parameters of ``kind`` by name; KeyError for an unknown kind."""
    rows = _file("search")["params"][kind]
    return {
        name: SearchParameter(name, row[0], row[1], tuple(row[2]), tuple(Component(*each) for each in _fourth(row)))
        for name, row in rows.items()
    }


def _fourth(row: list[Any]) -> list[list[str]]:
    return row[3] if len(row) > 3 else []


def compartment(name: str) -> dict[str, list[str]]:
    """Return {kind: names of its parameters} of the compartment ``name``, such as ``Patient``."""
    found: dict[str, list[str]] = _file("search")["compartments"][name]
    return found
