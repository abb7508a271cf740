"""FHIRPath Patch: a Parameters of operations that add, insert, delete, replace or move elements of a resource.

In: the bytes of a Parameters, a document of `codec.parse_exact`. Out: another document. Paths are plain: members,
items, `where` with a criterion on the element itself, `first`, `ofType`, `extension`; what a stranger may make slow
(regular expressions, paths that begin anew in a criterion) is refused. Source: FHIR R4 fhirpatch.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final, NamedTuple

from gateway.fhir import definitions, fhirpath_places
from gateway.fhir import gate as fhir
from gateway.fhir.codec import Json
from gateway.fhir.fhirpath import Node
from gateway.fhir.fhirpath_places import Place
from gateway.fhir.problem import Problem

MAX_OPERATIONS: Final = 500
"""Operations of one patch (design default), as of a JSON Patch."""
_NEEDS: Final = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
_KEYS: Final = {
    "type": "valueCode",
    "path": "valueString",
    "name": "valueString",
    "index": "valueInteger",
    "source": "valueInteger",
    "destination": "valueInteger",
}


class Operation(NamedTuple):
    """One operation: ``at`` its place, ``path`` its tree, ``given`` its other parts by name."""

    at: int
    op: str
    path: Node
    given: Json


def read(body: bytes, *, kind: str) -> tuple[Operation, ...]:
    """Return the operations on a ``kind`` in ``body``. Raises what the fhir gate finds, FHIR-070, FHIR-073."""
    parameters = fhir.accept_partial(body, kind="Parameters").get("parameter", ())
    if len(parameters) > MAX_OPERATIONS:
        raise Problem("FHIR-073", limit=MAX_OPERATIONS)
    return tuple(_operation(at, each) for at, each in enumerate(parameters))


def touched(operations: Sequence[Operation], *, kind: str) -> frozenset[str]:
    """Return the members of a ``kind`` that ``operations`` name, also those that only a criterion asks for."""
    found: set[str] = set()
    for each in operations:
        found |= fhirpath_places.members(each.path, kind)
        if each.op == "add" and fhirpath_places.is_root(each.path, kind):
            found |= fhirpath_places.json_names(kind, each.given["name"])
    return frozenset(found)


def apply(operations: Sequence[Operation], document: Json) -> Json:
    """Return what ``operations`` make of ``document``. Raises Problem FHIR-071: a place is not there, or not one."""
    made = deepcopy(document)
    for each in operations:
        _DO[each.op](each, made)
    return made


def _operation(at: int, parameter: Json) -> Operation:
    if parameter.get("name") != "operation":
        raise Problem("FHIR-070", source=f"parameter[{at}].name", reason="operation")
    given: Json = {}
    for part in parameter.get("part", ()):
        name = str(part["name"])
        if name in given:
            raise _malformed(at, "part")
        given[name] = part if name == "value" else part.get(_KEYS.get(name, ""))
    op = given.get("type")
    needs = _NEEDS.get(op, ()) if isinstance(op, str) else ()
    missing = next((name for name in needs or ("type",) if given.get(name) is None), "")
    if missing or not needs or given.keys() - {"type", *needs}:
        raise _malformed(at, missing or "type")
    try:
        return Operation(at, str(op), fhirpath_places.read(given["path"]), given)
    except ValueError:
        raise _malformed(at, "path") from None


def _malformed(at: int, name: str) -> Problem:
    known = name if name in {*_KEYS, "value", "part"} else "part"
    return Problem("FHIR-070", source=f"parameter[{at}].{known}", reason=known)


def _absent(each: Operation, name: str = "path") -> Problem:
    return Problem("FHIR-071", source=f"parameter[{each.at}].{name}")


def _places(each: Operation, document: Json) -> list[Place]:
    return fhirpath_places.places(each.path, document)


def _only(each: Operation, document: Json) -> Place:
    found = _places(each, document)
    if len(found) != 1:
        raise _absent(each)
    return found[0]


def _list(each: Operation, document: Json) -> Place:
    """Return the first place of the one list whose items the path gives."""
    found = _places(each, document)
    first = found[0] if found else None
    if first is None or first.at is None or len(found) != len(first.siblings):
        raise _absent(each)
    if any(place.siblings is not first.siblings for place in found):
        raise _absent(each)
    return first


def _add(each: Operation, document: Json) -> None:
    place = _only(each, document)
    name, value = str(each.given["name"]), each.given["value"]
    if not isinstance(place.value, dict):
        raise _absent(each)
    key = _key(each, place.kind, name, value)
    made = _made(each, place.kind, key, value)
    if definitions.elements(place.kind)[name].many:
        items = place.value.setdefault(key, [])
        twins = place.value.get(f"_{key}")
        items.append(made)
        if twins is not None:
            twins.append(None)
    elif place.value.keys().isdisjoint(fhirpath_places.json_names(place.kind, name)):
        place.value[key] = made
    else:
        raise _absent(each, "name")


def _insert(each: Operation, document: Json) -> None:
    place, index = _list(each, document), int(each.given["index"])
    if not 0 <= index <= len(place.siblings):
        raise _absent(each, "index")
    made = _made(each, place.of, place.key, each.given["value"])
    for items, item in ((place.siblings, made), (place.twins, None)):
        if items is not None:
            items.insert(index, item)


def _delete(each: Operation, document: Json) -> None:
    found = _places(each, document)
    if not found:
        return  # R4 fhirpatch.html: nothing to delete is no error
    place = _only(each, document)
    if not place.key:
        raise _absent(each)
    if place.at is None or len(place.siblings) == 1:
        place.parent.pop(place.key)
        place.parent.pop(f"_{place.key}", None)
        return
    for items in (place.siblings, place.twins):
        if items is not None:
            del items[place.at]


def _replace(each: Operation, document: Json) -> None:
    place = _only(each, document)
    if not place.key:
        raise _absent(each)
    element = definitions.forms(place.of)[place.key][0]
    key = _key(each, place.of, element.name, each.given["value"])
    made = _made(each, place.of, key, each.given["value"])
    if place.at is not None:
        place.siblings[place.at] = made
        if place.twins is not None:
            place.twins[place.at] = None
        return
    place.parent.pop(f"_{place.key}", None)
    if key != place.key:
        del place.parent[place.key]
    place.parent[key] = made


def _move(each: Operation, document: Json) -> None:
    place = _list(each, document)
    source, destination = int(each.given["source"]), int(each.given["destination"])
    if not (0 <= source < len(place.siblings) and 0 <= destination < len(place.siblings)):
        raise _absent(each, "source")
    for items in (place.siblings, place.twins):
        if items is not None:
            items.insert(destination, items.pop(source))


def _key(each: Operation, kind: str, name: str, part: Json) -> str:
    """Return the member of ``kind`` that its element ``name`` is in with the value of ``part``."""
    element = definitions.elements(kind).get(name) if definitions.is_type(kind) else None
    if element is None:
        raise _absent(each, "name")
    if not element.choice:
        return name
    suffix = next((key.removeprefix("value") for key in part if key.startswith("value")), "")
    if f"{name}{suffix}" not in definitions.forms(kind):
        raise _absent(each, "value")
    return f"{name}{suffix}"


def _made(each: Operation, kind: str, key: str, part: Json) -> Any:
    """Return the value that ``part`` gives to the member ``key`` of ``kind``: a value, or an element of its parts."""
    given = [(name, value) for name, value in part.items() if name.startswith(("value", "_value"))]
    if len(given) == 1 and given[0][0].startswith("value") and "part" not in part:
        return given[0][1]
    if given or not part.get("part"):
        raise _absent(each, "value")
    return _element(each, definitions.forms(kind)[key][1], part["part"])


def _element(each: Operation, kind: str, parts: Sequence[Json]) -> Json:
    made: Json = {}
    for part in parts:
        name = str(part["name"])
        key = _key(each, kind, name, part)
        value = _made(each, kind, key, part)
        if definitions.elements(kind)[name].many:
            made.setdefault(key, []).append(value)
        elif key in made:
            raise _absent(each, "value")
        else:
            made[key] = value
    return made


_DO: Final = {"add": _add, "insert": _insert, "delete": _delete, "replace": _replace, "move": _move}
