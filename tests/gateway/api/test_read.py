"""read, vread and history over HTTP: status codes, headers, conditions."""

from __future__ import annotations

import json

import pytest

from tests.harness import World, codes


async def test_a_read_names_version_and_time(world: World) -> None:
    response = await world.fhir("centre-doctor", "GET", "Patient/elder")

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"] == "Thu, 12 Mar 2026 04:00:00 GMT"
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["meta"]["versionId"] == "1"


async def test_denied_and_absent_cannot_be_told_apart(world: World) -> None:
    denied = await world.fhir("station-carer", "GET", "Patient/stranger")
    absent = await world.fhir("station-carer", "GET", "Patient/nobody")

    assert denied.status_code == absent.status_code == 404
    assert denied.content == absent.content
    assert denied.headers.keys() == absent.headers.keys()


async def test_what_the_client_has_is_not_sent_again(world: World) -> None:
    tag = {"If-None-Match": 'W/"1"'}

    known = await world.fhir("centre-doctor", "GET", "Condition/elder-diagnosis", headers=tag)
    other = await world.fhir("centre-doctor", "GET", "Condition/elder-diagnosis", headers={"If-None-Match": 'W/"2"'})
    denied = await world.fhir("centre-doctor", "GET", "Condition/stranger-diagnosis", headers=tag)

    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", 'W/"1"')
    assert other.status_code == 200
    assert denied.status_code == 404


async def test_a_masked_view_is_always_sent(world: World) -> None:
    response = await world.fhir("station-carer", "GET", "Patient/elder", headers={"If-None-Match": 'W/"1"'})

    assert response.status_code == 200


async def test_head_is_a_get_without_its_body(world: World) -> None:
    response = await world.fhir("centre-doctor", "HEAD", "Patient/elder")

    assert (response.status_code, response.content, response.headers["etag"]) == (200, b"", 'W/"1"')
    assert len(await world.entries(agent="centre-doctor", entity="Patient/elder")) == 1


@pytest.mark.parametrize("path", ["Patient/elder?_sort=_id", "Patient/elder?x=1", "Patient/elder/_history/1?name=x"])
async def test_a_parameter_that_would_change_the_answer_is_refused(world: World, path: str) -> None:
    response = await world.fhir("centre-doctor", "GET", path)

    assert (response.status_code, codes(response)) == (400, ["API-008"])


@pytest.mark.parametrize("path", ["Nothing/x", "Patient/a b", "Patient/elder/_history/x", "Patient/elder/unknown/x"])
async def test_what_is_no_address_is_not_found(world: World, path: str) -> None:
    response = await world.fhir("centre-doctor", "GET", path)

    assert (response.status_code, codes(response)) == (404, ["API-002"])


async def test_a_past_version_is_read_by_its_number(world: World) -> None:
    plan = await world.read("centre-doctor", "CarePlan/elder-plan")
    await world.fhir("centre-doctor", "PUT", "CarePlan/elder-plan", json={**plan, "title": "第二版"})

    first = await world.fhir("centre-doctor", "GET", "CarePlan/elder-plan/_history/1")
    second = await world.fhir("centre-doctor", "GET", "CarePlan/elder-plan/_history/2")
    third = await world.fhir("centre-doctor", "GET", "CarePlan/elder-plan/_history/3")

    assert "title" not in first.json()
    assert second.json()["title"] == "第二版"
    assert (third.status_code, codes(third)) == (404, ["SEC-404"])


async def test_a_history_tells_what_was_done(world: World) -> None:
    plan = await world.read("centre-doctor", "CarePlan/elder-plan")
    await world.fhir("centre-doctor", "PUT", "CarePlan/elder-plan", json={**plan, "title": "第二版"})
    await world.fhir("centre-doctor", "DELETE", "CarePlan/elder-plan")

    response = await world.fhir("centre-doctor", "GET", "CarePlan/elder-plan/_history?_count=2")

    bundle = response.json()
    assert (bundle["type"], bundle["total"]) == ("history", 3)
    assert [entry["request"]["method"] for entry in bundle["entry"]] == ["DELETE", "PUT"]
    assert "resource" not in bundle["entry"][0]
    assert bundle["entry"][1]["response"]["etag"] == 'W/"2"'
    following = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
    rest = await world.fhir("centre-doctor", "GET", following.partition("/fhir/")[2])
    assert [entry["request"]["method"] for entry in rest.json()["entry"]] == ["POST"]


async def test_a_deleted_resource_is_gone(world: World) -> None:
    await world.fhir("centre-doctor", "DELETE", "CarePlan/elder-plan")

    response = await world.fhir("centre-doctor", "GET", "CarePlan/elder-plan")

    assert (response.status_code, codes(response)) == (410, ["STO-410"])


async def test_the_auditor_reads_an_entry_as_audit_event(world: World) -> None:
    await world.read("centre-doctor", "Patient/elder")
    await world.entries()

    found = await world.fhir("auditor", "GET", "AuditEvent?patient=elder&action=read")
    event = await world.read("auditor", f"AuditEvent/{found.json()['entry'][0]['resource']['id']}")

    assert event["agent"][0]["who"]["identifier"]["value"] == "centre-doctor"
    assert "赵桂兰" not in json.dumps(event, ensure_ascii=False)


@pytest.mark.parametrize("client", ["centre-doctor", "station-carer"])
@pytest.mark.parametrize("ask", ["_summary=true", "_summary=data", "_summary=text", "_elements=gender,identifier"])
async def test_a_part_is_a_part_of_what_its_reader_sees(world: World, client: str, ask: str) -> None:
    whole = (await world.fhir(client, "GET", "Patient/elder")).json()
    part = (await world.fhir(client, "GET", f"Patient/elder?{ask}")).json()
    past = (await world.fhir(client, "GET", f"Patient/elder/_history/1?{ask}")).json()
    listed = (await world.fhir(client, "GET", f"Patient/elder/_history?{ask}")).json()

    assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert {name: whole[name] for name in part if name != "meta"} == {n: v for n, v in part.items() if n != "meta"}
    assert part == past == listed["entry"][0]["resource"]


@pytest.mark.parametrize(
    "ask", ["_summary=count", "_summary=much", "_elements=nothing", "_elements=name&_summary=true"]
)
async def test_a_part_that_there_is_not_is_refused_and_noted(world: World, ask: str) -> None:
    before = len(await world.entries())

    response = await world.fhir("centre-doctor", "GET", f"Patient/elder?{ask}")

    assert (response.status_code, codes(response)) == (400, ["FHIR-042"])
    assert len(await world.entries()) == before + 1


async def test_a_history_is_counted_alone(world: World) -> None:
    bundle = (await world.fhir("centre-doctor", "GET", "Patient/elder/_history?_summary=count")).json()

    assert (bundle["total"], "entry" in bundle) == (1, False)


async def test_a_past_version_that_the_client_has_is_not_sent_again(world: World) -> None:
    tag = {"If-None-Match": 'W/"1"'}

    known = await world.fhir("centre-doctor", "GET", "Condition/elder-diagnosis/_history/1", headers=tag)

    assert (known.status_code, known.content) == (304, b"")


@pytest.mark.parametrize(
    ("ask", "versions"),
    [
        ("_since=2026-03-12T05:00:00Z", ["3", "2"]),
        ("_since=2026-03-12T13:00:00.001%2B08:00", ["3"]),
        ("_since=2030-01-01T00:00:00Z", []),
        ("_at=2026-03-12T05:30:00Z", ["2"]),
        ("_at=2026-03-12T04:30:00Z", ["1"]),
        ("_at=2026-03-12", ["3", "2", "1"]),
        ("_at=2020", []),
        ("_at=2030", ["3"]),
        ("_since=2026-03-12T05:00:00Z&_at=2026-03-12T05:30:00Z", ["2"]),
        ("_since=2026-03-12T05:00:00Z&_count=1", ["3"]),
    ],
)
async def test_a_history_is_asked_for_a_time(world: World, ask: str, versions: list[str]) -> None:
    for title in ("第二版", "第三版"):
        plan = await world.read("centre-doctor", "CarePlan/elder-plan")
        world.clock.forward(hours=1)
        await world.fhir("centre-doctor", "PUT", "CarePlan/elder-plan", json={**plan, "title": title})

    response = await world.fhir("centre-doctor", "GET", f"CarePlan/elder-plan/_history?{ask}")

    assert [entry["resource"]["meta"]["versionId"] for entry in response.json().get("entry", [])] == versions


@pytest.mark.parametrize(
    "ask",
    ["_since=1948-13-40", "_since=2026-03-12", "_since=", "_at=yesterday", "_at=2026&_at=2027", "_count=1&_count=2"],
)
async def test_a_time_that_is_none_is_refused(world: World, ask: str) -> None:
    response = await world.fhir("centre-doctor", "GET", f"CarePlan/elder-plan/_history?{ask}")

    assert (response.status_code, codes(response)) == (400, ["HUB-006"])
