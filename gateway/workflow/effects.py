"""What each change asks for. One file, one idea: from changed resources to the writes that follow from them.

- a finished stay handed to the community → referral, follow-up and flag (once a stay);
- a consent that names a receiver → its held hand-overs are released; one that ends → they are held again;
- a referral declined or cancelled → its request is revoked, its follow-up cancelled; completed → completed;
- an active care plan that names a station → that station owns the follow-up.
Source: domain.md §4.10, §5.2-5.3 and the rules of the story.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.workflow.codes import reference_id
from gateway.workflow.handover import (
    Handover,
    first_visit_due,
    follow_up_task_id,
    handover_of,
    is_high_risk,
    resources_of,
)
from gateway.workflow.states import FOLLOW_UP, REFERRAL
from gateway.workflow.transition import enter, machine_of, state_of

STAY_KINDS = ("Observation", "Condition", "MedicationRequest")
"""What the risk of the way home is read from."""
KINDS = ("CarePlan", "Consent", "Encounter", "Task")
"""What is acted upon: the feed tells no other kind."""
NOT_BEGUN = ("on-hold", "requested", "accepted")
"""Statuses of a follow-up whose deadline may still be brought forward."""

Resource = dict[str, Any]


class Records(Protocol):
    """What the effects read and write: the hub, as the inner actor `workflow`."""

    async def find(self, kind: str, params: Sequence[tuple[str, str]]) -> list[Resource]:
        """Return every current resource of ``kind`` that matches (FHIR search parameters)."""
        ...

    async def create(self, made: Sequence[tuple[str, Sequence[Resource]]]) -> None:
        """Create those resources that never existed, each group for its controller, all in one commit."""
        ...

    async def update(self, resources: Sequence[Resource], *, controller: str) -> None:
        """Replace the versions that ``resources`` were read as, in one commit. Raises Problem STO-412 on a race."""
        ...


class Effects:
    """Turn changes into writes."""

    def __init__(
        self,
        records: Records,
        *,
        make_id: Callable[..., str],
        consents: Callable[[str, str], bool],
        is_station: Callable[[str], bool],
    ) -> None:
        """Hold the hub, the id maker, ``consents(elder, organisation)`` and ``is_station(organisation)``."""
        self._records = records
        self._make_id = make_id
        self._consents = consents
        self._is_station = is_station

    async def apply(self, rows: Sequence[Resource], *, now: datetime) -> None:
        """Do what ``rows`` ask for.

        Doing it again changes nothing: what is made has an id minted from its cause and is created only once, what is
        moved is moved only out of the state it was found in. Raises Problem STO-412 when somebody else was faster.
        """
        stays = [row for row in rows if row.get("resourceType") == "Encounter"]
        # First what starts something: of the others each looks at what is stored by then.
        await self._discharges([found for row in stays if (found := handover_of(row))], now)
        for row in rows:
            await self._one(row, now)

    async def _one(self, row: Resource, now: datetime) -> None:
        match row.get("resourceType"):
            case "Consent":
                await self._consent(row, now)
            case "Task":
                await self._task(row, now)
            case "CarePlan":
                await self._care_plan(row)

    async def _discharges(self, handovers: Sequence[Handover], now: datetime) -> None:
        """Hand over every stay of ``handovers``: one question a kind and one commit for all of them."""
        if not handovers:
            return
        risky = await self._high_risk(handovers)
        made = [
            (
                handover.sender,
                resources_of(
                    handover,
                    released=self._consents(handover.elder, handover.receiver),
                    high_risk=handover.encounter in risky,
                    now=now,
                    make_id=self._make_id,
                ),
            )
            for handover in handovers
        ]
        await self._records.create(made)
        for handover in handovers:
            if handover.encounter in risky:
                await self._tighten(handover)

    async def _high_risk(self, handovers: Sequence[Handover]) -> frozenset[str]:
        """Return the stays whose way home is risky."""
        stays = ",".join(f"Encounter/{handover.encounter}" for handover in handovers)
        found: dict[str, list[Resource]] = {}
        for kind in STAY_KINDS:
            for row in await self._records.find(kind, [("encounter", stays)]):
                found.setdefault(reference_id(row.get("encounter", {}), "Encounter"), []).append(row)
        return frozenset(stay for stay, rows in found.items() if is_high_risk(rows))

    async def _tighten(self, handover: Handover) -> None:
        """Bring a follow-up forward when a later, richer shape of the stay shows the risk."""
        task_id = follow_up_task_id(handover.encounter, self._make_id)
        due = first_visit_due(handover.discharged, high_risk=True).isoformat(timespec="seconds")
        for task in await self._records.find("Task", [("_id", task_id)]):
            period = task["restriction"]["period"]
            if task["status"] in NOT_BEGUN and datetime.fromisoformat(period["end"]) > datetime.fromisoformat(due):
                tightened = {**task, "restriction": {"period": {**period, "end": due}}}
                await self._update([tightened], handover.sender)

    async def _consent(self, consent: Resource, now: datetime) -> None:
        """Hold or release the open hand-overs of the elder, whichever the consents now say."""
        elder = reference_id(consent.get("patient", {}), "Patient")
        tasks = await self._records.find("Task", [("patient", f"Patient/{elder}")])
        for task in tasks:
            await self._hold_or_release(task, elder, now)

    async def _hold_or_release(self, task: Resource, elder: str, now: datetime) -> None:
        machine = machine_of(task)
        running = "received" if machine is REFERRAL else "due"
        if machine is None or state_of(task) not in (running, "awaiting-consent"):
            return
        owner = reference_id(task["owner"], "Organization")
        wanted = running if self._consents(elder, owner) else "awaiting-consent"
        if state_of(task) == wanted:
            return
        moved = [enter(task, machine, wanted, now=now)]
        if machine is REFERRAL:
            moved += await self._requests(task, status="active" if wanted == running else "draft")
        await self._update(moved, _sender(task))

    async def _task(self, task: Resource, now: datetime) -> None:
        """Carry the end of a referral to its request, and a refused hand-over to its follow-up."""
        if machine_of(task) is not REFERRAL:
            return
        ends = {"declined": "revoked", "cancelled": "revoked", "completed": "completed"}
        status = ends.get(state_of(task))
        if status is None:
            return
        moved = await self._requests(task, status=status)
        if status == "revoked":
            moved += await self._cancelled_follow_up(task, now)
        await self._update(moved, _sender(task))

    async def _cancelled_follow_up(self, task: Resource, now: datetime) -> list[Resource]:
        encounter = reference_id(task.get("encounter", {}), "Encounter")
        found = await self._records.find("Task", [("_id", follow_up_task_id(encounter, self._make_id))])
        return [
            enter(row, FOLLOW_UP, "cancelled", now=now)
            for row in found
            if FOLLOW_UP.move(state_of(row), "cancelled") is not None
        ]

    async def _requests(self, task: Resource, *, status: str) -> list[Resource]:
        request = reference_id(task.get("focus", {}), "ServiceRequest")
        if not request:
            return []  # of a referral that was not made by us
        found = await self._records.find("ServiceRequest", [("_id", request)])
        return [{**row, "status": status} for row in found if row["status"] != status]

    async def _care_plan(self, plan: Resource) -> None:
        """Hand the open follow-up of the plan's elder to the station that the plan names."""
        named = [*performers(plan), *await self._members(plan)]
        station = next((code for code in named if self._is_station(code)), "")
        if plan.get("status") != "active" or not station:
            return
        elder = reference_id(plan.get("subject", {}), "Patient")
        author = reference_id(plan.get("author", {}), "Organization")
        for task in await self._records.find("Task", [("patient", f"Patient/{elder}")]):
            owner = reference_id(task.get("owner", {}), "Organization")
            if machine_of(task) is FOLLOW_UP and task["status"] in ("requested", "accepted") and owner == author:
                await self._update([{**task, "owner": {"reference": f"Organization/{station}"}}], _sender(task))

    async def _members(self, plan: Resource) -> list[str]:
        """Return the organisations of the stored care teams that ``plan`` refers to."""
        ids = [reference_id(team, "CareTeam") for team in plan.get("careTeam", ())]
        if not any(ids):
            return []
        teams = await self._records.find("CareTeam", [("_id", ",".join(filter(None, ids)))])
        return members(teams)

    async def _update(self, resources: Sequence[Resource], controller: str) -> None:
        if resources:
            await self._records.update(resources, controller=controller)


def performers(plan: Mapping[str, Any]) -> list[str]:
    """Return the organisations that ``plan`` names: activity performers, then members of contained care teams."""
    performers_of_activities = [
        performer
        for activity in plan.get("activity", ())
        for performer in activity.get("detail", {}).get("performer", ())
    ]
    named = [reference_id(reference, "Organization") for reference in performers_of_activities]
    return [code for code in dict.fromkeys([*named, *members(plan.get("contained", ()))]) if code]


def members(teams: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the organisations that the care teams ``teams`` name, as members or as those whom a member stands for."""
    named = [
        reference_id(participant.get(element, {}), "Organization")
        for team in teams
        for participant in team.get("participant", ())
        for element in ("onBehalfOf", "member")
    ]
    return [code for code in dict.fromkeys(named) if code]


def _sender(task: Mapping[str, Any]) -> str:
    return reference_id(task.get("requester", {}), "Organization")
