"""A referral is overdue while it waits for somebody beyond its deadline, and at no other time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.workflow.codes import BUSINESS_STATUS, TASK_CODE
from gateway.workflow.overdue import WAITING, overdue
from gateway.workflow.states import REFERRAL

NOW = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)


def _task(state: str, *, minutes: int | None = -1, code: str = "referral") -> dict[str, Any]:
    task: dict[str, Any] = {
        "resourceType": "Task",
        "code": {"coding": [{"system": TASK_CODE, "code": code}]},
        "businessStatus": {"coding": [{"system": BUSINESS_STATUS, "code": state}]},
    }
    if minutes is not None:
        task["restriction"] = {"period": {"end": (NOW + timedelta(minutes=minutes)).isoformat()}}
    return task


@pytest.mark.parametrize("state", WAITING)
def test_each_step_that_waits_may_be_overdue(state: str) -> None:
    assert overdue([_task(state), _task(state, minutes=1), _task(state, minutes=0)], now=NOW) == 1


@pytest.mark.parametrize("state", sorted(REFERRAL.states.keys() - set(WAITING)))
def test_a_step_that_waits_for_nobody_is_never_overdue(state: str) -> None:
    assert overdue([_task(state)], now=NOW) == 0


def test_a_deadline_of_another_zone_is_the_same_moment() -> None:
    task = _task("received")
    task["restriction"]["period"]["end"] = "2026-03-12T15:59:59+08:00"

    assert overdue([task], now=NOW) == 1


def test_a_task_of_another_kind_or_without_a_deadline_is_not_counted() -> None:
    assert overdue([_task("received", code="follow-up"), _task("received", minutes=None), {}], now=NOW) == 0


def test_every_step_that_waits_has_a_deadline() -> None:
    assert all(REFERRAL.states[state].due for state in WAITING)
