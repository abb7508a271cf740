"""The policies with the resource unknown: what remains becomes a predicate that a store can search by.

Cedar evaluates everything known of the caller; the rest is an expression over the resource's attributes. Plain
attributes (kind, klass, level, labels) translate one to one; booleans that depend on the elder (own, related, ...)
are put in by the caller of `restrict` as predicates over elder sets. What cannot be translated raises PolicyError;
an error of the engine is NOTHING.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cedarpy

from gateway.fhir.predicate import NOTHING, All, AnyOf, Const, In, LevelAtMost, Not, Predicate
from security.access.engine import CALLER, action_uid, asker_entity
from security.access.policy import Policies, PolicyError
from security.access.question import Asker

Bind = Callable[[str], Predicate]
BOUND = frozenset({"own", "handed", "related", "mayWrite", "consented", "excluded", "elderly"})
"""The attributes that the caller of `restrict` binds."""


class Residual:
    """Evaluate the policies partially, once per kind of asker, and bind the result to elder sets."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._known: dict[Asker, tuple[list[Any], list[Any]] | None] = {}

    def restrict(self, asker: Asker, bind: Bind) -> Predicate:
        """Return (any permit) and not (any forbid) for ``asker``, with ``bind`` giving the bound attributes."""
        if asker not in self._known:
            self._known[asker] = self._evaluate(asker)
        parts = self._known[asker]
        if parts is None:
            return NOTHING
        permits, forbids = ([_predicate(body, bind) for body in bodies] for bodies in parts)
        return All((AnyOf(tuple(permits)), Not(AnyOf(tuple(forbids)))))

    def _evaluate(self, asker: Asker) -> tuple[list[Any], list[Any]] | None:
        """Return the bodies that remain of permits and forbids; None when anything failed."""
        # Without the action among the entities the residual would keep it as an unknown.
        action = {"uid": {"type": "Yiyang::Action", "id": asker.action}, "attrs": {}, "parents": []}
        request = {
            "principal": CALLER,
            "action": action_uid(asker.action),
            "context": json.dumps({"scoped": asker.scoped}),
        }
        entities = cedarpy.Entities.from_json_str(json.dumps([asker_entity(asker), action]))
        result = cedarpy.is_authorized_partial(request, self._policies.policy_set, entities)
        if result.diagnostics.errors or result.residuals.keys() != self._policies.names.keys():
            return None
        permits: list[Any] = []
        forbids: list[Any] = []
        # The engine gives them in no order; in that of the files the same question is the same query.
        for key in self._policies.names:
            residual = result.residuals[key]
            (permits if residual["effect"] == "permit" else forbids).append(_body(residual["conditions"]))
        return permits, forbids


def _body(conditions: list[Any]) -> Any:
    match conditions:
        case [{"kind": "when", "body": body}]:
            return body
        case _:
            raise PolicyError(f"a residual with {len(conditions)} conditions")


def _predicate(node: Any, bind: Bind) -> Predicate:
    match node:
        case {"Value": bool(value)}:
            return Const(value)
        case {"&&": {"left": left, "right": right}}:
            return All((_predicate(left, bind), _predicate(right, bind)))
        case {"||": {"left": left, "right": right}}:
            return AnyOf((_predicate(left, bind), _predicate(right, bind)))
        case {"!": {"arg": argument}}:
            return Not(_predicate(argument, bind))
        case {".": {"attr": str(attribute)}} if attribute in BOUND:
            return bind(attribute)
        case _:
            return _comparison(node)


def _comparison(node: Any) -> Predicate:
    match node:
        case {"==": {"left": {".": {"attr": ("kind" | "klass") as field}}, "right": {"Value": str(value)}}}:
            return In(field, frozenset({value}))
        case {"!=": {"left": {".": {"attr": ("kind" | "klass") as field}}, "right": {"Value": str(value)}}}:
            return Not(In(field, frozenset({value})))
        case {"<=": {"left": {".": {"attr": "level"}}, "right": {"Value": int(value)}}}:
            return LevelAtMost(value)
        case {"<": {"left": {".": {"attr": "level"}}, "right": {"Value": int(value)}}}:
            return LevelAtMost(value - 1)
        case {"contains": {"left": {"Set": values}, "right": {".": {"attr": ("kind" | "klass") as field}}}}:
            return In(field, frozenset(value["Value"] for value in values))
        case {"contains": {"left": {".": {"attr": "labels"}}, "right": {"Value": str(value)}}}:
            return In("labels", frozenset({value}))
        case _:
            raise PolicyError(f"the residual form does not know {sorted(node)}")
