"""One text, three forms and an oracle: compiled function, Cedar engine, residual, and the story written in Python."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import pytest

from gateway.fhir.predicate import Const, Facts, Predicate, holds
from security.access import compiled
from security.access.engine import Engine
from security.access.fold import fold
from security.access.question import Answer, Asker, Question
from security.access.residual import Residual
from security.labels import Catalogue
from tests.security.access.cases import ACTORS, ROLES, questions
from tests.security.access.oracle import allowed
from tests.security.town import rules

POLICIES, CATALOGUE = rules()
CASES = int(os.environ.get("YIYANG_POLICY_CASES", "6000"))
"""tools/mutate_gate.py asks fewer of each of its mutants."""
SEED = 20_260_312


@pytest.fixture(scope="module")
def cases() -> list[Question]:
    return list(questions(CASES, SEED))


@pytest.fixture(scope="module")
def decide() -> Callable[..., Answer]:
    return compiled.compile_policies(POLICIES)


def test_the_cases_are_worth_asking(cases: list[Question], decide: Callable[..., Answer]) -> None:
    answers = [decide(*case) for case in cases]
    decided = Counter(answer.rule for answer in answers)
    assert sum(answer.allow for answer in answers) >= 0.3 * CASES
    assert {policy.id for policy in POLICIES.policies} | {"default-deny"} == set(decided)


def test_the_compiled_form_equals_the_oracle(cases: list[Question], decide: Callable[..., Answer]) -> None:
    assert [case for case in cases if decide(*case).allow != allowed(case)] == []


def test_the_compiled_form_equals_the_engine(cases: list[Question], decide: Callable[..., Answer]) -> None:
    engine = Engine(POLICIES)
    assert [case for case in cases if decide(*case) != engine.answer(case)] == []


def test_the_residual_equals_the_compiled_form(cases: list[Question], decide: Callable[..., Answer]) -> None:
    residual = Residual(POLICIES)
    assert [case for case in cases if _by_residual(residual, case) != decide(*case).allow] == []


def test_every_kind_of_asker_has_a_residual() -> None:
    residual = Residual(POLICIES)
    for asker in _askers():
        residual.restrict(asker, lambda name: Const(value=True))


def _askers() -> Iterator[Asker]:
    actions = ("read", "vread", "search", "history", "create", "update", "delete", "ingest", "audit")
    for role, tier, actor, action in product(ROLES, "HCSX", ("none", *ACTORS), actions):
        if (role == "system") != (actor == "none"):
            yield Asker(role, tier, actor, clearance=4, purpose="TREAT", action=action, scoped=True)


def _asker(case: Question) -> Asker:
    return Asker(**{name: getattr(case, name) for name in Asker._fields})


def _by_residual(residual: Residual, case: Question) -> bool:
    facts = Facts(case.kind, klass=case.klass, level=case.level, labels=case.labels)

    def bind(name: str) -> Predicate:
        return Const(value=bool(getattr(case, name)))

    restriction = residual.restrict(_asker(case), bind)
    answer = holds(restriction, facts)
    assert holds(fold(restriction, case.kind, CATALOGUE.classes(case.kind)), facts) == answer
    return answer


def test_what_the_schema_names_is_what_a_question_holds() -> None:
    text = POLICIES.schema_text
    names = Question._fields
    assert all(f"    {name}: " in text or f"{{ {name}: " in text for name in names if name not in _IN_SCOPE)


_IN_SCOPE = ("role", "tier", "actor", "action")
"""Not attributes: parents of the caller, and the action itself."""


def test_the_oracle_bites(cases: list[Question]) -> None:
    without = replace(POLICIES, policies=tuple(each for each in POLICIES.policies if each.id != "F6-excluded"))
    decide = compiled.compile_policies(without)
    assert any(decide(*case).allow != allowed(case) for case in cases)


def test_the_catalogue_is_the_one_that_the_policies_speak_of() -> None:
    classes = {row.klass for row in Catalogue.load().kinds.values()} | {"SAFETY"}
    named = {word for policy in POLICIES.texts.values() for word in classes if f'"{word}"' in policy}
    assert named >= classes - {"OTHER", "AUDIT"}
