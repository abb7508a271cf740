"""Compiles FHIRPath trees into Python closures over typed JSON: what invariants are decided with.

In: an expression of R4. Out: a function of a focus and its `Scope`. The functions never raise on a document of the
wrong form. Raises ValueError at compile time for what is not built: a rule half understood would let bad data pass.
Source: FHIRPath 2.0 (N1).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from gateway.fhir.fhirpath import Binary, Call, Index, Literal, Member, Node, Variable, parse
from gateway.fhir.functions import FUNCTIONS
from gateway.fhir.navigate import add_children, json_names, resource
from gateway.fhir.operators import FALSE, LOGIC, OPERATORS, TRUE, Item, Items, Json, holds, key_of, truth


class Scope(NamedTuple):
    """What an expression may ask for besides its focus: ``%resource``, ``%rootResource`` and ``%context``.

    ``memo`` keeps what stays the same for every item of a collection, so that no rule compares each with each.
    """

    resource: Json
    root: Json
    context: Item
    memo: dict[Run, frozenset[Any]]


Run = Callable[[Items, Scope], Items]

_CONSTANTS = {
    "%ucum": "http://unitsofmeasure.org",
    "%sct": "http://snomed.info/sct",
    "%loinc": "http://loinc.org",
}
_SYSTEM_TYPES = {"Boolean": "boolean", "String": "string", "Integer": "integer", "Decimal": "decimal"}


@cache
def compiled(expression: str) -> Run:
    """Return the function of ``expression``; ValueError when it uses what is not built."""
    return _compile(parse(expression))


def of_tree(node: Node) -> Run:
    """Return the function of the tree ``node``, which nobody keeps; ValueError when it uses what is not built."""
    return _compile(node)


def _compile(node: Node) -> Run:  # noqa: PLR0911 - one return for each kind of node
    match node:
        case Literal(value):
            constant = [] if value is None else [_literal(value)]
            return lambda focus, scope: constant
        case Variable(name):
            return _variable(name)
        case Member(None, name):
            return _member(name)
        case Member(of, name) if of is not None:
            first, then = _compile(of), _member(name)
            return lambda focus, scope: then(first(focus, scope), scope)
        case Index(of, Literal(int(at))):
            whole = _compile(of)
            return lambda focus, scope: whole(focus, scope)[at : at + 1]
        case Binary(operator, left, right):
            return _binary(operator, left, right)
        case Call(of, name, arguments):
            return _call(of, name, arguments)
    raise ValueError(f"FHIRPath not built: {node}")


def _literal(value: str | int | float | bool) -> Item:  # noqa: FBT001 - a constant of an expression
    if isinstance(value, bool):
        return value, "boolean"
    if isinstance(value, str):
        return value, "string"
    return (value, "integer") if isinstance(value, int) else (Decimal(str(value)), "decimal")


def _variable(name: str) -> Run:
    if name in _CONSTANTS:
        constant = [(_CONSTANTS[name], "string")]
        return lambda focus, scope: constant
    match name:
        case "$this":
            return lambda focus, scope: focus
        case "%resource":
            return lambda focus, scope: [resource(scope.resource)]
        case "%rootResource":
            return lambda focus, scope: [resource(scope.root)]
        case "%context":
            return lambda focus, scope: [scope.context]
    raise ValueError(f"FHIRPath not built: {name}")


def _member(name: str) -> Run:
    def run(focus: Items, scope: Scope) -> Items:
        found: Items = []
        for value, type_ in focus:
            if value.__class__ is dict:
                add_children(value, type_, name, found)
        return found

    return run


def _binary(operator: str, left: Node, right: Node) -> Run:
    one = _compile(left)
    if operator in ("is", "as"):
        kind = _type_name(right)
        if operator == "is":
            return lambda focus, scope: _is(one(focus, scope), kind)
        return lambda focus, scope: [item for item in one(focus, scope) if item[1] == kind]
    other = _compile(right)
    if operator in LOGIC:
        return _logic(operator, one, other)
    apply = OPERATORS.get(operator)
    if apply is None:
        raise ValueError(f"FHIRPath not built: {operator}")
    return lambda focus, scope: apply(one(focus, scope), other(focus, scope))


def _type_name(node: Node) -> str:
    if not isinstance(node, Member) or node.of is not None:
        raise ValueError(f"FHIRPath expects a type: {node}")
    return _SYSTEM_TYPES.get(node.name, node.name)


def _is(items: Items, kind: str) -> Items:
    return [] if len(items) != 1 else truth(items[0][1] == kind)


def _logic(operator: str, one: Run, other: Run) -> Run:
    decide = LOGIC[operator]
    # What decides alone spares the other side, and most rules are "absent or ...".
    settled = {"or": True, "and": False, "implies": False}.get(operator)
    answer = TRUE if operator in ("or", "implies") else FALSE

    def run(focus: Items, scope: Scope) -> Items:
        a = holds(one(focus, scope))
        if settled is not None and a is settled:
            return answer
        return truth(decide(a, holds(other(focus, scope))))

    return run


def _call(of: Node | None, name: str, arguments: tuple[Node, ...]) -> Run:
    if isinstance(of, Member) and of.of is None and name in ("exists", "empty") and not arguments:
        return _presence(of.name, expected=name == "exists")
    target = _compile(of) if of is not None else None
    run = _function(name, arguments)
    if target is None:
        return run
    return lambda focus, scope: run(target(focus, scope), scope)


def _presence(name: str, *, expected: bool) -> Run:
    """Return `name.exists()` or `name.empty()` without collecting anything: most rules begin with one."""

    def run(focus: Items, scope: Scope) -> Items:
        for value, type_ in focus:
            if value.__class__ is dict and not value.keys().isdisjoint(json_names(type_, name)):
                return TRUE if expected else FALSE
        return FALSE if expected else TRUE

    return run


def _function(name: str, arguments: tuple[Node, ...]) -> Run:
    if name in ("as", "ofType", "is"):
        kind = _type_name(arguments[0])
        if name == "is":
            return lambda focus, scope: _is(focus, kind)
        return lambda focus, scope: [item for item in focus if item[1] == kind]
    given = [_compile(argument) for argument in arguments]
    if name in _EACH and given:
        return _EACH[name](given[0])
    if name == "iif":
        return _iif(given)
    if name == "intersect":
        return _intersect(given[0], fixed=_is_fixed(arguments[0]))
    plain = FUNCTIONS.get(name)
    if plain is None:
        raise ValueError(f"FHIRPath not built: {name}()")
    return lambda focus, scope: plain(focus, *(run(focus, scope) for run in given))


def _where(criterion: Run) -> Run:
    return lambda focus, scope: [item for item in focus if holds(criterion([item], scope))]


def _exists_where(criterion: Run) -> Run:
    return lambda focus, scope: truth(any(holds(criterion([item], scope)) for item in focus))


def _all(criterion: Run) -> Run:
    return lambda focus, scope: truth(all(holds(criterion([item], scope)) for item in focus))


def _select(projection: Run) -> Run:
    return lambda focus, scope: [found for item in focus for found in projection([item], scope)]


def _combine(other: Run) -> Run:
    return lambda focus, scope: focus + other(focus, scope)


def _is_fixed(node: Node) -> bool:
    """Tell whether ``node`` is a path from ``%resource`` or the like: it means the same for every focus."""
    while isinstance(node, Member) and node.of is not None:
        node = node.of
    return isinstance(node, Variable) and node.name.startswith("%")


def _intersect(other: Run, *, fixed: bool) -> Run:
    def run(focus: Items, scope: Scope) -> Items:
        keys = scope.memo.get(other) if fixed else None
        if keys is None:
            keys = frozenset(key_of(value) for value, _ in other(focus, scope))
            if fixed:
                scope.memo[other] = keys
        return [item for item in focus if key_of(item[0]) in keys]

    return run


def _iif(given: list[Run]) -> Run:
    otherwise: Run = given[2] if len(given) > 2 else lambda focus, scope: []

    def run(focus: Items, scope: Scope) -> Items:
        return (given[1] if holds(given[0](focus, scope)) else otherwise)(focus, scope)

    return run


_EACH: dict[str, Callable[[Run], Run]] = {
    "where": _where,
    "exists": _exists_where,
    "all": _all,
    "select": _select,
    "combine": _combine,
}
