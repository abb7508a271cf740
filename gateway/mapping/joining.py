"""Join what a record says of a resource with what is known of it (docs/guides/maps.md §9).

Earlier values stay, empty ones are filled, lists merge by key, lists without a key are filled only when they were
empty; a feed that outranks replaces single values. A value of a data type is one thing: a Quantity is never half of one
and half of another. Joining the same again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.mapping.model import R4, Element

Keys = Mapping[str, Sequence[str]]
_MODEL: Final = R4()
_OPEN: Final = frozenset({"Period"})
"""Data types whose parts are filled one by one: a stay that has begun may end later."""
_OWN: Final = frozenset({"resourceType", "id"})
_META_LISTS: Final = ("profile", "security", "tag")
_KEYED: Final[Keys] = {"extension": ("url",), "modifierExtension": ("url",)}
"""Lists with a key of their own in every type (R4 extensibility.html)."""


def merge(
    kind: str, stored: Mapping[str, Any], incoming: Mapping[str, Any], *, keys: Keys, outranks: bool
) -> dict[str, Any]:
    """Return ``stored`` joined with ``incoming``, both resources of ``kind``; neither is changed.

    ``keys`` names the lists that merge by key (`Feed.merge_keys`), ``outranks`` lets the incoming single values lead.
    """
    joined = _object(kind, stored, incoming, {**_KEYED, **keys}, outranks=outranks)
    meta = _meta(stored.get("meta", {}), incoming.get("meta", {}))
    if meta:
        joined["meta"] = meta
    return joined


def conflict(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether the two say different things of one element."""
    return any(name in one and _differs(one[name], value) for name, value in other.items())


def _differs(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return conflict(one, other)
    return bool(one != other)


def _object(
    type_: str, stored: Mapping[str, Any], incoming: Mapping[str, Any], keys: Keys, *, outranks: bool
) -> dict[str, Any]:
    children = _MODEL.children(type_) or {}
    joined = dict(stored)
    for name, value in incoming.items():
        if name in _OWN or name == "meta" or name.startswith("_"):
            continue
        rival = _rival(name, joined, children)
        if rival is None:
            joined[name] = value
            _twin(name, incoming, joined)
        elif rival == name:
            before = joined[name]
            joined[name] = _element(children.get(name), before, value, _below(keys, name), outranks=outranks)
            if joined[name] != before:
                _twin(name, incoming, joined)
            elif before == value and f"_{name}" in incoming:
                joined.setdefault(f"_{name}", incoming[f"_{name}"])
        elif outranks:
            joined.pop(rival)
            joined.pop(f"_{rival}", None)
            joined[name] = value
            _twin(name, incoming, joined)
    for name, value in incoming.items():
        if name.startswith("_") and name not in joined and name[1:] not in joined:
            joined[name] = value
    return joined


def _rival(name: str, joined: Mapping[str, Any], children: Mapping[str, Element]) -> str | None:
    """Return the name under which ``joined`` has this element already: itself, or another form of the choice."""
    if name in joined:
        return name
    element = children.get(name)
    if element is None or (not element.choice.endswith("[x]") and element.choice == name):
        return None
    forms = (other for other, one in children.items() if one.choice == element.choice)
    return next((other for other in forms if other in joined), None)


def _twin(name: str, incoming: Mapping[str, Any], joined: dict[str, Any]) -> None:
    """Bring the extensions of a primitive with its value."""
    joined.pop(f"_{name}", None)
    if f"_{name}" in incoming:
        joined[f"_{name}"] = incoming[f"_{name}"]


def _element(element: Element | None, stored: Any, incoming: Any, keys: Keys, *, outranks: bool) -> Any:
    if isinstance(stored, list) and isinstance(incoming, list):
        own = keys.get("")
        if own is None:
            return stored or incoming
        return _list(element.type if element else "", stored, incoming, own, keys, outranks=outranks)
    if isinstance(stored, dict) and isinstance(incoming, dict) and element is not None and _is_open(element.type):
        return _object(element.type, stored, incoming, {**_KEYED, **keys}, outranks=outranks)
    return incoming if outranks else stored


def _is_open(type_: str) -> bool:
    """Tell whether a value of ``type_`` is filled part by part: backbone elements (`Encounter.hospitalization`)."""
    return "." in type_ or type_ in _OPEN


def _list(
    type_: str, stored: list[Any], incoming: list[Any], own: Sequence[str], keys: Keys, *, outranks: bool
) -> list[Any]:
    """Join the n-th item of a key with the n-th stored under it: a record may name one thing twice."""
    joined = list(stored)
    places: dict[tuple[str, ...], list[int]] = {}
    for place, item in enumerate(stored):
        places.setdefault(_key(item, own), []).append(place)
    for item in incoming:
        key = _key(item, own)
        waiting = places.get(key) if any(key) else None
        if waiting:
            place = waiting.pop(0)
            joined[place] = _object(type_, joined[place], item, {**_KEYED, **keys}, outranks=outranks)
        elif item not in joined:
            joined.append(item)
    return joined


def _key(item: Any, paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(_at(item, path.split(".")) for path in paths)


def _at(value: Any, path: Sequence[str]) -> str:
    """Return the value at ``path`` as text; of a list its first item, "" when there is none."""
    for name in path:
        if isinstance(value, list):
            value = value[0] if value else None
        value = value.get(name) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def _below(keys: Keys, name: str) -> dict[str, Sequence[str]]:
    """Return the keys that apply inside ``name``; under "" stands the list's own."""
    inner = {path.removeprefix(f"{name}."): key for path, key in keys.items() if path.startswith(f"{name}.")}
    if name in keys:
        inner[""] = keys[name]
    return inner


def _meta(stored: Mapping[str, Any], incoming: Mapping[str, Any]) -> dict[str, Any]:
    joined = {**incoming, **stored}
    for name in _META_LISTS:
        values = [*stored.get(name, ()), *incoming.get(name, ())]
        if values:
            joined[name] = [value for place, value in enumerate(values) if value not in values[:place]]
    return joined
