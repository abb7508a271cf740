"""JSON Patch: six operations on a parsed resource, each applied whole or refused by its place.

In: the bytes of a patch, a document of `codec.parse_exact`. Out: another document; numbers keep their digits. The
document that was given is never changed. Refused: what RFC 6902 calls an error, and copies that would grow without
bound. Source: RFC 6902, RFC 6901; FHIR R4 http.html#patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from gateway.fhir import wire
from gateway.fhir.codec import Json
from gateway.fhir.problem import Problem
from gateway.fhir.strict_json import MAX_DEPTH

MAX_OPERATIONS: Final = 500
"""Operations of one patch (design default): each may move a whole list."""
MAX_COPIED: Final = 200_000
"""Values that the operations of one patch may copy (design default): doubling thirty times would make a billion."""
_OPS: Final = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_ESCAPE: Final = re.compile(r"~(?![01])")
Pointer = tuple[str, ...]


class Operation(NamedTuple):
    """One operation: ``path`` and, of move and copy, ``source`` as the tokens of their pointers; ``at`` its place."""

    at: int
    op: str
    path: Pointer
    source: Pointer | None
    value: Any


def read(body: bytes) -> tuple[Operation, ...]:
    """Return the operations in ``body``. Raises Problem FHIR-001 to FHIR-004, FHIR-070, FHIR-073."""
    # Read as a member, so that the one strict reader reads it; a body that closes the object early has a key too many.
    found = wire.read(b'{"patch":%b}' % body)
    if found.keys() != {"patch"} or not isinstance(found["patch"], list):
        raise Problem("FHIR-070", reason="a list of operations is expected")
    if len(found["patch"]) > MAX_OPERATIONS:
        raise Problem("FHIR-073", limit=MAX_OPERATIONS)
    return tuple(_operation(at, each) for at, each in enumerate(found["patch"]))


def touched(operations: Iterable[Operation]) -> frozenset[str]:
    """Return the members of the resource that ``operations`` name, also those that they only test or copy."""
    pointers = (pointer for each in operations for pointer in (each.path, each.source) if pointer)
    return frozenset(pointer[0] for pointer in pointers)


def apply(operations: Sequence[Operation], document: Json) -> Json:
    """Return what ``operations``, one after the other, make of ``document``.

    Raises Problem FHIR-071 (a place that is not there), FHIR-072 (a `test` that does not hold), FHIR-073 (copies
    without bound), FHIR-070 (what is left is no object). The problem's ``source`` is the operation's place.
    """
    work = _Work()
    made = work.copy(document, 0)
    for each in operations:
        made = work.apply(each, made)
    if not isinstance(made, dict):
        raise Problem("FHIR-070", reason="what is left is no resource")
    return made


def _operation(at: int, given: Any) -> Operation:
    op = given.get("op") if isinstance(given, dict) else None
    if not isinstance(op, str) or op not in _OPS:
        raise _malformed(at, "op")
    if missing := next((name for name in _OPS[op] if name not in given), ""):
        raise _malformed(at, missing)
    source = _pointer(at, "from", given["from"]) if "from" in _OPS[op] else None
    return Operation(at, op, _pointer(at, "path", given.get("path")), source, given.get("value"))


def _pointer(at: int, name: str, text: Any) -> Pointer:
    """Return the tokens of a JSON Pointer (RFC 6901 §3)."""
    if not isinstance(text, str) or (text and not text.startswith("/")) or _ESCAPE.search(text):
        raise _malformed(at, name)
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:])


def _malformed(at: int, name: str) -> Problem:
    return Problem("FHIR-070", source=f"[{at}].{name}", reason=name)


class _Work:
    """Applies operations to a document of its own, and counts what they copy."""

    def __init__(self) -> None:
        self._left = MAX_COPIED

    def copy(self, value: Any, at: int, depth: int = 0) -> Any:
        """Return ``value``, to stand at ``depth``, no part of which is shared. Raises Problem FHIR-073, FHIR-004."""
        self._left -= 1
        if self._left < 0:
            raise Problem("FHIR-073", source=f"[{at}]", limit=MAX_COPIED)
        if not isinstance(value, dict | list):
            return value
        if depth >= MAX_DEPTH:
            raise Problem("FHIR-004", source=f"[{at}]", limit=MAX_DEPTH)
        if isinstance(value, dict):
            return {name: self.copy(inner, at, depth + 1) for name, inner in value.items()}
        return [self.copy(inner, at, depth + 1) for inner in value]

    def apply(self, each: Operation, document: Any) -> Any:
        match each.op:
            case "test":
                if not _same(_value(document, each.path, each.at), each.value):
                    raise Problem("FHIR-072", source=f"[{each.at}]")
                return document
            case "remove":
                return self._without(document, each.path, each.at)
            case "add":
                return self._with(document, each.path, each.value, each.at)
            case "replace":
                return self._instead(document, each.path, each.value, each.at)
            case _:
                return self._carried(each, document)

    def _carried(self, each: Operation, document: Any) -> Any:
        """Return ``document`` after a move or copy."""
        source = each.source or ()
        value = self.copy(_value(document, source, each.at), each.at)
        if each.op == "move":
            if source != each.path and each.path[: len(source)] == source:
                raise _absent(each.at, "from")
            document = self._without(document, source, each.at)
        return self._with(document, each.path, value, each.at)

    def _with(self, document: Any, path: Pointer, value: Any, at: int) -> Any:
        value = self.copy(value, at, len(path))
        if not path:
            return value
        parent = _value(document, path[:-1], at)
        if isinstance(parent, dict):
            parent[path[-1]] = value
        elif isinstance(parent, list):
            parent.insert(len(parent) if path[-1] == "-" else _place(path[-1], len(parent) + 1, at), value)
        else:
            raise _absent(at, "path")
        return document

    def _instead(self, document: Any, path: Pointer, value: Any, at: int) -> Any:
        _value(document, path, at)
        if not path:
            return self.copy(value, at)
        parent = _value(document, path[:-1], at)
        parent[path[-1] if isinstance(parent, dict) else int(path[-1])] = self.copy(value, at, len(path))
        return document

    def _without(self, document: Any, path: Pointer, at: int) -> Any:
        _value(document, path, at)
        if not path:
            return None
        parent = _value(document, path[:-1], at)
        del parent[path[-1] if isinstance(parent, dict) else int(path[-1])]
        return document


def _value(document: Any, path: Pointer, at: int) -> Any:
    """Return what stands at ``path``. Raises Problem FHIR-071."""
    for token in path:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list):
            document = document[_place(token, len(document), at)]
        else:
            raise _absent(at, "path")
    return document


def _place(token: str, length: int, at: int) -> int:
    """Return the index that ``token`` names in a list of ``length`` places (RFC 6901 §4)."""
    if not _INDEX.fullmatch(token) or int(token) >= length:
        raise _absent(at, "path")
    return int(token)


def _absent(at: int, name: str) -> Problem:
    return Problem("FHIR-071", source=f"[{at}].{name}")


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal as RFC 6902 §4.6 asks: numbers by value, objects in any order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair) for pair in _pairs(one, other))
    # A truth is no number in JSON, but one in Python.
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return not isinstance(one, dict | list) and not isinstance(other, dict | list) and bool(one == other)


def _pairs(one: list[Any], other: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(one, other, strict=True)
