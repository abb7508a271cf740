"""The main job: a hospital's discharge becomes a care plan that the station pulls, everybody seeing their slice."""

from __future__ import annotations

from tests.flows.town import CARD, CENTRE, ELDER_CARD, HOSPITAL, STATION, Town, consent, record


async def test_the_centre_finds_the_referral_within_a_second_of_the_discharge(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())

    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    found = await town.search(
        "centre-doctor", "Task", owner=f"Organization/{CENTRE}", status="received", code="referral"
    )
    assert [task["businessStatus"]["coding"][0]["code"] for task in found] == ["received"]


async def test_a_high_risk_elder_is_visited_within_72_hours_of_the_discharge(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    follow_up = await town.task("centre-doctor", "follow-up")

    assert follow_up is not None
    assert follow_up["restriction"]["period"]["end"] == "2026-03-15T16:00:00+08:00"


async def test_a_nurse_may_not_accept_the_referral(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
    task = await town.task("centre-nurse", "referral")
    assert task is not None

    response = await town.move("centre-nurse", task, "accepted")

    assert response.status_code == 403
    assert response.json()["issue"][0]["details"]["coding"][0]["code"] == "WF-003"


async def test_a_task_is_not_changed_without_if_match_nor_against_an_old_version(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
    task = await town.task("centre-doctor", "referral")
    assert task is not None

    blind = await town.fhir("centre-doctor", "PUT", f"Task/{task['id']}", json={**task, "status": "accepted"})
    first = await town.move("centre-doctor", task, "accepted")
    stale = await town.move("centre-doctor", task, "accepted")

    assert (blind.status_code, first.status_code, stale.status_code) == (428, 200, 412)


async def test_the_station_pulls_the_care_plan_by_identity_number(town: Town) -> None:
    await town.until_care_plan()

    plans = await town.of_elder("station-doctor", "CarePlan")

    assert [plan["status"] for plan in plans] == ["active"]
    patient = await town.read("station-doctor", plans[0]["subject"]["reference"])
    assert patient["name"][0]["text"] == "王示兰"


async def test_the_follow_up_belongs_to_the_station_once_the_plan_names_it(town: Town) -> None:
    await town.until_care_plan()

    found = await town.search(
        "station-carer", "Task", owner=f"Organization/{STATION}", status="requested", code="follow-up"
    )

    assert len(found) == 1


async def test_the_carer_sees_a_year_of_birth_and_no_identifier(town: Town) -> None:
    await town.until_care_plan()
    plan = (await town.of_elder("station-carer", "CarePlan"))[0]

    patient = await town.read("station-carer", plan["subject"]["reference"])

    assert patient["birthDate"] == "1943"
    assert "identifier" not in patient
    assert "note" not in plan
    assert "addresses" not in plan
    assert {tag["code"] for tag in patient["meta"]["tag"]} == {"SUBSETTED"}


async def test_the_carer_gets_no_stay_no_provenance_no_summary(town: Town) -> None:
    await town.until_care_plan()

    found = [await town.of_elder("station-carer", kind) for kind in ("Encounter", "Composition")]

    assert found == [[], []]
    refused = await town.fhir("station-carer", "GET", "Provenance")
    assert refused.status_code == 403


async def test_another_chain_is_answered_as_if_nothing_were_there(town: Town) -> None:
    await town.until_care_plan()
    plan = (await town.of_elder("station-doctor", "CarePlan"))[0]
    reference = f"CarePlan/{plan['id']}"
    absent = "CarePlan/00000000-0000-4000-8000-000000000000"

    def blank(text: str, asked: str) -> str:
        return text.replace(asked.split("/")[1], "")

    for ending in ("", "/_history", "/_history/1"):
        refused = await town.fhir("other-station-carer", "GET", reference + ending)
        missing = await town.fhir("other-station-carer", "GET", absent + ending)
        assert refused.status_code == missing.status_code == 404
        assert blank(refused.text, reference) == blank(missing.text, absent)
    assert await town.of_elder("other-station-carer", "CarePlan") == []
    assert await town.of_elder("other-station-carer", "Patient") == []


async def test_another_chain_learns_nothing_from_a_transaction(town: Town) -> None:
    await town.until_care_plan()
    plan = (await town.of_elder("station-doctor", "CarePlan"))[0]
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "GET", "url": f"CarePlan/{plan['id']}"}}],
    }

    response = await town.fhir("other-station-carer", "POST", "", json=bundle)

    assert response.status_code == 404
    assert ELDER_CARD not in response.text


async def test_the_original_never_leaves_the_sender(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
    originals = [key for key in await town.stored() if key.startswith(("Binary/", "DocumentReference/"))]

    for client in ("centre-doctor", "station-doctor", "station-carer"):
        assert await town.of_elder(client, "DocumentReference") == []
        for reference in originals:
            response = await town.fhir(client, "GET", reference)
            assert response.status_code in (403, 404)
    assert len(originals) == 4


async def test_an_identity_number_in_a_get_works_and_is_blinded_in_the_link(town: Town) -> None:
    await town.until_care_plan()

    response = await town.fhir("station-doctor", "GET", f"Patient?identifier={CARD}|{ELDER_CARD}")

    bundle = response.json()
    link = next(link["url"] for link in bundle["link"] if link["relation"] == "self")
    assert len(bundle["entry"]) == 1
    assert ELDER_CARD not in link


async def test_every_step_stands_in_the_journal_the_refusals_too(town: Town) -> None:
    await town.until_care_plan()
    plan = (await town.of_elder("station-doctor", "CarePlan"))[0]
    await town.fhir("other-station-carer", "GET", f"CarePlan/{plan['id']}")

    events = await town.search("auditor", "AuditEvent", _count="200")

    seen = {(event["subtype"][0]["code"], event["outcome"]) for event in events if event.get("subtype")}
    assert {("read", "8"), ("update", "0"), ("search-type", "0")} <= seen
    assert ELDER_CARD not in str(events)


async def test_the_centre_may_not_write_before_it_has_accepted(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    response = await town.post("centre-doctor", "assessment", record("07_ability_assessment.json"))
    receipt = await town.settled("centre-doctor", "assessment", "ASSESSMENT-PG20260316-0003")

    assert response.json()["success"] == "AE"
    assert receipt["state"] == "parked"
    assert await town.of_elder("centre-doctor", "QuestionnaireResponse") == []


async def test_the_hospital_reads_nothing_with_its_feed(town: Town) -> None:
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    response = await town.fhir("hospital-his", "GET", "Patient")

    assert response.status_code == 403
    assert HOSPITAL not in response.text
