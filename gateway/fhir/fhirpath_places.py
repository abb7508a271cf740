"""Where the plain FHIRPath of a patch leads: places in a document that can be changed, not values.

In: a path that a client sent. Out: its tree, its places in a document, the members of the resource that it names. Only
what is surely quick is understood: a criterion asks the element itself, and no regular expression runs.
Source: FHIR R4 fhirpatch.html ("simple" FHIRPath); FHIRPath 2.0 (N1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from gateway.fhir import definitions, navigate
from gateway.fhir.codec import Json
from gateway.fhir.evaluate import Scope, of_tree
from gateway.fhir.fhirpath import Binary, Call, Index, Literal, Member, Node, Variable, read_tree
from gateway.fhir.operators import holds

MAX_LENGTH: Final = 500
"""Characters of a path (design default)."""
_STEPS: Final = {"where": 1, "first": 0, "last": 0, "single": 0, "extension": 1, "ofType": 1, "as": 1}
"""Functions of a path, and their arguments."""
_ASKED: Final = {
    **dict.fromkeys(("where", "startsWith", "contains", "ofType", "as", "is"), 1),
    **dict.fromkeys(("exists", "empty", "not", "first", "count", "hasValue"), 0),
}
"""Functions of a criterion, and their arguments."""
_OPERATORS: Final = frozenset({"=", "!=", "<", ">", "<=", ">=", "and", "or", "xor", "implies", "is", "as"})


class Place(NamedTuple):
    """One element: member ``key`` of ``parent``, an object of the type ``of``; ``at`` its place in a list, else None.

    ``kind`` is its own type. Of the resource itself the key is "".
    """

    parent: Json
    key: str
    at: int | None
    of: str
    kind: str

    @property
    def value(self) -> Any:
        """Return what stands here."""
        found = self.parent[self.key]
        return found if self.at is None else found[self.at]

    @property
    def siblings(self) -> list[Any]:
        """Return the list that it stands in; only where ``at`` tells a place."""
        found: list[Any] = self.parent[self.key]
        return found

    @property
    def twins(self) -> list[Any] | None:
        """Return the ids and extensions of the primitives beside ``siblings``, if any has some."""
        found = self.parent.get(f"_{self.key}")
        return found if isinstance(found, list) else None


def read(path: str) -> Node:
    """Return the tree of ``path``; ValueError when it is not plain, or not understood."""
    if len(path) > MAX_LENGTH:
        raise ValueError("the path is too long")
    try:
        tree = read_tree(path)
        _demand_plain(tree)
    except (IndexError, RecursionError):
        raise ValueError("the path is not understood") from None
    return tree


def places(path: Node, document: Json) -> list[Place]:
    """Return the places of ``path`` in ``document``, in its order."""
    root = Place({"": document}, "", None, "", str(document["resourceType"]))
    return _places(path, root)


def is_root(path: Node, kind: str) -> bool:
    """Tell whether ``path`` gives the resource, of ``kind``, itself."""
    match path:
        case Variable("%resource"):
            return True
        case Member(None, name):
            return name == kind
        case Call(of, name, _) if of is not None and name in _STEPS and name != "extension":
            return is_root(of, kind)
        case Index(of, _):
            return is_root(of, kind)
    return False


def members(path: Node, kind: str) -> frozenset[str]:
    """Return the members of a ``kind`` that ``path`` goes through, or asks for in a criterion on the resource."""
    match path:
        case Member(None, name) if name != kind:
            return json_names(kind, name)
        case Member(of, name) if of is not None:
            return members(of, kind) | (json_names(kind, name) if is_root(of, kind) else frozenset())
        case Call(of, name, arguments) if of is not None:
            asked = [members_asked(each, kind) for each in arguments] if is_root(of, kind) and name == "where" else []
            own = {"extension"} if name == "extension" and is_root(of, kind) else set()
            return members(of, kind).union(own, *asked)
        case Index(of, _):
            return members(of, kind)
    return frozenset()


def members_asked(criterion: Node, kind: str) -> frozenset[str]:
    """Return the members of a ``kind`` that ``criterion`` asks of it."""
    match criterion:
        case Binary(_, left, right):
            return members_asked(left, kind) | members_asked(right, kind)
        case Call(None, _, arguments):
            return frozenset().union(*(members_asked(each, kind) for each in arguments))
    return members(criterion, kind)


def json_names(kind: str, name: str) -> frozenset[str]:
    """Return the members in which a ``kind`` has its element ``name``; the name itself where it has none such."""
    return frozenset(navigate.json_names(kind, name) or (name,))


def _demand_plain(path: Node) -> None:
    """Raise ValueError unless ``path`` is made of what this module knows."""
    match path:
        case Variable("%resource") | Member(None, _):
            inner = None
        case Member(of, _) | Index(of, Literal(int())) | Binary("as", of, Member(None, _)):
            inner = of
        case Call(of, name, arguments) if of is not None and len(arguments) == _STEPS.get(name, -1):
            _demand_argument(name, arguments)
            inner = of
        case _:
            raise ValueError("the path is not plain")
    if inner is not None:
        _demand_plain(inner)


def _demand_argument(name: str, arguments: Sequence[Node]) -> None:
    for argument in arguments:
        if name == "where":
            _demand_quick(argument)
            of_tree(argument)
        elif not isinstance(argument, Literal if name == "extension" else Member):
            raise ValueError("the path is not plain")


def _demand_quick(criterion: Node) -> None:
    """Raise ValueError unless ``criterion`` asks the element itself, by what is linear in it."""
    inner: tuple[Node | None, ...] = ()
    match criterion:
        case Literal() | Variable("$this"):
            pass
        case Member(of, _) | Index(of, Literal(int())):
            inner = (of,)
        case Binary(operator, left, right) if operator in _OPERATORS:
            inner = (left, right)
        case Call(of, name, arguments) if len(arguments) == _ASKED.get(name, -1):
            inner = (of, *arguments)
        case _:
            raise ValueError("the criterion is not plain")
    for each in inner:
        if each is not None:
            _demand_quick(each)


def _places(path: Node, root: Place) -> list[Place]:
    match path:
        case Variable():
            return [root]
        case Member(None, name):
            return [root] if name == root.kind else list(_children(root, name))
        case Member(of, name) if of is not None:
            return [child for place in _places(of, root) for child in _children(place, name)]
        case Index(of, Literal(int(at))):
            return _places(of, root)[at : at + 1]
        case Call(of, name, arguments) if of is not None:
            return _called(_places(of, root), name, arguments, root)
        case Binary(_, left, Member(_, kind)):
            return [place for place in _places(left, root) if place.kind == kind]
    raise ValueError("the path is not plain")


def _called(found: list[Place], name: str, arguments: Sequence[Node], root: Place) -> list[Place]:
    match name, arguments:
        case "where", (criterion,):
            run, document = of_tree(criterion), root.value
            scope = Scope(document, document, (document, root.kind), {})
            return [place for place in found if holds(run([(place.value, place.kind)], scope)) is True]
        case "extension", (Literal(url),):
            return [each for place in found for each in _children(place, "extension") if each.value.get("url") == url]
        case "ofType" | "as", (Member(_, kind),):
            return [place for place in found if place.kind == kind]
        case "first", _:
            return found[:1]
        case "last", _:
            return found[-1:]
    return found if len(found) == 1 else []


def _children(place: Place, name: str) -> Iterator[Place]:
    value = place.value
    if not isinstance(value, dict):
        return
    for key, kind, _ in navigate.forms(place.kind, name):
        found = value.get(key)
        if isinstance(found, list):
            yield from (Place(value, key, at, place.kind, _own(kind, each)) for at, each in enumerate(found))
        elif found is not None:
            yield Place(value, key, None, place.kind, _own(kind, found))


def _own(kind: str, value: Any) -> str:
    """Return the type of ``value``: of a contained resource its own."""
    own = value.get("resourceType") if kind == "Resource" and isinstance(value, dict) else None
    return own if isinstance(own, str) and definitions.is_type(own) else kind
