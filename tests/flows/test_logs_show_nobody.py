"""The whole story with canaries in it, everything logged: no line of the log shows one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from uuid import uuid4

import pytest

from gateway.watch import lines
from tests.flows.reading import found
from tests.flows.test_nothing_is_readable_at_rest import NEEDLES
from tests.flows.town import CARD, ELDER_CARD, Town, a03, discharge, record
from tests.watched_log import out

WORD = "canarie"
PHONE, OTHER_CARD = "13899990000", "110101195001011230"
__all__ = ["out"]


@pytest.fixture
def said(out: io.BytesIO) -> Callable[[], str]:
    """Give the log so far, each line taken apart, so that no escape hides a word."""
    return lambda: "\n".join(
        json.dumps(json.loads(line), ensure_ascii=False) for line in out.getvalue().decode().splitlines()
    )


async def _the_whole_story(town: Town) -> list[str]:
    """Play it, then everything that a hostile or clumsy client might do; return what may not appear."""
    await town.until_care_plan()
    await town.mllp(a03())
    await town.mllp(a03().replace(b"|20260312160000\rPV2", b"|20260231160000\rPV2"))
    await town.mllp(b"MSH|^~\\&|" + WORD.encode() + b"|" + PHONE.encode() + b"\r")
    bad = discharge()
    bad["msgId"] = f"{WORD}-{OTHER_CARD}"
    bad["data"]["patient"]["name"] = f"{WORD}名"
    await town.post("hospital-his", "json-discharge", bad)
    await town.post("hospital-his", f"{WORD}-feed", record("04_discharge.json"))
    await town.post("hospital-his", "json-discharge", f'{{"{WORD}": '.encode())
    for client in ("centre-doctor", "other-station-carer"):
        await town.fhir(client, "GET", f"Patient?identifier={CARD}|{ELDER_CARD}&name={WORD}")
        await town.fhir(client, "GET", f"Patient?_id={WORD}&phone={PHONE}")
        await town.fhir(client, "GET", f"Patient/{WORD}-{PHONE}")
        await town.fhir(client, "GET", f"{WORD}/{OTHER_CARD}")
        await town.fhir(client, "POST", "Patient/_search", data={"family": WORD, "identifier": OTHER_CARD})
        await town.fhir(client, "PUT", f"Patient/{uuid4()}", json={"resourceType": "Patient", WORD: PHONE})
        await town.fhir(client, "GET", "Patient", headers={"X-Request-Id": PHONE})
        await town.fhir(client, WORD.upper(), "Patient")
    await town.http.get(f"/{WORD}/{OTHER_CARD}?q={PHONE}")
    await town.http.get("/fhir/Patient", headers={"Authorization": f"Bearer {WORD}.{PHONE}.{OTHER_CARD}"})
    form = town.form("centre-doctor", jti=f"{WORD}-{PHONE}")
    await town.http.post("/oauth/token", data=form)
    await town.http.post("/oauth/token", data={**form, "client_id": WORD, "scope": f"system/{WORD}.r"})
    await town.quiet()
    tokens = [await town.token(client) for client in ("centre-doctor", "hospital-his")]
    return [*tokens, form["client_assertion"]]


async def test_no_line_shows_a_name_a_number_a_token_or_a_query_value(
    town: Town, said: Callable[[], str], tell: Callable[[str], None]
) -> None:
    secrets = await _the_whole_story(town)

    log = said()
    planted = (WORD, PHONE, OTHER_CARD, *secrets)
    assert [needle for needle in planted if needle.lower() in log.lower()] == []
    assert found(log.encode(), NEEDLES) == []
    told = [json.loads(line)["event"] for line in log.splitlines()]
    assert {"http.request", "mllp.message", "message.settled"} <= set(told)
    assert {"unnamed"} & set(told) == set()
    tell(f"log canaries: {len(told)} lines, {len(planted) + len(NEEDLES)} needles, 0 found")


async def test_a_fault_in_the_middle_of_it_shows_none_either(
    town: Town, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ValueError(f"cannot read {ELDER_CARD} {PHONE} {WORD}")

    await town.until_care_plan()
    monkeypatch.setattr(town.app.rooms.store, "read", broken)
    monkeypatch.setattr(town.app.rooms.store, "read_many", broken)
    answer = await town.fhir("centre-doctor", "GET", f"Patient/{uuid4()}")
    await town.app.pipeline.stop()  # or its own task claims the message, and tells of it after this test has looked
    await town.post("hospital-his", "json-discharge", discharge())
    await town.app.pipeline.drain()

    log = said()
    assert answer.status_code == 500
    assert [needle for needle in (ELDER_CARD, PHONE, WORD) if needle in log] == []
    faults = {json.loads(line)["event"] for line in log.splitlines() if '"error": "ValueError"' in line}
    assert {"http.fault", "pipeline.fault"} <= faults


async def test_a_request_is_told_by_route_client_and_the_id_that_its_answer_bears(
    town: Town, said: Callable[[], str]
) -> None:
    answer = await town.fhir("centre-doctor", "GET", f"Patient/{uuid4()}")

    line = next(json.loads(row) for row in said().splitlines() if answer.headers["x-request-id"] in row)
    assert (line["event"], line["method"], line["status"]) == ("http.request", "GET", 404)
    assert (line["client"], line["role"]) == ("centre-doctor", "centre-doctor")
    assert line["route"].startswith("/fhir/{")
    assert line["ms"] > 0
    assert line["actor"].startswith("h:")


async def test_the_level_of_the_installation_is_the_level_of_its_lines(town: Town, out: io.BytesIO) -> None:
    lines.configure(form="json", level="warning", out=out)

    await town.fhir("centre-doctor", "GET", "Task")

    assert out.getvalue() == b""
