"""What the workflow makes claims its profiles and satisfies them, in every state of its machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.fhir import gate
from gateway.workflow.handover import Handover, resources_of
from gateway.workflow.states import FOLLOW_UP, REFERRAL, Machine
from gateway.workflow.transition import enter, machine_of

NOW = datetime(2026, 3, 12, 8, 30, tzinfo=UTC)
HANDOVER = Handover("stay-1", "elder-1", "12410000MB00000010", "12410100MB00000028", NOW)


def made(*, released: bool) -> list[dict[str, Any]]:
    def make_id(*parts: str) -> str:
        return "-".join(parts)

    return resources_of(HANDOVER, released=released, high_risk=True, now=NOW, make_id=make_id)


@pytest.mark.parametrize("released", [True, False], ids=["released", "held"])
def test_what_a_hand_over_makes_satisfies_the_profiles_that_it_claims(released: bool) -> None:  # noqa: FBT001
    resources = made(released=released)

    assert all(resource["meta"]["profile"] for resource in resources)
    assert [problem for resource in resources for problem in gate.check(resource)] == []


@pytest.mark.parametrize(
    ("machine", "state"),
    [pytest.param(m, state, id=f"{m.code} {state}") for m in (REFERRAL, FOLLOW_UP) for state in m.states],
)
def test_a_task_satisfies_its_profile_in_every_state(machine: Machine, state: str) -> None:
    (task,) = (row for row in made(released=True) if machine_of(row) is machine)

    moved = enter({**task, "statusReason": {"text": "示例原因"}}, machine, state, now=NOW)

    assert gate.check(moved) == []
