"""The ways through a document that FHIRPath knows: children by name, all descendants, what a reference tells.

Nothing raises on a document of the wrong form: a member that is not there is empty.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from gateway.fhir import definitions
from gateway.fhir.operators import Item, Items, Json


def resource(doc: Json) -> Item:
    """Return the resource ``doc`` with its kind."""
    return doc, str(doc.get("resourceType", ""))


@cache
def forms(type_: str, name: str) -> tuple[tuple[str, str, bool], ...]:
    """Return (JSON name, type, primitive) of each form of the element ``name`` of ``type_``."""
    if not definitions.is_type(type_):
        return ()
    element = definitions.elements(type_).get(name)
    return () if element is None else tuple((n, k, definitions.is_primitive(k)) for n, k in element.json_names())


@cache
def json_names(type_: str, name: str) -> tuple[str, ...]:
    """Return the members of which each makes the element ``name`` of ``type_`` exist."""
    return tuple(form for n, _, primitive in forms(type_, name) for form in ((n, f"_{n}") if primitive else (n,)))


@cache
def _all_forms(type_: str) -> dict[str, tuple[int, str, str, bool]]:
    """Return (number in the order of the definitions, JSON name, type, primitive) by JSON name and by name of twin."""
    names = definitions.elements(type_) if definitions.is_type(type_) else ()
    known = {}
    for number, form in enumerate(form for name in names for form in forms(type_, name)):
        known[form[0]] = known[f"_{form[0]}"] = (number, *form)
    return known


def add_children(value: Json, type_: str, name: str, found: Items) -> None:
    """Append the children ``name`` of ``value``, an object of ``type_``, to ``found``."""
    for json_name, kind, primitive in forms(type_, name):
        _add(value, json_name, kind, found, primitive=primitive)


def _add(value: Json, json_name: str, kind: str, found: Items, *, primitive: bool) -> None:
    child = value.get(json_name)
    if child is None:
        # A primitive may be there by its extensions alone: it exists, without a value.
        if primitive and f"_{json_name}" in value:
            found.append((None, kind))
    elif child.__class__ is list:
        found.extend(_typed(item, kind) for item in child)
    else:
        found.append(_typed(child, kind))


def _typed(value: Any, kind: str) -> Item:
    return resource(value) if kind == "Resource" and value.__class__ is dict else (value, kind)


def children(focus: Items) -> Items:
    """Return every child of every item, in the order of the definitions."""
    found: Items = []
    for value, type_ in focus:
        if value.__class__ is dict:
            known = _all_forms(type_)
            for _, name, kind, primitive in sorted({known[name] for name in value if name in known}):
                _add(value, name, kind, found, primitive=primitive)
    return found


def descendants(focus: Items) -> Items:
    """Return the children, their children, and so on."""
    found: Items = []
    level = children(focus)
    while level:
        found += level
        level = children(level)
    return found


def resolve(focus: Items) -> Items:
    """Return what a reference's text tells of its target, its kind; nothing is fetched."""
    found: Items = []
    for value, _ in focus:
        text = value.get("reference") if value.__class__ is dict else None
        parts = text.split("/_history/")[0].split("/") if isinstance(text, str) else []
        if len(parts) > 1 and parts[-2] in definitions.kinds():
            found.append(({}, parts[-2]))
    return found
