"""A centre's record that comes before the centre may hand it in: told so at once, kept, and stored when it may."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from gateway.store.arrivals import InboxRow
from security.state import MllpSender
from tests.flows.town import CENTRE, HOSPITAL, Town, a03, consent, discharge, record

Doc = dict[str, Any]


def _assessment() -> Doc:
    return {**record("07_ability_assessment.json"), "msgId": f"A-{uuid4()}"}


def _consent(status: str, signed: str) -> Doc:
    return consent(status=status, signedTime=f"2026-03-{signed}+08:00")


async def _referred(town: Town) -> Doc:
    """Have the elder discharged to the centre; return the referral's Task, which the centre has not accepted."""
    await town.accepted("hospital-his", "sharing-consent", consent())
    await town.accepted("hospital-his", "json-discharge", record("04_discharge.json"))
    task = await town.task("centre-doctor", "referral")
    assert task is not None
    return task


async def _row(town: Town, message_id: str) -> InboxRow:
    (row,) = await town.app.rooms.inbox.find("centre-doctor", message_id)
    return row


async def test_it_is_answered_ae_with_the_way_on_and_stored_by_a_replay_once_the_referral_is_accepted(
    town: Town,
) -> None:
    task, early = await _referred(town), _assessment()

    told = (await town.post("centre-doctor", "assessment", early)).json()
    receipt = await town.settled("centre-doctor", "assessment", early["msgId"])
    await town.move("centre-doctor", task, "accepted")
    replayed = await town.app.rooms.inbox.replay((await _row(town, early["msgId"])).arrival)
    after = await town.settled("centre-doctor", "assessment", early["msgId"])

    assert (told["success"], told["data"]["state"]) == ("AE", "parked")
    assert [issue["code"] for issue in told["data"]["issues"]] == ["IN-012"]
    assert "先接收转诊" in told["data"]["issues"][0]["text"]["zh"]
    assert "accepts the referral first" in told["data"]["issues"][0]["text"]["en"]
    assert (receipt["state"], "接收转诊" in receipt["next"]["zh"]) == ("parked", True)
    assert "accepted the referral" in receipt["next"]["en"]
    assert replayed
    assert after["state"] == "stored"


async def test_sent_again_under_a_new_id_after_the_acceptance_it_is_taken(town: Town) -> None:
    task = await _referred(town)
    await town.post("centre-doctor", "assessment", _assessment())
    await town.move("centre-doctor", task, "accepted")

    receipt = await town.accepted("centre-doctor", "assessment", _assessment())

    assert receipt["state"] == "stored"


async def test_an_elder_whom_nobody_knows_is_answered_alike(town: Town) -> None:
    stranger = _assessment()
    unknown = (await town.post("centre-doctor", "assessment", stranger)).json()
    await _referred(town)
    known = (await town.post("centre-doctor", "assessment", _assessment())).json()

    assert unknown["data"]["issues"] == known["data"]["issues"]
    assert (unknown["success"], unknown["msg"]) == (known["success"], known["msg"])


async def test_over_mllp_it_is_answered_ce_with_the_same_problem(town: Town) -> None:
    await _referred(town)
    await town.app.rooms.registry.add_sender(MllpSender("centre-cis", CENTRE, "adt-a03", "CIS", CENTRE, "127.0.0.0/8"))
    message = a03().replace(f"|HIS|{HOSPITAL}|".encode(), f"|CIS|{CENTRE}|".encode(), 1)

    answer = (await town.mllp(message)).decode()
    (row,) = await town.app.rooms.inbox.find("mllp:centre-cis", "A03202603120001")

    assert "MSA|CE|A03202603120001" in answer
    assert "IN-012" in answer
    assert (row.state, row.reason) == ("parked", "IN-012")


@pytest.mark.parametrize(("last", "state"), [("1", "stored"), ("2", "parked")], ids=["brings the right", "brings none"])
async def test_behind_a_message_of_the_elder_that_is_not_stored_yet_it_is_the_commit_that_decides(
    town: Town, last: str, state: str
) -> None:
    task = await _referred(town)
    await town.move("centre-doctor", task, "accepted")
    await town.accepted("hospital-his", "sharing-consent", _consent("2", "13T09:00:00"))
    assert (await town.post("centre-doctor", "assessment", _assessment())).json()["success"] == "AE"
    await town.app.pipeline.stop()
    waiting = await town.post("hospital-his", "sharing-consent", _consent(last, "14T09:00:00"))
    assert waiting.json()["success"] == "AA"
    behind = _assessment()

    told = await town.post("centre-doctor", "assessment", behind)
    receipt = await town.settled("centre-doctor", "assessment", behind["msgId"])

    assert told.json()["success"] == "AA"
    assert receipt["state"] == state
    assert [issue["code"] for issue in receipt["issues"]] == ([] if state == "stored" else ["IN-012"])


async def test_a_hospital_s_record_needs_no_relation(town: Town) -> None:
    receipt = await town.accepted("hospital-his", "json-discharge", discharge())

    assert receipt["state"] == "stored"
