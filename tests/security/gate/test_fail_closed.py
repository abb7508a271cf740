"""What goes wrong is a denial, and the gate follows what it learns: rows that cannot be read, a new start, changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.fhir.predicate import NOTHING, Facts, holds
from security.gate import Gate
from tests.security.town import (
    CENTRE,
    CENTRE_DOCTOR,
    ELDER,
    OTHER_CENTRE,
    OTHER_DOCTOR,
    Town,
    about,
    consent,
    referral,
)


@pytest.fixture
def town() -> Town:
    return Town()


def _condition(town: Town) -> Facts:
    return town.put(about("Condition", code={"text": "脑梗死"}))


class Stopped:
    """A clock that fails."""

    def __call__(self) -> Any:
        raise RuntimeError


def test_an_error_in_a_check_is_a_denial(town: Town) -> None:
    facts = _condition(town.in_care())
    town.gate._now = Stopped()
    decision = town.ask(CENTRE_DOCTOR, facts)
    assert (decision.allow, decision.rule, decision.view) == (False, "error", None)
    assert town.gate.mask(CENTRE_DOCTOR, decision, {}) is None
    assert town.gate.narrow(CENTRE_DOCTOR, "search", "Condition") == NOTHING


def test_an_unknown_action_is_a_denial(town: Town) -> None:
    action: Any = "export"
    assert not town.ask(CENTRE_DOCTOR, _condition(town.in_care()), action).allow
    assert town.gate.narrow(CENTRE_DOCTOR, action, "Condition") == NOTHING


def test_an_unknown_role_is_a_denial(town: Town) -> None:
    role: Any = type("Role", (str,), {"value": "director"})("director")
    assert not town.ask(replace(CENTRE_DOCTOR, role=role), _condition(town.in_care())).allow


def test_a_row_that_cannot_be_read_takes_away_what_it_gave(town: Town) -> None:
    facts = _condition(town.in_care())
    row = town.rows["Task", f"referral-{CENTRE}"]
    for body in (b"not json", b"[]", b'{"status": [], "code": 7, "owner": {"reference": 1}}'):
        town.put(referral("accepted"))
        assert town.sees(CENTRE_DOCTOR, facts)
        town.gate.learn([replace(row, body=body)])
        assert not town.sees(CENTRE_DOCTOR, facts)


def test_a_decision_names_rule_consent_and_policy(town: Town) -> None:
    decision = town.ask(CENTRE_DOCTOR, _condition(town.in_care()))
    assert (decision.rule, decision.consent) == ("R3-care", "Consent/C-1@1")
    assert len(decision.policy) == 16
    assert town.gate.policies == decision.policy
    assert town.ask(OTHER_DOCTOR, _condition(town)).policy == decision.policy


def test_a_gate_that_starts_anew_learns_the_same(town: Town) -> None:
    facts = _condition(town.in_care())
    again = Gate.load(now=town.clock)
    again.learn(town.rows.values())
    assert again.decide(CENTRE_DOCTOR, "read", facts)[:-1] == town.ask(CENTRE_DOCTOR, facts)[:-1]
    assert again.narrow(CENTRE_DOCTOR, "search", "Condition") == town.gate.narrow(CENTRE_DOCTOR, "search", "Condition")


def test_a_restriction_follows_what_is_learnt(town: Town) -> None:
    facts = _condition(town)
    assert not holds(town.gate.narrow(CENTRE_DOCTOR, "search", "Condition"), facts)
    town.in_care()
    assert holds(town.gate.narrow(CENTRE_DOCTOR, "search", "Condition"), facts)
    town.remove("Task", f"referral-{CENTRE}")
    assert not holds(town.gate.narrow(CENTRE_DOCTOR, "search", "Condition"), facts)


def test_a_consent_tells_whether_a_hand_over_has_a_basis(town: Town) -> None:
    assert not town.gate.consents(ELDER, CENTRE)
    town.put(consent(CENTRE))
    assert town.gate.consents(ELDER, CENTRE)
    assert not town.gate.consents(ELDER, OTHER_CENTRE)
    assert town.gate.version(ELDER) == "Consent/C-1@1"
