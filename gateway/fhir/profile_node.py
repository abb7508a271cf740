"""What a profile says about one element, and how that is walked on objects of one type.

A `Node` is made by `profile_tree`, given its ``choose`` by `slices`, walked by `profiles`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.fhir.invariants import Rule
from gateway.fhir.navigate import forms, json_names
from gateway.fhir.value_sets import Systems

Form = tuple[str, str, str]
"""One form of an element in JSON: its name, the name of its twin ("" when it is no primitive), its type."""
Place = tuple["Place | None", str, int | None]
"""Where a value stands: the place above, the name of the element, which of several."""


@dataclass(slots=True)
class Plan:
    """The children of a node on objects of one type: what only has to be there, and what is looked into."""

    required: tuple[tuple[Node, tuple[str, ...]], ...]
    walked: tuple[tuple[Node, tuple[Form, ...]], ...]


@dataclass(slots=True)
class Expected:
    """A fixed value (``exact``: nothing more) or a pattern (at least this)."""

    value: Any
    exact: bool


@dataclass(slots=True)
class Binding:
    """A required value set: its ``url`` and, for each code system, its codes."""

    url: str
    systems: Systems


@dataclass(slots=True)
class Node:
    """What a profile says about one element or one slice of it.

    ``label`` is the name shown (`identifier:idcard`), ``kinds`` the types that are allowed (empty: any), ``targets``
    the kinds a reference may point to, ``shapes`` the profiles of the type, such as that of an extension, ``choose``
    the name of the slice that an item of a type belongs to.
    """

    name: str
    label: str
    min: int = 0
    max: int | None = None
    kinds: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    shapes: tuple[str, ...] = ()
    expected: Expected | None = None
    binding: Binding | None = None
    rules: tuple[Rule, ...] = ()
    children: dict[str, Node] = field(default_factory=dict)
    slices: dict[str, Node] = field(default_factory=dict)
    discriminators: tuple[tuple[str, str], ...] = ()
    closed: bool = False
    choose: Callable[[Any, str], str | None] | None = None
    plans: dict[str, Plan] = field(default_factory=dict)

    def plan(self, kind: str) -> Plan:
        """Return the plan for objects of the type ``kind``, made on first use and kept."""
        if kind not in self.plans:
            required = [child for child in self.children.values() if child.is_presence()]
            walked = [child for child in self.children.values() if not child.is_presence()]
            self.plans[kind] = Plan(
                tuple((child, json_names(kind, child.name)) for child in required),
                tuple((child, _forms(kind, child.name)) for child in walked),
            )
        return self.plans[kind]

    def is_presence(self) -> bool:
        """Tell whether all that is asked for is that the element is there."""
        more = self.kinds or self.shapes or self.expected or self.binding or self.rules or self.children or self.slices
        return self.min == 1 and self.max is None and not more


def _forms(kind: str, name: str) -> tuple[Form, ...]:
    return tuple(
        (json_name, f"_{json_name}" if primitive else "", type_) for json_name, type_, primitive in forms(kind, name)
    )


def written(place: Place) -> str:
    """Return the FHIRPath of ``place``."""
    above, name, at = place
    here = name if at is None else f"{name}[{at}]"
    return here if above is None else f"{written(above)}.{here}"
