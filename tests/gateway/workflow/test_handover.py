"""A discharge to the community makes the referral, two Tasks and the flag; nothing else does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.workflow.codes import DISCHARGE_WAY, ICD10_CN, LOINC, concept
from gateway.workflow.handover import first_visit_due, handover_of, is_high_risk, resources_of
from gateway.workflow.transition import state_of

NOW = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)
HOSPITAL, CENTRE = "12410000MB00000010", "12410100MB00000028"


def make_id(kind: str, *parts: str) -> str:
    return "-".join((kind.lower(), *parts))


def encounter(way: str = "3", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "subject": {"reference": "Patient/p1"},
        "serviceProvider": {"reference": f"Organization/{HOSPITAL}"},
        "period": {"start": "2026-03-01T09:20:00+08:00", "end": "2026-03-12T16:00:00+08:00"},
        "hospitalization": {
            "dischargeDisposition": concept(DISCHARGE_WAY, way, text="x"),
            "destination": {"reference": f"Organization/{CENTRE}"},
        },
        **changes,
    }


def made(*, released: bool, high_risk: bool = False) -> dict[str, dict[str, Any]]:
    handover = handover_of(encounter())
    assert handover is not None
    rows = resources_of(handover, released=released, high_risk=high_risk, now=NOW, make_id=make_id)
    return {row["id"]: row for row in rows}


def test_way_three_with_a_receiver_is_a_handover() -> None:
    handover = handover_of(encounter())

    assert handover is not None
    assert (handover.elder, handover.sender, handover.receiver) == ("p1", HOSPITAL, CENTRE)


@pytest.mark.parametrize("way", ["1", "2", "4", "5", "9"])
def test_no_other_way_is(way: str) -> None:
    assert handover_of(encounter(way)) is None


def test_a_stay_that_goes_on_is_none() -> None:
    assert handover_of(encounter(status="in-progress")) is None


def test_with_consent_the_referral_is_active_and_received() -> None:
    rows = made(released=True)

    assert rows["servicerequest-referral-e1"]["status"] == "active"
    assert state_of(rows["task-referral-e1"]) == "received"
    assert rows["task-referral-e1"]["restriction"]["period"]["end"] == "2026-03-13T09:00:00+00:00"
    assert state_of(rows["task-follow-up-e1"]) == "due"


def test_without_consent_everything_waits() -> None:
    rows = made(released=False)

    assert rows["servicerequest-referral-e1"]["status"] == "draft"
    assert [rows[name]["status"] for name in ("task-referral-e1", "task-follow-up-e1")] == ["on-hold", "on-hold"]
    assert state_of(rows["task-referral-e1"]) == "awaiting-consent"


def test_the_follow_up_of_a_high_risk_elder_is_due_72_hours_after_the_discharge() -> None:
    rows = made(released=True, high_risk=True)

    assert rows["task-follow-up-e1"]["restriction"]["period"]["end"] == "2026-03-15T16:00:00+08:00"


def test_otherwise_after_seven_days() -> None:
    discharged = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)

    assert first_visit_due(discharged, high_risk=False) - discharged == timedelta(days=7)


@pytest.mark.parametrize(
    ("code", "value", "risky"),
    [
        ("96761-2", 40, True),
        ("96761-2", 41, False),
        ("38227-5", 14, True),
        ("38227-5", 15, False),
        ("59460-6", 45, True),
        ("59460-6", 44, False),
    ],
)
def test_a_score_at_its_limit_decides_the_risk(code: str, value: int, *, risky: bool) -> None:
    score = {
        "resourceType": "Observation",
        "code": concept(LOINC, code, text="x"),
        "valueQuantity": {"value": value},
    }

    assert is_high_risk([score]) is risky


def test_any_pressure_injury_is_a_high_risk() -> None:
    assert is_high_risk([{"resourceType": "Condition", "code": concept(ICD10_CN, "L89.100", text="压疮")}])


def test_five_drugs_are_a_high_risk_and_four_are_not() -> None:
    drug = {"resourceType": "MedicationRequest"}

    assert is_high_risk([drug] * 5)
    assert not is_high_risk([drug] * 4)
