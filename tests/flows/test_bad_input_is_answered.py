"""What bad input gets: AE is kept and replayable, AR is refused, audited and not kept; nothing is guessed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.flows.town import CENTRE, ELDER_CARD, Doc, Town, a03, discharge, record

Change = dict[str, Any]
PARKED: dict[str, tuple[str, Change]] = {
    "missing discharge time": ("encounter", {"dischargeTime": ""}),
    "impossible date": ("encounter", {"dischargeTime": "20260231160000"}),
    "discharge before admission": ("encounter", {"dischargeTime": "20260228160000"}),
    "unknown 离院方式": ("encounter", {"dischargeWayCode": "8"}),
    "离院方式 3 without receiver": ("encounter", {"receivingOrgCode": ""}),
    "receiver that is not registered": ("encounter", {"receivingOrgCode": "12410100MB0000006A"}),
    "wrong check digit": ("patient", {"idCardNo": "410199194303051028"}),
    "unknown sex": ("patient", {"sexCode": "7"}),
    "unknown patient type": ("encounter", {"admTypeCode": "8"}),
}


@pytest.mark.parametrize("fault", PARKED)
async def test_a_record_with_a_fault_is_kept_parked_and_named(town: Town, fault: str) -> None:
    part, change = PARKED[fault]
    message = discharge()
    message["data"][part].update(change)

    response = await town.post("hospital-his", "json-discharge", message)

    answer = response.json()
    assert (response.status_code, answer["success"], answer["data"]["state"]) == (200, "AE", "parked")
    issue = next(issue for issue in answer["data"]["issues"] if issue["severity"] == "error")
    assert issue["field"].startswith(f"data.{part}.")
    assert issue["text"]["zh"]
    assert issue["text"]["en"]
    assert ELDER_CARD not in response.text
    assert "41019919430305102" not in response.text
    assert [row.state for row in await _inbox(town, message)] == ["parked"]
    assert not any(key.startswith("Encounter/") for key in await town.stored())


async def test_all_faults_of_a_record_are_told_at_once(town: Town) -> None:
    message = discharge(dischargeTime="", dischargeWayCode="8", admTypeCode="8")

    response = await town.post("hospital-his", "json-discharge", message)

    fields = {issue["field"] for issue in response.json()["data"]["issues"] if issue["severity"] == "error"}
    assert {"data.encounter.dischargeTime", "data.encounter.dischargeWayCode", "data.encounter.admTypeCode"} <= fields


async def test_an_assessment_whose_declared_sum_differs_is_parked(town: Town) -> None:
    message = record("07_ability_assessment.json")
    message["data"]["total"] = 58

    response = await town.post("centre-doctor", "assessment", message)

    assert response.json()["success"] == "AE"
    assert "MAP-031" in {issue["code"] for issue in response.json()["data"]["issues"]}


async def test_an_unknown_code_that_decides_nothing_is_kept_as_text(town: Town) -> None:
    message = discharge()
    message["data"]["patient"]["maritalCode"] = "77"

    response = await town.post("hospital-his", "json-discharge", message)

    answer = response.json()
    assert answer["success"] == "AA"
    assert "warning" in {issue["severity"] for issue in answer["data"]["issues"]}


REFUSED: dict[str, bytes] = {
    "not UTF-8": json.dumps(record("04_discharge.json"), ensure_ascii=False).encode("gb18030"),
    "nested 5,000 deep": b'{"msgId":"X","data":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "duplicate keys": b'{"msgId":"X","msgId":"Y","data":{}}',
    "no JSON": b"MSH|^~\\&|HIS",
    "5 MiB": b'{"msgId":"X","data":"' + b"a" * (5 * 1024 * 1024) + b'"}',
}


@pytest.mark.parametrize("fault", REFUSED)
async def test_what_cannot_be_read_is_refused_audited_and_not_kept(town: Town, fault: str) -> None:
    response = await town.post("hospital-his", "json-discharge", REFUSED[fault])

    assert 400 <= response.status_code < 500
    assert response.json()["success"] == "AR"
    rows, _ = await town.app.rooms.inbox.page(state="", limit=10, cursor="")
    assert list(rows) == []
    events = await town.search("auditor", "AuditEvent", _count="50")
    assert any("json-discharge" in json.dumps(event) and event["outcome"] != "0" for event in events)


async def test_an_unknown_sender_is_refused_over_mllp(town: Town) -> None:
    answer = await town.mllp(a03().replace(b"MSH|^~\\&|HIS|", b"MSH|^~\\&|NOBODY|"))

    assert b"MSA|CR|" in answer
    assert b"\rERR|" in answer
    assert await town.stored() == {}


async def test_bytes_that_are_not_what_msh_18_says_are_refused(town: Town) -> None:
    message = a03().decode().encode("gb18030")

    answer = await town.mllp(message)

    assert b"MSA|CR|" in answer


async def test_gb18030_is_read_when_msh_18_is_empty(town: Town) -> None:
    message = a03().decode().replace("|UNICODE UTF-8|", "||").encode("gb18030")

    answer = await town.mllp(message)

    assert b"MSA|CA|" in answer
    await town.accepted("hospital-his", "sharing-consent", record("16_sharing_consent.json"))
    patient = (await town.of_elder("centre-doctor", "Patient"))[0]
    assert patient["name"][0]["text"] == "王示兰"


async def test_original_mode_answers_aa_and_not_ca(town: Town) -> None:
    answer = await town.mllp(a03().replace(b"|AL|NE|CHN|", b"|||CHN|"))

    assert b"MSA|AA|A03202603120001" in answer


async def test_a_truncated_frame_gets_no_reply_but_an_entry(town: Town) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", town.app.mllp_port)
    writer.write(b"\x0b" + a03()[:200])
    writer.write_eof()

    answer = await asyncio.wait_for(reader.read(), 5)

    writer.close()
    events = await town.search("auditor", "AuditEvent", _count="50")
    assert answer == b""
    assert any("MLLP" in json.dumps(event) for event in events)


async def test_a_hidden_fault_of_v2_is_told_in_an_err_segment(town: Town) -> None:
    answer = await town.mllp(a03().replace(b"|20260312160000\rPV2", b"|20260231160000\rPV2"))

    assert b"MSA|CE|" in answer
    assert b"PV1" in answer.split(b"\rERR|")[1]


async def test_a_station_cannot_reach_another_chains_elder_by_a_chain(town: Town) -> None:
    await town.until_care_plan()

    found = await town.search("other-station-carer", "CarePlan", patient__identifier=f"|{ELDER_CARD}")

    assert found == []


async def test_a_token_of_another_audience_is_refused(town: Town) -> None:
    response = await town.http.post("/oauth/token", data=town.form("station-doctor", aud="https://elsewhere.example"))

    assert response.status_code in (400, 401)
    assert response.json()["error"] == "invalid_client"


async def test_an_expired_assertion_is_refused(town: Town) -> None:
    moment = int(town.clock().timestamp())

    response = await town.http.post("/oauth/token", data=town.form("station-doctor", exp=moment - 600))

    assert response.status_code in (400, 401)


async def test_a_replayed_assertion_is_refused(town: Town) -> None:
    form = town.form("station-doctor")
    first = await town.http.post("/oauth/token", data=form)

    second = await town.http.post("/oauth/token", data=form)

    assert (first.status_code, second.status_code) == (200, 401)


async def test_a_request_without_a_token_is_refused_and_audited(town: Town) -> None:
    response = await town.http.get("/fhir/Patient/1")

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    events = await town.search("auditor", "AuditEvent", _count="50")
    assert any("SEC-401" in json.dumps(event) for event in events)


async def test_a_parked_record_does_not_block_another_elder(town: Town) -> None:
    await town.post("hospital-his", "json-discharge", discharge(dischargeTime=""))
    other = discharge(receivingOrgCode=CENTRE, inpatNo="ZY20260305099")
    other["data"]["patient"] |= {
        "idCardNo": "410199195001010021",
        "patId": "P0008899",
        "name": "李示芳",
        "birthDate": "1950-01-01",
    }

    receipt = await town.accepted("hospital-his", "json-discharge", other)

    assert receipt["state"] == "stored", receipt


async def test_an_elder_without_identity_card_is_created_and_queued_for_review(town: Town) -> None:
    message = discharge()
    message["data"]["patient"] |= {"idCardType": "", "idCardNo": ""}

    receipt = await town.accepted("hospital-his", "json-discharge", message)

    assert receipt["state"] == "stored", receipt
    assert sum(key.startswith("Task/") for key in await town.stored()) == 3


async def _inbox(town: Town, message: Doc) -> list[Any]:
    return list(await town.app.rooms.inbox.find("hospital-his", message["msgId"]))


async def test_who_may_not_post_to_a_feed_is_turned_away_and_noted(town: Town) -> None:
    response = await town.post("centre-doctor", "json-discharge", record("04_discharge.json"))

    events = await town.search("auditor", "AuditEvent", _count="20")
    assert response.status_code == 403
    assert any("intake/json-discharge" in json.dumps(event) and event["outcome"] == "8" for event in events)
