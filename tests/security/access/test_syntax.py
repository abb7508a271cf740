"""Each piece of Cedar that our forms know means the same in all three; what one does not know stops the start."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from gateway.fhir.predicate import Const, Facts, holds
from security.access import compiled, policy
from security.access.engine import Engine
from security.access.policy import Policies, PolicyError
from security.access.question import Asker, Question
from security.access.residual import BOUND, Residual
from tests.security.town import rules

SCHEMA = rules()[0].schema_text
ANYBODY = "(principal, action, resource)"
PLAIN = Question(
    "centre-doctor", "C", "none", 4, "TREAT", "read", True, "Condition", "DIAGNOSIS", 4, (),
    own=True, handed=False, related=False, mayWrite=False, consented=False, excluded=False, elderly=True,
)  # fmt: skip
KNOWN = [
    "when { true }",
    "when { false }",
    "when { resource.level < 4 }",
    "when { resource.level <= 4 }",
    "when { resource.level > 4 }",
    "when { resource.level >= 4 }",
    "when { resource.level > principal.clearance }",
    'when { resource.kind == "Condition" }',
    'when { resource.kind != "Condition" }',
    'when { resource.klass == "DIAGNOSIS" }',
    'when { resource.klass != "DIAGNOSIS" }',
    'when { ["Condition", "Task"].contains(resource.kind) }',
    'when { ["NURSING", "OTHER"].contains(resource.klass) }',
    'when { resource.labels.contains("PSY") }',
    "when { resource.own }",
    "when { !resource.own }",
    "when { resource.own && resource.elderly }",
    "when { resource.own || resource.level > 4 }",
    'when { !(resource.own || resource.kind == "Task") && resource.level <= 4 }',
    "unless { resource.own }",
    "when { resource.level >= 4 } unless { resource.own }",
    "when { context.scoped }",
    "unless { context.scoped }",
    'when { principal.purpose == "TREAT" }',
    'when { principal.purpose != "TREAT" && resource.own }',
    "when { principal.clearance < 4 }",
    'when { principal in Yiyang::Role::"auditor" }',
    'when { principal in Yiyang::Tier::"C" && resource.own }',
    'when { principal in Yiyang::Actor::"workflow" || resource.own }',
]
SCOPES = [
    '(principal in Yiyang::Role::"auditor", action, resource)',
    '(principal in Yiyang::Tier::"S", action, resource)',
    '(principal, action == Yiyang::Action::"read", resource)',
    '(principal, action in [Yiyang::Action::"read", Yiyang::Action::"update"], resource)',
]
BEYOND_THE_COMPILED_FORM = [
    ("(principal is Yiyang::Caller, action, resource)", ""),
    ('(principal == Yiyang::Caller::"x", action, resource)', ""),
    ('(principal, action, resource == Yiyang::Resource::"x")', ""),
    ("(principal, action, resource is Yiyang::Resource)", ""),
    (ANYBODY, 'when { principal.purpose like "TR*" }'),
    (ANYBODY, "when { if resource.own then resource.elderly else false }"),
    (ANYBODY, "when { resource.level + 1 > 3 }"),
    (ANYBODY, 'when { resource.labels.containsAll(["PSY", "HIV"]) }'),
    (ANYBODY, 'when { principal in [Yiyang::Role::"auditor", Yiyang::Role::"system"] }'),
    (ANYBODY, 'when { action in Yiyang::Action::"read" }'),
    (ANYBODY, 'when { principal in Yiyang::Caller::"caller" }'),
]
BEYOND_THE_RESIDUAL = [
    "when { resource.level == 4 }",
    'when { resource.kind like "Con*" }',
    'when { resource.labels.containsAny(["PSY"]) }',
    "when { resource.own == resource.elderly }",
]


def _parsed(*texts: str) -> Policies:
    named = "\n".join(f'@id("P{at}") @zh("可") @en("may") {text};' for at, text in enumerate(texts))
    return policy.parse({"test.cedar": named}, SCHEMA)


def _questions() -> Iterator[Question]:
    for level, kind, labels, own in product(
        (3, 4, 5), ("Condition", "Task"), ((), ("PSY",), ("HIV", "PSY")), (True, False)
    ):
        klass = "DIAGNOSIS" if kind == "Condition" else "NURSING"
        yield PLAIN._replace(level=level, kind=kind, klass=klass, labels=labels, own=own)
        yield PLAIN._replace(level=level, kind=kind, klass=klass, own=own, role="auditor", tier="S", action="update")
        yield PLAIN._replace(level=level, own=own, purpose="CAREMGT", scoped=False, clearance=3, action="search")
        yield PLAIN._replace(level=level, own=own, role="system", actor="workflow", elderly=False)


def _agree(policies: Policies) -> set[bool]:
    """Ask all three forms every question; return the answers that came."""
    decide, engine, residual = compiled.compile_policies(policies), Engine(policies), Residual(policies)
    answers = set()
    for question in _questions():
        answer = decide(*question)
        facts = Facts(question.kind, klass=question.klass, level=question.level, labels=question.labels)
        asker = Asker(*question[: len(Asker._fields)])
        bound = {name: Const(value=getattr(question, name)) for name in BOUND}
        found = holds(residual.restrict(asker, bound.__getitem__), facts)
        assert (engine.answer(question), found) == (answer, answer.allow), question
        answers.add(answer.allow)
    return answers


@pytest.mark.parametrize("body", KNOWN)
def test_a_condition_means_the_same_in_every_form(body: str) -> None:
    allowed = _agree(_parsed(f"permit {ANYBODY} {body}"))
    denied = _agree(_parsed(f"permit {ANYBODY}", f"forbid {ANYBODY} {body}"))

    assert denied == {not answer for answer in allowed}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_means_the_same_in_every_form(scope: str) -> None:
    assert _agree(_parsed(f"permit {scope}")) == {True, False}
    assert _agree(_parsed(f"permit {ANYBODY}", f"forbid {scope}")) == {True, False}


def test_nothing_permits_without_a_policy_that_does() -> None:
    assert _agree(_parsed(f"forbid {ANYBODY} when {{ resource.own }}")) == {False}


@pytest.mark.parametrize(("scope", "body"), BEYOND_THE_COMPILED_FORM)
def test_what_the_compiled_form_does_not_know_stops_the_start(scope: str, body: str) -> None:
    policies = _parsed(f"permit {scope} {body}")

    with pytest.raises(PolicyError, match="P0: the compiled form does not know"):
        compiled.compile_policies(policies)


@pytest.mark.parametrize("body", BEYOND_THE_RESIDUAL)
def test_what_the_residual_does_not_know_is_no_restriction(body: str) -> None:
    residual = Residual(_parsed(f"permit {ANYBODY} {body}"))

    with pytest.raises(PolicyError, match="the residual form does not know"):
        residual.restrict(Asker(*PLAIN[: len(Asker._fields)]), lambda _: Const(value=True))
