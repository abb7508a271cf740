"""Without consent nothing leaves the hospital's space; with it everything flows; what it withholds stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.flows.town import CENTRE, STATION, Town, consent, discharge, record

KINDS = ("Patient", "Encounter", "Condition", "Observation", "MedicationRequest", "Task", "ServiceRequest", "Flag")
OUTSIDERS = ("centre-doctor", "centre-nurse", "station-doctor", "station-carer", "other-centre-doctor")


async def _nothing_is_seen(town: Town, clients: tuple[str, ...] = OUTSIDERS) -> None:
    # The directory of organisations is no elder's.
    stored = [key for key in await town.stored() if not key.startswith("Organization/")]
    for client in clients:
        for kind in KINDS:
            assert await town.of_elder(client, kind) == [], (client, kind)
        assert await town.search(client, "Task", status="received,requested,on-hold") == []
        for key in stored:
            for path in (key, f"{key}/_history", f"{key}/_history/1"):
                response = await town.fhir(client, "GET", path)
                assert response.status_code in (403, 404), (client, path)


async def test_without_consent_nothing_leaves_the_hospitals_space(town: Town) -> None:
    receipt = await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    assert receipt["state"] == "stored"
    assert receipt["handover"] == "awaiting-consent"
    await _nothing_is_seen(town)


async def test_the_consents_arrival_releases_the_hand_over(town: Town) -> None:
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    await town.accepted("hospital-his", "sharing-consent", consent())

    task = await town.task("centre-doctor", "referral")
    assert task is not None
    assert task["status"] == "received"
    assert (await town.of_elder("centre-doctor", "Encounter")) != []


async def test_a_consent_without_medication_withholds_the_drugs_and_nothing_else(town: Town) -> None:
    classes = ["DEMOGRAPHIC", "DISCHARGE_SUMMARY", "DIAGNOSIS", "NURSING", "CARE_PLAN"]
    await town.accepted("hospital-his", "sharing-consent", consent(dataClasses=classes))

    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    assert await town.of_elder("centre-doctor", "MedicationRequest") == []
    assert len(await town.of_elder("centre-doctor", "Condition")) == 3
    assert await town.of_elder("centre-doctor", "AllergyIntolerance") != []


async def test_a_consent_that_has_ended_opens_nothing(town: Town) -> None:
    period = {"start": "2025-03-12", "end": "2026-03-11"}
    await town.accepted("hospital-his", "sharing-consent", consent(period=period))

    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    await _nothing_is_seen(town)


async def test_the_end_of_the_period_closes_what_was_open(town: Town) -> None:
    await town.until_care_plan()

    town.clock.ahead = timedelta(days=366)
    await town.app.rooms.registry.refresh()

    await _nothing_is_seen(town, ("station-doctor", "station-carer"))


async def test_a_withdrawal_after_the_flow_closes_everything_the_centre_did_not_write(town: Town) -> None:
    await town.until_care_plan()
    withdrawn = consent(status="2", signedTime="2026-03-18T09:00:00+08:00")

    receipt = await town.accepted("hospital-his", "sharing-consent", withdrawn)

    assert receipt["state"] == "stored", receipt
    await _nothing_is_seen(town, ("station-doctor", "station-carer"))
    assert await town.of_elder("centre-doctor", "Encounter") == []
    assert await town.of_elder("centre-doctor", "MedicationRequest") == []
    assert await town.of_elder("centre-doctor", "Procedure") == []
    assert await town.of_elder("centre-doctor", "Task") == []


async def test_a_centre_reads_what_it_wrote_after_the_withdrawal(town: Town) -> None:
    await town.until_care_plan()
    plan = (await town.of_elder("centre-doctor", "CarePlan"))[0]

    withdrawn = consent(status="2", signedTime="2026-03-18T09:00:00+08:00")
    await town.accepted("hospital-his", "sharing-consent", withdrawn)

    assert (await town.read("centre-doctor", f"CarePlan/{plan['id']}"))["id"] == plan["id"]


async def test_an_old_copy_of_the_consent_does_not_revive_it(town: Town) -> None:
    await town.until_care_plan()
    withdrawn = consent(status="2", signedTime="2026-03-18T09:00:00+08:00")
    await town.accepted("hospital-his", "sharing-consent", withdrawn)

    await town.accepted("hospital-his", "sharing-consent", consent())

    await _nothing_is_seen(town, ("station-doctor", "station-carer"))


async def test_an_exclusion_withholds_what_it_names(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent(excluded=["精神卫生记录"]))
    message = discharge()
    message["data"]["diagnoses"].append(
        {
            "seq": 4,
            "type": "其他诊断",
            "code": "F32.900",
            "system": "ICD10GB",
            "name": "抑郁发作",
            "admitConditionCode": "1",
            "outcomeCode": "2",
        }
    )

    await town.accepted("hospital-his", "json-discharge", message)

    found = await town.of_elder("centre-doctor", "Condition")
    assert len(found) == 3
    assert "F32" not in str(found)


async def test_a_consent_that_names_only_the_centre_does_not_open_the_station(town: Town) -> None:
    recipients = [{"orgCode": CENTRE, "contact": "0371-00000028"}]
    await town.accepted("hospital-his", "sharing-consent", consent(recipients=recipients))
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    assert await town.task("centre-doctor", "referral") is not None
    await _nothing_is_seen(town, ("station-doctor", "station-carer"))


async def test_consent_alone_is_no_relation(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent(recipients=[{"orgCode": STATION, "contact": "1"}]))

    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    await _nothing_is_seen(town)


@pytest.mark.parametrize("end", ["rejected"])
async def test_a_declined_referral_ends_the_relation(town: Town, end: str) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
    task = await town.task("centre-doctor", "referral")
    assert task is not None

    moved = await town.move("centre-doctor", task, end, statusReason={"text": "无床位"})

    await town.quiet()
    assert moved.status_code == 200, moved.text
    assert await town.of_elder("centre-doctor", "Condition") == []
