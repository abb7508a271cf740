"""The policies asked through Cedar itself: exact, slow (about 0.3 ms), the oracle of the other two forms.

Cedar skips a policy that fails to evaluate, a forbid too, and would then allow: so an error, and no decision, are
denials here, and entities are always built against the schema (security-engine.md §1.1, reproduced in the tests).
"""

from __future__ import annotations

import json
from typing import Any

import cedarpy

from security.access.policy import Policies
from security.access.question import DEFAULT_DENY, ERROR, Answer, Asker, Question

CALLER = 'Yiyang::Caller::"caller"'
RESOURCE = 'Yiyang::Resource::"resource"'


class Engine:
    """Ask Cedar one question at a time."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def answer(self, question: Question) -> Answer:
        """Return Cedar's verdict; when several policies agree, the first by file order is named."""
        try:
            entities = cedarpy.Entities.from_json_str(
                json.dumps([asker_entity(question), _resource_entity(question)]), schema=self._policies.schema
            )
        except ValueError:
            return ERROR
        result = cedarpy.is_authorized(
            {
                "principal": CALLER,
                "action": action_uid(question.action),
                "resource": RESOURCE,
                "context": {"scoped": question.scoped},
            },
            self._policies.policy_set,
            entities,
            schema=self._policies.schema,
        )
        return self._verdict(result)

    def _verdict(self, result: Any) -> Answer:
        if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
            return ERROR
        named = {self._policies.names[key] for key in result.diagnostics.reasons}
        if not named:
            return DEFAULT_DENY
        rule = next(policy.id for policy in self._policies.policies if policy.id in named)
        return Answer(allow=result.decision is cedarpy.Decision.Allow, rule=rule)


def action_uid(action: str) -> str:
    """Return the Cedar name of ``action``."""
    return f'Yiyang::Action::"{action}"'


def asker_entity(asker: Asker | Question) -> dict[str, Any]:
    """Return the Cedar entity of who asks."""
    return {
        "uid": _uid("Caller", "caller"),
        "attrs": {"clearance": asker.clearance, "purpose": asker.purpose},
        "parents": [_uid("Role", asker.role), _uid("Tier", asker.tier), _uid("Actor", asker.actor)],
    }


def _resource_entity(question: Question) -> dict[str, Any]:
    names = ("kind", "klass", "level", "own", "handed", "related", "mayWrite", "consented", "excluded", "elderly")
    attributes = {name: getattr(question, name) for name in names}
    return {
        "uid": _uid("Resource", "resource"),
        "attrs": {**attributes, "labels": list(question.labels)},
        "parents": [],
    }


def _uid(kind: str, id_: str) -> dict[str, str]:
    return {"type": f"Yiyang::{kind}", "id": id_}
