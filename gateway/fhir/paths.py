"""Turns a search parameter's FHIRPath into plain steps over the JSON, one list per way to a value.

In: expression and kind. Out: `Path`s whose steps a generator writes as loops. Refuses (ValueError) what is not a
path: better a parameter that is not there than one that finds too little. Source: R4 search.html#3.1.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gateway.fhir import definitions
from gateway.fhir.fhirpath import Binary, Call, Index, Literal, Member, Node, parse


class Step(NamedTuple):
    """One move: ``op`` is get, each, refers (to kind), equals (name = value), extension (url) or marked (url)."""

    op: str
    name: str
    value: str = ""


class Path(NamedTuple):
    """A way to values of ``type``; ``element`` is the definition of the last one (None: the value itself)."""

    steps: tuple[Step, ...]
    type: str
    element: definitions.Element | None
    as_flag: bool = False


def paths(expression: str, kind: str) -> tuple[Path, ...]:
    """Return the ways of ``expression`` from a resource of ``kind`` to its values; ValueError when it is no path."""
    return tuple(_walk(parse(expression), Path((), kind, None)))


def _walk(node: Node, root: Path) -> Iterator[Path]:
    match node:
        case Binary("|", left, right):
            yield from _walk(left, root)
            yield from _walk(right, root)
        case Binary("as", left, Member(None, kind)):
            yield from _cast(_walk(left, root), kind)
        case Binary("and", Call(of, "exists", ()), Binary("!=", same, Literal(False))) if of == same and of is not None:
            yield from (path._replace(as_flag=True) for path in _walk(of, root))
        case Member(None, name):
            yield from [root] if name in (root.type, "Resource", "DomainResource") else _child(root, name)
        case Member(of, name) if of is not None:
            for path in _walk(of, root):
                yield from _child(path, name)
        case Index(of, Literal(0)):
            yield from _walk(of, root)
        case Call(of, name, arguments) if of is not None:
            yield from _call(list(_walk(of, root)), name, arguments)
        case _:
            raise ValueError(f"no search path: {node}")


def _cast(found: Iterator[Path] | list[Path], kind: str) -> Iterator[Path]:
    yield from (path for path in found if path.type == kind)


def _child(path: Path, name: str) -> Iterator[Path]:
    element = definitions.elements(path.type).get(name) if definitions.is_type(path.type) else None
    if element is None:
        return  # another member of a choice has it
    for json_name, kind in element.json_names():
        step = Step("each" if element.many else "get", json_name)
        yield Path((*path.steps, step), kind, element)


def _call(found: list[Path], name: str, arguments: tuple[Node, ...]) -> Iterator[Path]:
    match name, arguments:
        case (("as" | "ofType"), (Member(None, kind),)):
            yield from _cast(found, kind)
        case "where", (Binary("is", Call(None, "resolve", ()), Member(None, kind)),):
            yield from (_with(path, Step("refers", kind)) for path in found)
        case "where", (Binary("=", Member(None, member), Literal(str(value))),):
            yield from (_with(path, Step("equals", member, value)) for path in found)
        case "where", (Call(None, "hasExtension", (Literal(str(url)),)),):
            yield from (_with(path, Step("marked", url)) for path in found)
        case "extension", (Literal(str(url)),):
            yield from (Path((*p.steps, Step("extension", url)), "Extension", None) for p in found)
        case _:
            raise ValueError(f"no search path: {name}")


def _with(path: Path, step: Step) -> Path:
    return path._replace(steps=(*path.steps, step))
