"""What a discharge to the community makes: the referral, its Task, the follow-up Task and the flag.

In: a finished Encounter with 离院方式 3 and a receiving organisation, and how risky the way home is. Out: resources
with ids minted from the Encounter, so that any shape and any number of messages of the same stay make them once.
Pure. Source: domain.md §0.2, §4.10, §5.2-5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.workflow.codes import (
    BARTHEL,
    BASE,
    BRADEN,
    DIRECTION,
    DISCHARGE_WAY,
    ICD10_CN,
    KEY_POPULATION,
    LOINC,
    MORSE,
    REFERRAL_CATEGORY,
    REFERRAL_CRITERIA,
    SNOMED,
    TASK_CODE,
    TO_COMMUNITY,
    code_in,
    concept,
    reference_id,
)
from gateway.workflow.states import FOLLOW_UP, REFERRAL
from gateway.workflow.transition import enter

FIRST_VISIT = timedelta(days=7)
"""First visit after discharge (domain.md §5.3 D5, design default)."""
FIRST_VISIT_HIGH_RISK = timedelta(hours=72)
"""First visit of an elder at high risk (domain.md §5.3 D5, design default)."""
MANY_DRUGS = 5
"""From this number of discharge drugs on the way home counts as risky (domain.md §5.3 D5)."""


@dataclass(frozen=True, slots=True)
class Handover:
    """The facts of one hand-over: who hands which elder's stay over to whom, discharged when."""

    encounter: str
    elder: str
    sender: str
    receiver: str
    discharged: datetime


def handover_of(encounter: Mapping[str, Any]) -> Handover | None:
    """Return the hand-over that ``encounter`` starts, or None when it starts none."""
    stay = encounter.get("hospitalization", {})
    receiver = reference_id(stay.get("destination", {}), "Organization")
    elder = reference_id(encounter.get("subject", {}), "Patient")
    sender = reference_id(encounter.get("serviceProvider", {}), "Organization")
    end = encounter.get("period", {}).get("end", "")
    to_community = code_in(stay.get("dischargeDisposition", {}), DISCHARGE_WAY) == TO_COMMUNITY
    if not (to_community and encounter.get("status") == "finished" and receiver and elder and sender and end):
        return None
    return Handover(str(encounter["id"]), elder, sender, receiver, datetime.fromisoformat(end))


def is_high_risk(resources: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether ``resources`` of the stay show a high risk: Barthel ≤ 40, Braden ≤ 14, Morse ≥ 45, a pressure injury,
    five drugs or more (domain.md §5.3 D5, design default).
    """
    rows = list(resources)
    drugs = sum(row["resourceType"] == "MedicationRequest" for row in rows)
    return drugs >= MANY_DRUGS or any(_risky_score(row) or _pressure_injury(row) for row in rows)


def _risky_score(row: Mapping[str, Any]) -> bool:
    if row["resourceType"] != "Observation":
        return False
    value = row.get("valueQuantity", {}).get("value", row.get("valueInteger"))
    if value is None:
        return False
    score = float(value)
    match code_in(row.get("code", {}), LOINC):
        case code if code == BARTHEL:
            return score <= 40
        case code if code == BRADEN:
            return score <= 14
        case code if code == MORSE:
            return score >= 45
        case _:
            return False


def _pressure_injury(row: Mapping[str, Any]) -> bool:
    return row["resourceType"] == "Condition" and code_in(row.get("code", {}), ICD10_CN).startswith("L89")


def resources_of(
    handover: Handover, *, released: bool, high_risk: bool, now: datetime, make_id: Callable[..., str]
) -> list[dict[str, Any]]:
    """Return ServiceRequest, referral Task, follow-up Task and Flag of ``handover``.

    ``released`` says that a consent names the receiver: otherwise the request stays draft and both Tasks wait on hold.
    """
    request = _request(handover, released=released, now=now, make_id=make_id)
    return [
        request,
        _referral_task(handover, request, released=released, now=now, make_id=make_id),
        _follow_up_task(handover, released=released, high_risk=high_risk, now=now, make_id=make_id),
        _flag(handover, make_id=make_id),
    ]


def referral_task_id(encounter: str, make_id: Callable[..., str]) -> str:
    """Return the id of the referral Task of a stay."""
    return make_id("Task", "referral", encounter)


def follow_up_task_id(encounter: str, make_id: Callable[..., str]) -> str:
    """Return the id of the follow-up Task of a stay."""
    return make_id("Task", "follow-up", encounter)


def first_visit_due(discharged: datetime, *, high_risk: bool) -> datetime:
    """Return when the first visit is due."""
    return discharged + (FIRST_VISIT_HIGH_RISK if high_risk else FIRST_VISIT)


def _request(handover: Handover, *, released: bool, now: datetime, make_id: Callable[..., str]) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": make_id("ServiceRequest", "referral", handover.encounter),
        "meta": {"profile": [f"{BASE}/StructureDefinition/yy-referral-request"]},
        "extension": [{"url": DIRECTION, "valueCode": "DOWN"}],
        "status": "active" if released else "draft",
        "intent": "order",
        "category": [concept(SNOMED, REFERRAL_CATEGORY, text="转诊")],
        "priority": "routine",
        "subject": {"reference": f"Patient/{handover.elder}"},
        "encounter": {"reference": f"Encounter/{handover.encounter}"},
        "authoredOn": now.isoformat(timespec="seconds"),
        "requester": {"reference": f"Organization/{handover.sender}"},
        "performer": [{"reference": f"Organization/{handover.receiver}"}],
        "reasonCode": [concept(REFERRAL_CRITERIA, "D00", text="离院方式 3：医嘱转社区卫生服务机构/乡镇卫生院")],
    }


def _referral_task(
    handover: Handover, request: Mapping[str, Any], *, released: bool, now: datetime, make_id: Callable[..., str]
) -> dict[str, Any]:
    task = {
        **_task(handover, "yy-referral-task", "referral", "转诊"),
        "id": referral_task_id(handover.encounter, make_id),
        "basedOn": [{"reference": f"ServiceRequest/{request['id']}"}],
        "focus": {"reference": f"ServiceRequest/{request['id']}"},
        "authoredOn": now.isoformat(timespec="seconds"),
        # A held Task has no running clock; the profile wants an end, so the first visit's limit stands in.
        "restriction": {"period": {"end": (handover.discharged + FIRST_VISIT).isoformat(timespec="seconds")}},
    }
    return enter(task, REFERRAL, "received" if released else "awaiting-consent", now=now)


def _follow_up_task(
    handover: Handover, *, released: bool, high_risk: bool, now: datetime, make_id: Callable[..., str]
) -> dict[str, Any]:
    due = first_visit_due(handover.discharged, high_risk=high_risk)
    task = {
        **_task(handover, "yy-followup-task", "follow-up", "出院随访"),
        "id": follow_up_task_id(handover.encounter, make_id),
        "authoredOn": now.isoformat(timespec="seconds"),
        "restriction": {
            "period": {
                "start": handover.discharged.isoformat(timespec="seconds"),
                "end": due.isoformat(timespec="seconds"),
            }
        },
    }
    return enter(task, FOLLOW_UP, "due" if released else "awaiting-consent", now=now)


def _task(handover: Handover, profile: str, code: str, text: str) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "meta": {"profile": [f"{BASE}/StructureDefinition/{profile}"]},
        "intent": "order",
        "priority": "routine",
        "code": concept(TASK_CODE, code, text=text),
        "for": {"reference": f"Patient/{handover.elder}"},
        "encounter": {"reference": f"Encounter/{handover.encounter}"},
        "requester": {"reference": f"Organization/{handover.sender}"},
        "owner": {"reference": f"Organization/{handover.receiver}"},
    }


def _flag(handover: Handover, *, make_id: Callable[..., str]) -> dict[str, Any]:
    return {
        "resourceType": "Flag",
        "id": make_id("Flag", "post-discharge", handover.encounter),
        "meta": {"profile": [f"{BASE}/StructureDefinition/yy-flag-key-population"]},
        "status": "active",
        "code": concept(KEY_POPULATION, "post-discharge", text="出院后"),
        "subject": {"reference": f"Patient/{handover.elder}"},
        "period": {"start": handover.discharged.isoformat(timespec="seconds")},
        "encounter": {"reference": f"Encounter/{handover.encounter}"},
        "author": {"reference": f"Organization/{handover.sender}"},
    }
