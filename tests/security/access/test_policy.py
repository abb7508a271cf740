"""Policies are refused at start when anything in them is not understood, and every failure of a form is a denial."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cedarpy
import pytest

from gateway.fhir.predicate import NOTHING, Const
from security.access import compiled, engine, explain, policy
from security.access.engine import Engine, asker_entity
from security.access.policy import Policies, PolicyError
from security.access.question import DEFAULT_DENY, ERROR, Asker, Question
from security.access.residual import Residual
from tests.security.town import rules

POLICIES, _ = rules()
PERMIT = '@id("P") @zh("可") @en("may") permit (principal, action, resource);'
OWN = Question(
    "centre-doctor", "C", "none", 4, "TREAT", "read", True, "Condition", "DIAGNOSIS", 4, (),
    own=True, handed=False, related=False, mayWrite=False, consented=False, excluded=False, elderly=True,
)  # fmt: skip


def _parsed(text: str) -> Policies:
    return policy.parse({"test.cedar": text}, POLICIES.schema_text)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("syntax", "permit (principal, action resource);"),
        ("role", PERMIT.replace("(principal,", '(principal in Yiyang::Role::"hisfed",')),
        ("attribute", PERMIT.replace(";", " when { principal.clearence > 3 };")),
        ("action", PERMIT.replace("action,", 'action == Yiyang::Action::"reed",')),
        ("no id", PERMIT.replace('@id("P")', "")),
        ("no zh", PERMIT.replace('@zh("可")', "")),
        ("no en", PERMIT.replace('@en("may")', "")),
        ("same id", PERMIT + PERMIT),
    ],
)
def test_what_is_misspelt_stops_the_start(what: str, text: str) -> None:
    with pytest.raises(PolicyError):
        _parsed(text)


def test_syntax_that_only_the_engine_knows_stops_the_start() -> None:
    like = _parsed(PERMIT.replace(";", ' when { principal.purpose like "TR*" };'))
    with pytest.raises(PolicyError, match="P: the compiled form does not know"):
        compiled.compile_policies(like)


def test_nobody_is_denied_by_default(decide: Callable[..., Any]) -> None:
    assert decide(*OWN._replace(role="nobody")) == DEFAULT_DENY


@pytest.fixture(scope="module")
def decide() -> Callable[..., Any]:
    return compiled.compile_policies(POLICIES)


def test_an_unknown_role_is_an_error_and_denied_by_the_engine() -> None:
    assert Engine(POLICIES).answer(OWN._replace(role="nobody")) == ERROR


def test_an_unknown_actor_is_an_error_and_denied_by_the_engine() -> None:
    assert Engine(POLICIES).answer(OWN._replace(actor="nobody")) == ERROR


@pytest.mark.parametrize("attribute", ["own", "level", "labels", "excluded", "kind", "klass"])
def test_an_attribute_of_a_wrong_type_is_denied_by_the_engine(attribute: str) -> None:
    wrong: Any = {"own": "yes", "level": "4", "labels": (1, 2), "excluded": None, "kind": 7, "klass": None}[attribute]
    assert not Engine(POLICIES).answer(OWN._replace(**{attribute: wrong})).allow


def test_cedar_alone_would_allow_when_a_forbid_fails() -> None:
    """Why the engine's errors are denials: the forbid overflows, is skipped, and the permit stands."""
    text = PERMIT + '@id("F") @zh("否") @en("no") forbid (principal, action, resource) when { resource.level + 1 > 0 };'
    policies, highest = _parsed(text), OWN._replace(level=2**63 - 1)
    attributes = {"kind": "Condition", "level": highest.level}
    resource = {"uid": {"type": "Yiyang::Resource", "id": "resource"}, "attrs": attributes, "parents": []}
    request = {"principal": engine.CALLER, "action": engine.action_uid("read"), "resource": engine.RESOURCE}
    entities = json.dumps([asker_entity(highest), resource])
    alone = cedarpy.is_authorized({**request, "context": {"scoped": True}}, text, entities)
    assert alone.decision is cedarpy.Decision.Allow
    assert Engine(policies).answer(highest) == ERROR


def test_an_error_in_the_residual_finds_nothing() -> None:
    text = '@id("F") @zh("否") @en("no") forbid (principal, action, resource) when { principal.clearance + 1 > 0 };'
    asker = Asker("centre-doctor", "C", "none", 2**63 - 1, "TREAT", "search", scoped=True)
    assert Residual(_parsed(PERMIT + text)).restrict(asker, lambda name: Const(value=True)) == NOTHING


def test_each_policy_is_shown_in_both_languages() -> None:
    zh, en = explain.table(POLICIES, "zh"), explain.table(POLICIES, "en")
    assert [line.id for line in zh] == [each.id for each in POLICIES.policies] == [line.id for line in en]
    assert all(line.text and not line.text.isascii() for line in zh)
    assert all(line.text.isascii() for line in en)


def test_the_table_tells_who_and_what() -> None:
    (line,) = [line for line in explain.table(POLICIES, "en") if line.id == "R8-audit"]
    assert (line.effect, line.who) == ("permit", ("auditor",))
    assert set(line.actions) == {"read", "vread", "search", "history", "audit"}


def test_the_compiled_text_can_be_reviewed() -> None:
    text = compiled.source(POLICIES)
    assert text.startswith("def decide(role, tier, actor")
    assert text.rstrip().endswith("return _deny")


def test_a_policy_for_everybody_and_everything_says_so() -> None:
    lines = {line.id: line for line in explain.table(POLICIES, "en")}
    assert (lines["F1-scope"].effect, lines["F1-scope"].who, lines["F1-scope"].actions) == ("forbid", ("*",), ("*",))
    assert (lines["W3-delete"].who, lines["W3-delete"].actions) == (("centre-doctor", "station-doctor"), ("delete",))
    # Whom an exception names is not whom the policy is about.
    assert lines["F3-original"].who == ("*",)
