"""Which referrals wait longer than their step allows: for a number that somebody watches.

In: referral Tasks. Out: how many are past their deadline. A step without a deadline is never overdue, and the month of
care after the arrival is not waiting. Source: domain.md §5.2 (deadlines); console.md §5 (yiyang_referral_overdue).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from gateway.workflow.codes import BUSINESS_STATUS, TASK_CODE
from gateway.workflow.states import REFERRAL
from gateway.workflow.transition import machine_of, state_of

WAITING: Final = ("received", "accepted", "scheduled", "in-transit")
"""The states in which a referral waits for somebody."""
SEARCH: Final = (
    ("code", f"{TASK_CODE}|{REFERRAL.code}"),
    ("business-status", ",".join(f"{BUSINESS_STATUS}|{state}" for state in WAITING)),
)
"""The search that finds them."""


def overdue(tasks: Iterable[Mapping[str, Any]], *, now: datetime) -> int:
    """Return how many of ``tasks`` are referrals that wait beyond their deadline at ``now``."""
    return sum(_is_overdue(task, now) for task in tasks)


def _is_overdue(task: Mapping[str, Any], now: datetime) -> bool:
    if machine_of(task) is not REFERRAL or state_of(task) not in WAITING:
        return False
    end = task.get("restriction", {}).get("period", {}).get("end", "")
    return bool(end) and datetime.fromisoformat(end) < now
