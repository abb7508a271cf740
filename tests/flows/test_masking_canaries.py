"""Canaries in every text of the sample records: who meets which of them, by read, search, history and transaction.

A canary is a text that stands in one field of one message only, so that meeting it anywhere tells which field it came
from. Source: issue "The carer's view", "Consent", "One Patient per elder"; docs/decisions/0041-what-each-role-sees.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, Final

from tests.flows.town import ELDER_CARD, STATION, Town, consent, record

Doc = dict[str, Any]
ALL: Final = ("centre-doctor", "centre-nurse", "station-doctor", "station-carer")
NOT_THE_CARER: Final = ALL[:3]
CENTRE_ONLY: Final = ALL[:2]
CLINICAL: Final = ("centre-doctor", "station-doctor")
OUTSIDE: Final = ("other-centre-doctor", "other-station-carer", "hospital-his", "auditor")
WAYS: Final = ("read", "search", "history", "transaction")
KINDS: Final = (
    *("Patient", "RelatedPerson", "Encounter", "Procedure", "Composition", "Condition", "AllergyIntolerance"),
    *("MedicationRequest", "MedicationStatement", "Observation", "QuestionnaireResponse", "Flag", "CarePlan", "Goal"),
    *("CareTeam", "Task", "ServiceRequest", "Consent", "DocumentReference", "Provenance", "DetectedIssue"),
)
PHONE, CONTACT_PHONE, HEALTH_RECORD = "13911110001", "13911110002", "41019910100177777"

DISCHARGE: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "patient.patId": ("CANPATID01", CENTRE_ONLY),
    "patient.healthRecordNo": (HEALTH_RECORD, CENTRE_ONLY),
    "patient.phone": (PHONE, ALL),
    "patient.address.houseNo": ("暗记门牌", ALL),
    "patient.contacts.0.name": ("暗记联系人", ALL),
    "patient.contacts.0.phone": (CONTACT_PHONE, ALL),
    "encounter.admNo": ("CANADM01", CENTRE_ONLY),
    "encounter.inpatNo": ("CANINPAT01", CENTRE_ONLY),
    "encounter.deptName": ("暗记科室", NOT_THE_CARER),
    "encounter.wardName": ("暗记病区", CENTRE_ONLY),
    # A Practitioner is a person of the hospital and stays with it.
    "encounter.attending.name": ("暗记主治", ()),
    "diagnoses.0.name": ("暗记诊断甲", NOT_THE_CARER),
    "diagnoses.1.name": ("暗记诊断乙", NOT_THE_CARER),
    "procedures.0.name": ("暗记手术", NOT_THE_CARER),
    "allergies.0.substance": ("暗记过敏原", ALL),
    "allergies.0.reaction": ("暗记皮疹", ALL),
    "medications.0.name": ("暗记药名", ALL),
    "medications.0.spec": ("暗记规格", ALL),
    "nursing.pressureInjury.0.site": ("暗记部位", ALL),
    "nursing.dietGuide": ("暗记饮食", NOT_THE_CARER),
    "nursing.drugGuide": ("暗记用药", NOT_THE_CARER),
    "nursing.revisitGuide": ("暗记复诊", NOT_THE_CARER),
    "courseText": ("暗记经过", CENTRE_ONLY),
    "conditionText": ("暗记情况", CENTRE_ONLY),
    "orderText": ("暗记医嘱", NOT_THE_CARER),
}
"""Field of the discharge's data -> canary, who meets it."""
ASSESSMENT: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "assessNo": ("CANASSESS01", NOT_THE_CARER),
    "assessors.0.name": ("暗记评估员", ALL),
    "informant.name": ("暗记知情人", NOT_THE_CARER),
    # The hospital's address came first: another controller's record fills what is empty and overwrites nothing.
    "patient.address.houseNo": ("暗记评估门牌", ()),
}
PLAN: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "planNo": ("CANPLAN01", NOT_THE_CARER),
    "problems.0.name": ("暗记问题", NOT_THE_CARER),
    "goals.1.text": ("暗记目标", ALL),
    "services.3.name": ("暗记服务", ALL),
    "patient.address.houseNo": ("暗记计划门牌", ()),
}


def salted(name: str, canaries: dict[str, tuple[str, tuple[str, ...]]]) -> Doc:
    """Return a sample record with its canaries put in."""
    message = record(name)
    for path, (canary, _) in canaries.items():
        node: Any = message["data"]
        *steps, last = path.split(".")
        for step in steps:
            node = node[int(step) if step.isdigit() else step]
        assert last in node, path
        node[last] = canary
    # An elder has one health record: messages that name different ones are parked.
    message["data"]["patient"]["healthRecordNo"] = HEALTH_RECORD
    return message


async def told(town: Town, **changes: Any) -> None:
    """Play the story up to the care plan with salted records and ``changes`` of the consent."""
    await town.accepted("hospital-his", "sharing-consent", consent(**changes))
    receipt = await town.accepted("hospital-his", "json-discharge", salted("04_discharge.json", DISCHARGE))
    assert receipt["state"] == "stored", receipt
    task = await town.task("centre-doctor", "referral")
    assert task is not None
    assert (await town.move("centre-doctor", task, "accepted")).status_code == 200
    for feed, name, canaries in (
        ("assessment", "07_ability_assessment.json", ASSESSMENT),
        ("care-plan", "08_care_plan.json", PLAN),
    ):
        receipt = await town.accepted("centre-doctor", feed, salted(name, canaries))
        assert receipt["state"] == "stored", receipt


async def seen(town: Town, client: str) -> dict[str, dict[str, str]]:
    """Return everything that ``client`` is shown of stored resources: way -> `Kind/id` -> text."""
    found: dict[str, dict[str, str]] = {way: {} for way in WAYS}
    for key in await town.stored():
        read = await town.fhir(client, "GET", key)
        assert read.status_code in (200, 403, 404), key
        history = await town.fhir(client, "GET", f"{key}/_history")
        assert (read.status_code == 200) == (history.status_code == 200), key
        if read.status_code == 200:
            found["read"][key] = read.text
            found["history"][key] = history.text + (await town.fhir(client, "GET", f"{key}/_history/1")).text
    for kind in KINDS:
        for doc in await town.of_elder(client, kind):
            found["search"][f"{kind}/{doc['id']}"] = json.dumps(doc, ensure_ascii=False)
    if found["read"]:
        found["transaction"] = await _by_transaction(town, client, list(found["read"]))
    return found


async def _by_transaction(town: Town, client: str, keys: list[str]) -> dict[str, str]:
    entries = [{"request": {"method": "GET", "url": key}} for key in keys]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    response = await town.fhir(client, "POST", "", json=bundle)
    assert response.status_code == 200, response.text
    answers = response.json()["entry"]
    return {key: json.dumps(each["resource"], ensure_ascii=False) for key, each in zip(keys, answers, strict=True)}


def met(found: dict[str, dict[str, str]], canaries: Iterable[str], *, but: Collection[str] = ()) -> dict[str, set[str]]:
    """Return which of ``canaries`` were met by each way, outside the kinds ``but``."""
    canaries = list(canaries)
    return {
        way: {
            canary
            for key, text in rows.items()
            if key.partition("/")[0] not in but
            for canary in canaries
            if canary in text
        }
        for way, rows in found.items()
    }


EVERYWHERE: Final = [*DISCHARGE.values(), *ASSESSMENT.values(), *PLAN.values()]


async def test_every_role_meets_its_canaries_and_no_other_by_every_way(town: Town) -> None:
    await told(town)

    for client in ALL:
        found = await seen(town, client)
        due = {canary for canary, roles in EVERYWHERE if client in roles}
        got = met(found, [canary for canary, _ in EVERYWHERE])
        assert got["read"] == due, (client, got["read"] ^ due)
        assert got["transaction"] == due, (client, got["transaction"] ^ due)
        assert got["history"] == due, (client, got["history"] ^ due)
        assert got["search"] == due, (client, got["search"] ^ due)


async def test_who_is_outside_the_chain_meets_none(town: Town) -> None:
    await told(town)

    for client in OUTSIDE:
        found = await seen(town, client)
        assert not any(met(found, [canary for canary, _ in EVERYWHERE]).values()), client
        assert not any(key.partition("/")[0] in KINDS for rows in found.values() for key in rows), client


async def test_the_carers_view_is_the_issues(town: Town) -> None:
    await told(town)

    found = await seen(town, "station-carer")

    kinds = {key.partition("/")[0] for rows in found.values() for key in rows}
    assert kinds.isdisjoint({"Encounter", "Provenance", "Composition", "Condition", "DocumentReference", "Binary"})
    for key, text in found["read"].items():
        doc = json.loads(text)
        assert "text" not in doc or doc["resourceType"] == "Organization", key
        assert ELDER_CARD not in text, key
    patient = next(json.loads(text) for key, text in found["read"].items() if key.startswith("Patient/"))
    assert patient["birthDate"] == "1943"
    assert "identifier" not in patient
    plan = next(json.loads(text) for key, text in found["read"].items() if key.startswith("CarePlan/"))
    assert not {"note", "addresses", "identifier"} & plan.keys()
    assert [tag["code"] for tag in plan["meta"]["tag"]] == ["SUBSETTED"]


async def test_the_station_doctor_sees_identifiers_only_in_part(town: Town) -> None:
    await told(town)

    found = await seen(town, "station-doctor")

    assert not any(ELDER_CARD in text for rows in found.values() for text in rows.values())
    patient = next(json.loads(text) for key, text in found["read"].items() if key.startswith("Patient/"))
    assert "410199****1027" in {each["value"] for each in patient["identifier"]}


async def test_what_the_consent_leaves_out_is_met_by_nobody_who_did_not_write_it(town: Town) -> None:
    classes = ["DEMOGRAPHIC", "DISCHARGE_SUMMARY", "NURSING", "CARE_PLAN"]
    await told(town, dataClasses=classes)
    withheld = {"暗记诊断甲", "暗记诊断乙", "暗记药名", "暗记规格"}

    for client in ALL:
        found = await seen(town, client)
        assert not any(met(found, withheld).values()), client
        assert "暗记过敏原" in met(found, ["暗记过敏原"])["read"], client
    # The problems of the plan are the centre's own words; to the station they are diagnoses.
    assert met(await seen(town, "centre-doctor"), ["暗记问题"])["read"]
    assert not any(met(await seen(town, "station-doctor"), ["暗记问题"]).values())


async def test_after_the_withdrawal_the_station_meets_nothing_and_the_centre_only_what_it_sent(town: Town) -> None:
    await told(town)
    withdrawn = consent(status="2", signedTime="2026-03-18T09:00:00+08:00")
    await town.accepted("hospital-his", "sharing-consent", withdrawn)

    station = await seen(town, "station-doctor")
    centre = await seen(town, "centre-doctor")

    assert not any(key.partition("/")[0] in KINDS for rows in station.values() for key in rows)
    # Of the joint Patient it sees the identifiers that it sent too, name, sex and birth date.
    hospitals = {canary for canary, _ in DISCHARGE.values()} - {HEALTH_RECORD}
    patient = next(json.loads(text) for key, text in centre["read"].items() if key.startswith("Patient/"))
    assert set(patient) <= {"resourceType", "id", "meta", "identifier", "name", "gender", "_gender", "birthDate"}
    assert not any(met(centre, hospitals).values())
    assert met(centre, ["暗记目标"])["read"] == {"暗记目标"}


async def test_the_carer_may_not_search_by_what_is_hidden(town: Town) -> None:
    await told(town)

    for path in (
        "Patient?birthdate=1943-03-05",
        "CarePlan?patient.birthdate=1943-03-05",
        "CarePlan?condition=Condition/1",
        "Observation?encounter=Encounter/1",
        "MedicationRequest?identifier=X|",
        "Encounter?status=finished",
        "Patient?_sort=birthdate",
    ):
        response = await town.fhir("station-carer", "GET", path)
        assert response.status_code in (400, 403), path


async def test_a_carers_answer_to_a_task_leaves_what_is_hidden_as_it_was(town: Town) -> None:
    await told(town)
    (task,) = await town.search("station-carer", "Task", owner=f"Organization/{STATION}", code="follow-up")
    whole = await town.read("station-doctor", f"Task/{task['id']}")

    moved = await town.move("station-carer", task, "in-progress")

    assert moved.status_code == 200, moved.text
    after = await town.read("station-doctor", f"Task/{task['id']}")
    changed = {key for key in whole.keys() | after.keys() if whole.get(key) != after.get(key)}
    assert changed <= {"status", "businessStatus", "meta", "lastModified", "executionPeriod"}
    assert "input" not in task or "input" in after


async def test_a_diagnosis_of_level_5_is_told_to_nobody_and_does_not_hold_up_the_hand_over(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent(excluded=[]))
    message = salted("04_discharge.json", DISCHARGE)
    message["data"]["diagnoses"][1] |= {"code": "F32.900", "name": "抑郁发作"}

    await town.accepted("hospital-his", "json-discharge", message)

    assert await town.task("centre-doctor", "referral") is not None
    for client in ("centre-doctor", "centre-nurse"):
        found = await seen(town, client)
        assert not any(met(found, ["抑郁", "F32"]).values()), client
        assert met(found, ["暗记诊断甲"])["search"], client
