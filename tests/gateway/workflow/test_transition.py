"""Only the transitions of domain §5.2-5.3, by the roles that may make them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.fhir.problem import Problem
from gateway.workflow.codes import BUSINESS_STATUS, TASK_CODE, concept
from gateway.workflow.states import MACHINES
from gateway.workflow.transition import LABELS, advance, state_of
from security.caller import Caller, Role, Tier

NOW = datetime(2026, 3, 13, 1, 0, tzinfo=UTC)
CENTRE, HOSPITAL = "12410100MB00000028", "12410000MB00000010"


def caller(role: Role, organisation: str = CENTRE) -> Caller:
    return Caller("c", role, organisation, Tier.CENTRE, "TREAT")


def task(state: str, *, code: str = "referral", priority: str = "routine") -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": MACHINES[code].states[state].status,
        "priority": priority,
        "code": concept(TASK_CODE, code, text=code),
        "businessStatus": concept(BUSINESS_STATUS, state, text=LABELS[state]),
        "owner": {"reference": f"Organization/{CENTRE}"},
        "restriction": {"period": {"end": "2026-03-20T00:00:00+08:00"}},
    }


def test_the_centre_doctor_accepts_and_the_next_clock_starts_now() -> None:
    stored = task("received")

    accepted = advance(caller(Role.CENTRE_DOCTOR), stored, {**stored, "status": "accepted"}, now=NOW)

    assert state_of(accepted) == "accepted"
    assert accepted["restriction"]["period"]["end"] == (NOW + timedelta(hours=24)).isoformat(timespec="seconds")


@pytest.mark.parametrize(
    "role", [Role.CENTRE_NURSE, Role.STATION_DOCTOR, Role.STATION_CARER, Role.HISFEED, Role.AUDITOR]
)
def test_nobody_else_accepts_a_referral(role: Role) -> None:
    stored = task("received")

    with pytest.raises(Problem) as refused:
        advance(caller(role), stored, {**stored, "status": "accepted"}, now=NOW)

    assert refused.value.code == "WF-003"


def test_a_centre_that_does_not_own_the_task_is_refused() -> None:
    stored = task("received")

    with pytest.raises(Problem) as refused:
        advance(caller(Role.CENTRE_DOCTOR, "12410100MB00000036"), stored, {**stored, "status": "accepted"}, now=NOW)

    assert refused.value.code == "WF-004"


def test_a_state_cannot_be_skipped() -> None:
    stored = task("received")
    wanted = {**stored, "status": "completed", "businessStatus": concept(BUSINESS_STATUS, "completed", text="x")}

    with pytest.raises(Problem) as refused:
        advance(caller(Role.CENTRE_DOCTOR), stored, wanted, now=NOW)

    assert refused.value.code == "WF-002"


def test_declining_needs_a_reason() -> None:
    stored = task("received")

    with pytest.raises(Problem) as refused:
        advance(caller(Role.CENTRE_DOCTOR), stored, {**stored, "status": "rejected"}, now=NOW)

    assert refused.value.code == "WF-005"


def test_a_stat_referral_may_not_be_declined() -> None:
    stored = task("received", priority="stat")
    wanted = {**stored, "status": "rejected", "statusReason": {"text": "无床位"}}

    with pytest.raises(Problem) as refused:
        advance(caller(Role.CENTRE_DOCTOR), stored, wanted, now=NOW)

    assert refused.value.code == "WF-006"


def test_status_and_business_status_must_agree() -> None:
    stored = task("received")
    wanted = {**stored, "status": "rejected", "businessStatus": concept(BUSINESS_STATUS, "accepted", text="x")}

    with pytest.raises(Problem) as refused:
        advance(caller(Role.CENTRE_DOCTOR), stored, wanted, now=NOW)

    assert refused.value.code == "WF-007"


def test_an_ambiguous_status_asks_for_the_business_status() -> None:
    stored = task("scheduled")
    wanted = {**stored, "status": "in-progress"}

    with pytest.raises(Problem) as refused:
        advance(caller(Role.CENTRE_NURSE), stored, wanted, now=NOW)

    assert refused.value.code == "WF-002"


def test_the_nurse_reports_arrival() -> None:
    stored = task("scheduled")
    wanted = {**stored, "status": "in-progress", "businessStatus": concept(BUSINESS_STATUS, "arrived", text="已到达")}

    arrived = advance(caller(Role.CENTRE_NURSE), stored, wanted, now=NOW)

    assert (state_of(arrived), arrived["status"]) == ("arrived", "in-progress")


def test_a_change_without_a_new_state_keeps_the_clock() -> None:
    stored = task("accepted")
    wanted = {**stored, "note": [{"text": "已联系家属"}]}

    assert advance(caller(Role.CENTRE_DOCTOR), stored, wanted, now=NOW) == wanted


def test_a_held_task_is_released_by_the_hub_alone() -> None:
    stored = task("awaiting-consent")
    wanted = {**stored, "status": "received", "businessStatus": concept(BUSINESS_STATUS, "received", text="x")}

    with pytest.raises(Problem) as refused:
        advance(caller(Role.CENTRE_DOCTOR), stored, wanted, now=NOW)

    assert refused.value.code == "WF-003"


def test_the_station_carer_reports_a_follow_up_done_and_its_deadline_stays() -> None:
    stored = task("due", code="follow-up")

    done = advance(caller(Role.STATION_CARER), stored, {**stored, "status": "completed"}, now=NOW)

    assert state_of(done) == "done"
    assert done["restriction"] == stored["restriction"]


@pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda machine: machine.code)
def test_every_move_joins_known_states_that_have_a_label(machine: Any) -> None:
    ends = {end for move in machine.moves for end in (move.source, move.target)}

    assert ends <= machine.states.keys() <= LABELS.keys()
