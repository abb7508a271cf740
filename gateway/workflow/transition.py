"""Carry a Task from one state to the next, or say why not.

In: the stored Task, the wanted Task, who wants it. Out: the Task to store, with the clock of its new state.
Pure. Source: domain.md §5.2-5.3; "deadlines run from the moment a state is entered".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.fhir.problem import Problem
from gateway.workflow.codes import BUSINESS_STATUS, TASK_CODE, code_in, concept, reference_id
from gateway.workflow.states import MACHINES, REFERRAL, Machine, Move
from security.caller import Caller, Role

LABELS: Mapping[str, str] = {
    "awaiting-consent": "等待知情同意",
    "received": "已接收",
    "accepted": "已接受",
    "declined": "已谢绝",
    "scheduled": "已安排",
    "in-transit": "转运途中",
    "arrived": "已到达",
    "in-care": "照护中",
    "completed": "已完成",
    "cancelled": "已取消",
    "due": "待随访",
    "planned": "已安排随访",
    "visiting": "随访中",
    "done": "已随访",
    "not-done": "未能随访",
}


def machine_of(task: Mapping[str, Any]) -> Machine | None:
    """Return the machine that drives ``task``, or None for a task that no machine knows."""
    return MACHINES.get(code_in(task.get("code", {}), TASK_CODE))


def state_of(task: Mapping[str, Any]) -> str:
    """Return the state of ``task`` ("" when it has none)."""
    return code_in(task.get("businessStatus", {}), BUSINESS_STATUS)


def advance(caller: Caller, stored: Mapping[str, Any], wanted: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return the Task to store when ``caller`` asks for ``wanted`` in place of ``stored``.

    Raises Problem WF-001 (no machine drives it), WF-002 (no such transition), WF-003 (not this role's), WF-004 (not
    the owner's), WF-005 (a reason is missing), WF-006 (STAT may not be declined), WF-007 (status and businessStatus
    disagree).
    """
    machine = machine_of(stored)
    if machine is None:
        raise Problem("WF-001", where="Task.code")
    source = state_of(stored)
    target = _target(machine, source, stored, wanted)
    task = dict(wanted)
    if target == source:
        return task
    _check(_move(machine, source, target), caller, stored, wanted)
    return enter(task, machine, target, now=now)


def enter(task: dict[str, Any], machine: Machine, state: str, *, now: datetime) -> dict[str, Any]:
    """Return ``task`` put into ``state`` at ``now``: status, businessStatus, and the deadline where the state has one.

    The follow-up's deadline runs from the discharge and is left as it is.
    """
    row = machine.states[state]
    entered = {
        **task,
        "status": row.status,
        "businessStatus": concept(BUSINESS_STATUS, state, text=LABELS[state]),
        "lastModified": _text(now),
    }
    if row.due:
        due = now + row.due[str(task.get("priority", "routine"))]
        entered["restriction"] = {**task.get("restriction", {}), "period": {"start": _text(now), "end": _text(due)}}
    return entered


def _target(machine: Machine, source: str, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return the state that ``wanted`` names: by businessStatus, or by status when only that was changed."""
    named, status = state_of(wanted), wanted.get("status")
    if named != source or status == stored.get("status"):
        if named not in machine.states:
            raise Problem("WF-002", where="Task.businessStatus", source_state=source, target_state=named or "-")
        if machine.states[named].status != status:
            raise Problem("WF-007", where="Task.status", state=named, status=machine.states[named].status)
        return named
    reachable = [m.target for m in machine.moves if m.source == source and machine.states[m.target].status == status]
    if len(reachable) != 1:
        raise Problem("WF-002", where="Task.status", source_state=source, target_state=str(status))
    return reachable[0]


def _move(machine: Machine, source: str, target: str) -> Move:
    move = machine.move(source, target)
    if move is None:
        raise Problem("WF-002", where="Task.businessStatus", source_state=source, target_state=target)
    return move


def _check(move: Move, caller: Caller, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if caller.role not in move.roles:
        raise Problem("WF-003", where="Task.businessStatus", role=caller.role, target_state=move.target)
    if caller.role is Role.SYSTEM:
        return
    if reference_id(stored.get("owner", {}), "Organization") != caller.organisation:
        raise Problem("WF-004", where="Task.owner")
    if move.reason and not _says(wanted.get("statusReason")):
        raise Problem("WF-005", where="Task.statusReason")
    if move.target == "declined" and stored.get("priority") == "stat" and machine_of(stored) is REFERRAL:
        raise Problem("WF-006", where="Task.businessStatus")


def _says(reason: object) -> bool:
    return isinstance(reason, Mapping) and bool(reason.get("text") or reason.get("coding"))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
