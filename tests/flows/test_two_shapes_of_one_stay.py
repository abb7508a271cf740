"""The JSON and the HL7 v2 discharge of one stay converge, in both orders, and repeating either changes nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.flows.town import Town, a03, consent, record

MAP_GOLDEN = {
    "Patient": 1,
    "RelatedPerson": 1,
    "Encounter": 1,
    "Condition": 3,
    "Procedure": 1,
    "AllergyIntolerance": 1,
    "MedicationRequest": 3,
    "Composition": 1,
}
"""domain.md 4.10: what the JSON discharge gives at least."""
FLOW_GOLDEN = {"ServiceRequest": 1, "Task": 2, "Flag": 1}


async def test_the_json_discharge_gives_the_golden(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))

    kinds = _kinds(await town.stored())

    assert {kind: kinds[kind] for kind in MAP_GOLDEN | FLOW_GOLDEN} == MAP_GOLDEN | FLOW_GOLDEN
    assert min(kinds["Observation"], kinds["DocumentReference"], kinds["Binary"], kinds["Provenance"]) >= 1


async def test_the_v2_discharge_gives_one_stay_with_its_hand_over(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())

    answer = await town.mllp(a03())

    kinds = _kinds(await town.stored())
    assert b"MSA|CA|A03202603120001" in answer
    assert {kind: kinds[kind] for kind in ("Patient", "Encounter", "Condition", "Task", "ServiceRequest")} == {
        "Patient": 1,
        "Encounter": 1,
        "Condition": 3,
        "Task": 2,
        "ServiceRequest": 1,
    }


@pytest.mark.parametrize("first", ["json", "v2"])
async def test_both_shapes_converge_on_one_elder_and_one_stay(town: Town, first: str) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    for shape in ("json", "v2") if first == "json" else ("v2", "json"):
        await _send(town, shape)

    kinds = _kinds(await town.stored())

    assert {kind: kinds[kind] for kind in MAP_GOLDEN | FLOW_GOLDEN} == MAP_GOLDEN | FLOW_GOLDEN


async def test_both_orders_end_with_the_same_stay(town: Town) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await _send(town, "v2")
    await _send(town, "json")

    stay = (await town.of_elder("centre-doctor", "Encounter"))[0]

    assert stay["period"] == {"start": "2026-03-01T09:20:00+08:00", "end": "2026-03-12T16:00:00+08:00"}
    assert stay["class"]["code"] == "IMP"
    assert len(stay["diagnosis"]) == 3


@pytest.mark.parametrize("shape", ["json", "v2"])
async def test_sending_again_changes_nothing(town: Town, shape: str) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await _send(town, "json")
    await _send(town, "v2")
    before = await town.stored()

    await _send(town, shape)

    assert await town.stored() == before


@pytest.mark.parametrize("shape", ["json", "v2"])
async def test_sending_again_under_a_new_message_id_changes_nothing(town: Town, shape: str) -> None:
    await town.accepted("hospital-his", "sharing-consent", consent())
    await _send(town, "json")
    await _send(town, "v2")
    before = await town.stored()

    await _send(town, shape, message_id="AGAIN-1")

    assert await town.stored() == before


async def test_a_reused_message_id_with_other_content_is_parked(town: Town) -> None:
    await _send(town, "json")
    changed = record("04_discharge.json")
    changed["data"]["conditionText"] = "另一份内容"

    response = await town.post("hospital-his", "json-discharge", changed)

    assert response.json()["success"] == "AE"
    assert response.json()["data"]["issues"][0]["code"] == "IN-002"


async def _send(town: Town, shape: str, *, message_id: str = "") -> None:
    if shape == "v2":
        message = a03()
        if message_id:
            message = message.replace(b"A03202603120001", message_id.encode())
        assert b"MSA|CA|" in await town.mllp(message)
        return
    envelope = record("04_discharge.json")
    if message_id:
        envelope["msgId"] = message_id
    receipt = await town.accepted("hospital-his", "json-discharge", envelope)
    assert receipt["state"] == "stored", receipt


def _kinds(stored: dict[str, int]) -> Counter[str]:
    return Counter(key.split("/")[0] for key in stored)
