"""The story that must run, told from outside through HTTP and MLLP, each step asserted.

In: where a running gateway answers and who acts. Out: a line per step, or `StepFailed` that names the step and why.
It knows nothing of the inside: a script in another language could tell it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock

import httpx

from gateway.demo.county import CENTRE, STATION, Elder
from gateway.demo.doors import Doc, Doors, StepFailed, by_card, reasons
from gateway.demo.records import FULL_SCORES, Stay, adt_a03, assessment, care_plan, consent, discharge
from gateway.demo.year import CHINA
from gateway.intake.mllp import send

HOSPITAL_CLIENT = "hospital-his"


@dataclass(frozen=True, slots=True)
class Step:
    """One told step: both languages and the seconds it took."""

    zh: str
    en: str
    seconds: float


class Story:
    """Tell the story once."""

    def __init__(self, doors: Doors, cast: tuple[Elder, Elder], *, today: date) -> None:
        """Hold the doors, the elder who has consented and the one who has not, and the day."""
        self._doors = doors
        self._elder, self._second = cast
        self._last = today - timedelta(days=1)

    async def tell(self, told: Callable[[Step], None]) -> None:
        """Run every step in order. Raises StepFailed at the first that does not hold."""
        steps: tuple[tuple[str, str, Callable[[], Awaitable[None]]], ...] = (
            ("医院登记知情同意", "the hospital registers the consent", self._consents),
            ("医院经 HTTP 发送出院记录", "the hospital sends the discharge over HTTP", self._discharges),
            (
                "同一住院经 MLLP 再次到达，只有一位老人、一次住院",
                "the same stay over MLLP: one elder, one stay",
                self._again,
            ),
            ("中心收到转介任务", "the centre finds the referral", self._finds),
            ("无同意的老人：转介等待，外部不可见", "without consent nothing is seen outside", self._waits),
            ("同意到达后自动放行", "the consent's arrival releases it", self._released),
            ("护士不得接受转介", "a nurse may not accept", self._nurse_refused),
            ("中心医生接受转介", "the centre's doctor accepts", self._accepts),
            ("中心提交能力评估与照护计划", "the centre posts assessment and care plan", self._plans),
            ("社区站按身份证号拉取照护计划", "the station pulls the care plan", self._pulls),
            ("随访任务已转给社区站", "the follow-up now belongs to the station", self._follow_up),
            ("养老护理员只见其应见", "the carer sees a masked slice", self._masked),
            ("另一条链的护理员一无所见", "the other chain sees nothing", self._stranger),
            ("每一步均有审计", "every step stands in the journal", self._audited),
        )
        for zh, en, step in steps:
            began = time.perf_counter()
            try:
                await step()
            except StepFailed as failed:
                raise StepFailed(f"{zh} / {en}: {failed}") from None
            told(Step(zh, en, time.perf_counter() - began))

    async def _consents(self) -> None:
        await self._register(self._elder, at=self._at(-5, 15))

    async def _discharges(self) -> None:
        await self._doors.post(HOSPITAL_CLIENT, "json-discharge", discharge(self._elder, self._stay(self._elder)))

    async def _again(self) -> None:
        stay = self._stay(self._elder)
        where = self._doors.where
        answer = await send(where.mllp_host, where.mllp_port, adt_a03(self._elder, stay))
        if b"MSA|CA|" not in answer:
            raise StepFailed(f"answered {answer.split(b'MSA|')[-1][:40]!r}")
        # Messages of one elder are stored in order: when this one is, the one before it is, too.
        again = discharge(self._elder, stay) | {"msgId": f"D{stay.number}-2"}
        await self._doors.post(HOSPITAL_CLIENT, "json-discharge", again)
        await self._doors.stored(HOSPITAL_CLIENT, "json-discharge", again["msgId"])
        await self._referral(self._elder)
        for kind, wanted in (("Encounter", {}), ("Task", {"code": "referral"})):
            found = await self._doors.search("centre-doctor", kind, wanted | by_card(self._elder))
            if len(found) != 1:
                raise StepFailed(f"{len(found)} times {kind} instead of once")

    async def _finds(self) -> None:
        await self._referral(self._elder)

    async def _waits(self) -> None:
        message = discharge(self._second, self._stay(self._second))
        await self._doors.post(HOSPITAL_CLIENT, "json-discharge", message)
        state = await self._doors.stored(HOSPITAL_CLIENT, "json-discharge", message["msgId"], until="awaiting-consent")
        if state["handover"] != "awaiting-consent":
            raise StepFailed("the sender is not told that consent is missing")
        if await self._doors.search("centre-doctor", "Task", by_card(self._second)):
            raise StepFailed("the centre sees a Task of an elder who has not consented")

    async def _released(self) -> None:
        await self._register(self._second, at=self._at(-1, 10))
        await self._referral(self._second)

    async def _nurse_refused(self) -> None:
        task = await self._referral(self._elder)
        response = await self._doors.put_task("centre-nurse", task, "accepted")
        if response.status_code != httpx.codes.FORBIDDEN:
            raise StepFailed(f"HTTP {response.status_code} instead of 403")

    async def _accepts(self) -> None:
        task = await self._referral(self._elder)
        response = await self._doors.put_task("centre-doctor", task, "accepted")
        if response.status_code != httpx.codes.OK:
            raise StepFailed(f"HTTP {response.status_code}: {reasons(response)}")
        stale = await self._doors.put_task("centre-doctor", task, "ready")
        if stale.status_code != httpx.codes.PRECONDITION_FAILED:
            raise StepFailed(f"a stale If-Match was answered {stale.status_code} instead of 412")

    async def _plans(self) -> None:
        scores = {**FULL_SCORES, "B1.3": 1, "B1.4": 2, "B2.3": 1, "B2.4": 0, "B4.4": 0, "B3.2": 2, "B1.1": 2, "B1.8": 1}
        record = assessment(self._elder, at=self._at(-2, 10), scores=scores)
        await self._doors.post("centre-doctor", "assessment", record)
        await self._doors.post("centre-doctor", "care-plan", care_plan(self._elder, at=self._at(0, 9)))

    async def _pulls(self) -> None:
        plans = await self._doors.until("station-doctor", "CarePlan", by_card(self._elder))
        if len(plans) != 1 or plans[0]["status"] != "active":
            raise StepFailed(f"{len(plans)} care plans instead of one active")
        patient = await self._doors.get("station-doctor", plans[0]["subject"]["reference"])
        if patient["name"][0]["text"] != self._elder.name:
            raise StepFailed("the station's doctor does not get the elder's name")

    async def _follow_up(self) -> None:
        wanted = {"owner": f"Organization/{STATION}", "status": "requested", **by_card(self._elder)}
        tasks = await self._doors.until("station-doctor", "Task", wanted)
        if not tasks[0]["restriction"]["period"].get("end"):
            raise StepFailed("the follow-up has no deadline")

    async def _masked(self) -> None:
        plan = (await self._doors.until("station-carer", "CarePlan", by_card(self._elder)))[0]
        patient = await self._doors.get("station-carer", plan["subject"]["reference"])
        seen = {"identifier", "text"} & patient.keys() | {"note", "addresses"} & plan.keys()
        if seen or patient["birthDate"] != str(self._elder.birth.year):
            raise StepFailed(f"the carer sees too much: {sorted(seen)} or a full birth date")
        if await self._doors.search("station-carer", "Encounter", by_card(self._elder)):
            raise StepFailed("the carer sees a hospital stay")

    async def _stranger(self) -> None:
        plan = (await self._doors.search("station-doctor", "CarePlan", by_card(self._elder)))[0]
        if await self._doors.search("other-station-carer", "CarePlan", by_card(self._elder)):
            raise StepFailed("another chain finds the care plan")
        for reference in (f"CarePlan/{plan['id']}", plan["subject"]["reference"]):
            response = await self._doors.request("other-station-carer", "GET", reference)
            absent = await self._doors.request("other-station-carer", "GET", f"{reference[:-4]}0000")
            if response.status_code != httpx.codes.NOT_FOUND or _blank(response, reference) != _blank(
                absent, f"{reference[:-4]}0000"
            ):
                raise StepFailed("a refusal differs from absence")

    async def _audited(self) -> None:
        events = await self._doors.search("auditor", "AuditEvent", {"_count": "50"})
        if not any(event.get("outcome") == "8" for event in events):
            raise StepFailed("no refusal stands in the journal")

    async def _register(self, elder: Elder, *, at: datetime) -> None:
        signed = consent(elder, at=at, recipients=(elder.centre, elder.station))
        await self._doors.post(HOSPITAL_CLIENT, "sharing-consent", signed)

    async def _referral(self, elder: Elder) -> Doc:
        wanted = {"owner": f"Organization/{CENTRE}", "code": "referral", "status": "received", **by_card(elder)}
        return (await self._doors.until("centre-doctor", "Task", wanted))[0]

    def _at(self, days: int, hour: int) -> datetime:
        return datetime.combine(self._last + timedelta(days=days), clock(hour, 0), CHINA)

    def _stay(self, elder: Elder) -> Stay:
        admitted, discharged = self._at(-16, 9), self._at(-5, 16)
        return Stay(
            number=f"ZD{admitted:%Y%m%d}{elder.number:04d}",
            admitted=admitted,
            discharged=discharged,
            diagnoses=("I63.900", "I10.x00x002", "L89.100"),
            drugs=("阿司匹林肠溶片", "阿托伐他汀钙片", "苯磺酸氨氯地平片"),
            barthel=45,
            braden=14,
            morse=55,
            way="3",
            receiver=elder.centre,
        )


def _blank(response: httpx.Response, reference: str) -> str:
    """Return the answer without what must differ: the id that was asked for."""
    return response.text.replace(reference.split("/")[1], "")
