"""What the compiler asks of the R4 definitions: the children of a type, and the types of the values in a map's leaves.

The definitions themselves are `gateway.fhir`'s; `Model` is the narrow view that a test can replace.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, Protocol

from gateway.fhir import definitions


class Element(NamedTuple):
    """One child as JSON names it: ``type`` (a primitive, a data type or the path of a backbone), cardinality, codes.

    ``codes`` holds the codes of a required binding, None when there is none. ``choice`` is the element's name in the
    definitions (`value[x]`), the same for all names of one choice. ``targets`` are the kinds that a Reference may point
    to, empty for any.
    """

    type: str
    is_list: bool
    required: bool
    codes: frozenset[str] | None
    choice: str
    targets: frozenset[str] = frozenset()


class Model(Protocol):
    """The structure of R4."""

    def children(self, type_: str) -> Mapping[str, Element] | None:
        """Return the children of a type by their JSON names, None when R4 has no such type."""
        ...

    def is_resource(self, type_: str) -> bool:
        """Return whether ``type_`` is a concrete resource type."""
        ...


PRIMITIVES = frozenset({
    "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer",
    "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid", "xhtml",
})  # fmt: skip


def required_groups(children: Mapping[str, Element]) -> list[tuple[str, ...]]:
    """Return the required children, each as the JSON names of which one must be present."""
    groups: dict[str, list[str]] = {}
    for name, element in children.items():
        if element.required:
            groups.setdefault(element.choice, []).append(name)
    return [tuple(names) for names in groups.values()]


class R4:
    """R4 4.0.1 as `gateway.fhir.definitions` holds it."""

    def children(self, type_: str) -> Mapping[str, Element] | None:
        """Return the children of a type by their JSON names, None when R4 has no such type."""
        return _children(type_)

    def is_resource(self, type_: str) -> bool:
        """Return whether ``type_`` is a concrete resource type."""
        return type_ in definitions.kinds()


@cache
def _children(type_: str) -> Mapping[str, Element] | None:
    if not definitions.is_type(type_):
        return None
    found = {}
    for name, (element, kind) in definitions.forms(type_).items():
        bound = definitions.codes(element.binding) if element.binding else None
        found[name] = Element(kind, element.many, element.min > 0, bound, element.name, element.targets)
    return found
