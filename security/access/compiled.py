"""The policies compiled to one Python function: the form of the hot path, about a microsecond a question.

Cedar's typed syntax tree becomes a Python `ast` whose names are the fields of Question; forbids are tried first.
A node that is not known here raises PolicyError at start: nothing is guessed. `tests/security/access` proves this
form equal to the engine.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from cedarpy import pst

from security.access.policy import Policies, Policy, PolicyError
from security.access.question import DEFAULT_DENY, Answer, Question

Decide = Callable[..., Answer]

_COMPARE: dict[str, type[ast.cmpop]] = {
    "eq": ast.Eq,
    "not_eq": ast.NotEq,
    "less": ast.Lt,
    "less_eq": ast.LtE,
    "greater": ast.Gt,
    "greater_eq": ast.GtE,
}
_MEMBERSHIP = {"Role": "role", "Tier": "tier", "Actor": "actor"}
_OWNERS = {
    "principal": {"clearance", "purpose"},
    "context": {"scoped"},
    "resource": set(Question._fields[7:]),
}


def compile_policies(policies: Policies) -> Decide:
    """Return ``decide(*question) -> Answer``; raises PolicyError for syntax that it does not know."""
    module = ast.Module(body=[_function(policies)], type_ignores=[])
    answers = {f"_{number}": Answer(policy.permits, policy.id) for number, policy in enumerate(policies.policies)}
    scope: dict[str, Any] = {"_deny": DEFAULT_DENY, **answers}
    code = compile(ast.fix_missing_locations(module), "<security/access/policies>", "exec")
    exec(code, scope)  # noqa: S102 - the tree is built below from closed node sets, no text is evaluated
    decide: Decide = scope["decide"]
    return decide


def source(policies: Policies) -> str:
    """Return the compiled form as Python text, for review and for machines without the engine."""
    return ast.unparse(ast.fix_missing_locations(_function(policies)))


def _function(policies: Policies) -> ast.FunctionDef:
    numbered = [(number, policy) for number, policy in enumerate(policies.policies)]
    ordered = [pair for pair in numbered if not pair[1].permits] + [pair for pair in numbered if pair[1].permits]
    body: list[ast.stmt] = [
        ast.If(test=_condition(policy), body=[ast.Return(value=_name(f"_{number}"))], orelse=[])
        for number, policy in ordered
    ]
    body.append(ast.Return(value=_name("_deny")))
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(arg=field) for field in Question._fields],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    return ast.FunctionDef(name="decide", args=arguments, body=body, decorator_list=[])


def _condition(policy: Policy) -> ast.expr:
    """Return scope and clauses of ``policy`` joined by ``and``."""
    tree = policy.tree
    try:
        parts = [*_principal(tree.principal), *_action(tree.action), *_resource(tree.resource)]
        parts += [_clause(clause) for clause in tree.clauses]
    except _UnknownNodeError as error:
        raise PolicyError(f"{policy.id}: the compiled form does not know {error}") from error
    if not parts:
        return ast.Constant(value=True)
    return parts[0] if len(parts) == 1 else ast.BoolOp(op=ast.And(), values=parts)


class _UnknownNodeError(Exception):
    """Name the syntax that was met."""


def _principal(scope: Any) -> list[ast.expr]:
    match scope:
        case pst.ScopeAny():
            return []
        case pst.ScopeIn(entity=entity):
            return [_member(entity)]
        case _:
            raise _UnknownNodeError(scope)


def _action(scope: Any) -> list[ast.expr]:
    match scope:
        case pst.ScopeAny():
            return []
        case pst.ActionEq(entity=entity):
            return [_equals("action", entity.id)]
        case pst.ActionIn(entities=entities):
            return [_among("action", [entity.id for entity in entities])]
        case _:
            raise _UnknownNodeError(scope)


def _resource(scope: Any) -> list[ast.expr]:
    if isinstance(scope, pst.ScopeAny):
        return []
    raise _UnknownNodeError(scope)


def _clause(clause: Any) -> ast.expr:
    match clause:
        case pst.When(expr=expression):
            return _expression(expression)
        case pst.Unless(expr=expression):
            return ast.UnaryOp(op=ast.Not(), operand=_expression(expression))
        case _:
            raise _UnknownNodeError(clause)


def _expression(node: Any) -> ast.expr:
    match node:
        case pst.BoolLit(value=value) | pst.LongLit(value=value) | pst.StringLit(value=value):
            return ast.Constant(value=value)
        case pst.GetAttr(base=pst.Var(name=owner), attr=attribute) if attribute in _OWNERS.get(owner, ()):
            return _name(attribute)
        case pst.UnaryOp(op="not", arg=argument):
            return ast.UnaryOp(op=ast.Not(), operand=_expression(argument))
        case pst.BinaryOp():
            return _binary(node)
        case _:
            raise _UnknownNodeError(node)


def _binary(node: pst.BinaryOp) -> ast.expr:
    match node.op, node.left, node.right:
        case ("and" | "or") as op, left, right:
            joined = ast.And() if op == "and" else ast.Or()
            return ast.BoolOp(op=joined, values=[_expression(left), _expression(right)])
        case "in", pst.Var(name="principal"), pst.EntityLit(value=entity):
            return _member(entity)
        case "contains", pst.Set(elements=elements), item:
            return ast.Compare(left=_expression(item), ops=[ast.In()], comparators=[_set(elements)])
        case "contains", pst.GetAttr() as held, item:
            return ast.Compare(left=_expression(item), ops=[ast.In()], comparators=[_expression(held)])
        case op, left, right if op in _COMPARE:
            return ast.Compare(left=_expression(left), ops=[_COMPARE[op]()], comparators=[_expression(right)])
        case _:
            raise _UnknownNodeError(node)


def _member(entity: Any) -> ast.expr:
    field = _MEMBERSHIP.get(entity.type.basename)
    if field is None:
        raise _UnknownNodeError(entity)
    return _equals(field, entity.id)


def _set(elements: Any) -> ast.expr:
    return ast.Set(elts=[_expression(element) for element in elements])


def _among(field: str, values: list[str]) -> ast.expr:
    constants: list[ast.expr] = [ast.Constant(value=value) for value in values]
    return ast.Compare(left=_name(field), ops=[ast.In()], comparators=[ast.Set(elts=constants)])


def _equals(field: str, value: str) -> ast.expr:
    return ast.Compare(left=_name(field), ops=[ast.Eq()], comparators=[ast.Constant(value=value)])


def _name(name: str) -> ast.expr:
    return ast.Name(id=name, ctx=ast.Load())
