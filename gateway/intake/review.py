"""The Task by which a person is asked who an elder is. Source: the rules of the story; domain.md §8 trap 11."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TASK_CODE = "https://yiyang-gateway.example/fhir/CodeSystem/yy-task-code"


def review_task(elder: str, organisation: str, *, make_id: Callable[..., str]) -> dict[str, Any]:
    """Return the review Task of ``elder``, known only by the own number of ``organisation``; one an elder."""
    party = {"reference": f"Organization/{organisation}"}
    return {
        "resourceType": "Task",
        "id": make_id("Task", "identity-review", elder),
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": "identity-review"}], "text": "身份待核对"},
        "for": {"reference": f"Patient/{elder}"},
        "requester": party,
        "owner": party,
    }
