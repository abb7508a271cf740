"""The policies as a table for people, drawn from their syntax tree so that it cannot drift from the text."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from cedarpy import pst

from security.access.policy import Policies

EVERY = "*"
"""Any role, or any action."""


class Line(NamedTuple):
    """One policy: effect ("permit" or "forbid"), who (roles named in scope or conditions), actions, the sentence."""

    id: str
    effect: str
    who: tuple[str, ...]
    actions: tuple[str, ...]
    text: str


def table(policies: Policies, lang: Literal["zh", "en"] = "zh") -> list[Line]:
    """Return one line a policy, in the order of the files."""
    return [
        Line(
            id=policy.id,
            effect="permit" if policy.permits else "forbid",
            who=_who(policy.tree),
            actions=_actions(policy.tree.action),
            text=policy.zh if lang == "zh" else policy.en,
        )
        for policy in policies.policies
    ]


def _who(tree: pst.Template) -> tuple[str, ...]:
    """Return roles, tiers and actors in the order named by scope and `when`; an `unless` names exceptions."""
    found: dict[str, None] = {}
    _collect(tree.principal, found)
    for clause in tree.clauses:
        if isinstance(clause, pst.When):
            _collect(clause.expr, found)
    return tuple(found) or (EVERY,)


def _collect(node: Any, found: dict[str, None]) -> None:
    if isinstance(node, pst.EntityUid):
        found[node.id] = None
        return
    for name in getattr(node, "__dataclass_fields__", ()):
        _collect(getattr(node, name), found)


def _actions(scope: Any) -> tuple[str, ...]:
    match scope:
        case pst.ActionEq(entity=entity):
            return (entity.id,)
        case pst.ActionIn(entities=entities):
            return tuple(entity.id for entity in entities)
        case _:
            return (EVERY,)
