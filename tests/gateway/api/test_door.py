"""The door itself: strangers, addresses, languages, ids, faults, discovery, health."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.harness import BASE, ELDER_CARD, URL, World, codes

CALLS = [
    ("GET", "Patient/elder"), ("PUT", "Patient/elder"), ("DELETE", "Patient/elder"), ("GET", "Patient"),
    ("POST", "Patient"), ("POST", "Patient/_search"), ("GET", "Patient/elder/_history"),
    ("GET", "Patient/elder/_history/1"), ("POST", "Patient/$validate"), ("POST", "Patient/elder/$validate"),
    ("POST", ""), ("GET", "Nothing/x"),
]  # fmt: skip


async def test_no_interaction_is_open_to_a_stranger(world: World) -> None:
    for method, path in CALLS:
        response = await world.http.request(method, f"/fhir/{path}" if path else "/fhir")

        assert (response.status_code, codes(response)) == (401, ["SEC-401"]), (method, path)
        assert response.headers["www-authenticate"] == 'Bearer realm="fhir"'
    refused = [entry for entry in await world.entries() if entry.reasons == ("SEC-401",)]
    assert [entry.interface for entry in refused][:2] == ["GET /fhir/{kind}/{id}", "PUT /fhir/{kind}/{id}"]
    assert len(refused) == len(CALLS)
    assert {entry.address for entry in refused} == {"10.0.0.7"}


async def test_a_bad_token_is_told_from_none(world: World) -> None:
    response = await world.http.get("/fhir/Patient/elder", headers={"Authorization": "Bearer abc"})

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="fhir", error="invalid_token"'


async def test_an_expired_token_is_refused(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token('centre-doctor')}"}
    world.clock.forward(seconds=301)
    await world.registry.refresh()

    response = await world.http.get("/fhir/Patient/elder", headers=headers)

    assert response.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PURGE", "/fhir/Patient/elder", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("PURGE", "/fhir/Patient", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("PUT", "/fhir", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/fhir/Patient", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
    ],
)
async def test_a_method_that_is_not_built_is_refused(world: World, method: str, path: str, allowed: set[str]) -> None:
    response = await world.http.request(method, path)

    assert (response.status_code, codes(response)) == (405, ["API-003"])
    assert set(response.headers["allow"].split(", ")) == allowed


async def test_an_address_that_leads_nowhere_is_not_kept(world: World) -> None:
    response = await world.http.get(f"/{ELDER_CARD}")

    assert (response.status_code, codes(response)) == (404, ["API-002"])
    assert ELDER_CARD not in repr(await world.entries())


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [({"Accept": "text/html"}, 406, "API-004"), ({"Accept": "application/fhir+json;q=0"}, 406, "API-004")],
)
async def test_what_is_not_served_is_not_acceptable(
    world: World, headers: dict[str, str], status: int, code: str
) -> None:
    response = await world.fhir("centre-doctor", "GET", "Patient/elder", headers=headers)

    assert (response.status_code, codes(response)) == (status, [code])


@pytest.mark.parametrize(
    ("accept", "language", "text", "other"),
    [("en", "en", "no such resource", "没有这个资源"), ("zh-CN", "zh-CN", "没有这个资源", "no such resource")],
)
async def test_a_problem_is_told_in_both_languages(
    world: World, accept: str, language: str, text: str, other: str
) -> None:
    response = await world.fhir("centre-doctor", "GET", "Patient/nobody", headers={"Accept-Language": accept})

    details = response.json()["issue"][0]["details"]
    assert response.headers["content-language"] == language
    assert details["text"] == text
    assert details["_text"]["extension"][0]["extension"][1]["valueString"] == other


async def test_the_request_id_is_in_the_answer_and_in_the_journal(world: World) -> None:
    named = await world.fhir("centre-doctor", "GET", "Patient/elder", headers={"X-Request-Id": "visit-7"})
    drawn = await world.fhir("centre-doctor", "GET", "Patient/elder", headers={"X-Request-Id": "not a word"})

    requests = [entry.request for entry in await world.entries(entity="Patient/elder")]
    assert named.headers["x-request-id"] == "visit-7"
    assert requests == ["visit-7", drawn.headers["x-request-id"]]


async def test_every_answer_is_kept_from_caches_and_frames(world: World) -> None:
    for path in ("/fhir/Patient/elder", "/nowhere", "/health"):
        response = await world.http.get(path)

        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


async def test_a_fault_is_bare_outside_and_nameless_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise ValueError(f"cannot handle {ELDER_CARD}")

    monkeypatch.setattr(world.store, "read", broken)
    with caplog.at_level(logging.ERROR):
        response = await world.fhir("centre-doctor", "GET", "Patient/elder", headers={"X-Request-Id": "visit-7"})

    assert (response.status_code, codes(response)) == (500, ["API-006"])
    assert "visit-7" in response.text
    assert ELDER_CARD not in response.text + caplog.text
    (told,) = [vars(record) for record in caplog.records if record.msg == "http.fault"]
    assert (told["request_id"], told["error"]) == ("visit-7", "ValueError")
    assert told["at"].startswith("test_door.py:")
    (entry,) = await world.entries(agent="centre-doctor")
    assert (entry.outcome, entry.reasons) == (12, ("ValueError",))


async def test_what_the_server_can_do_is_public(world: World) -> None:
    response = await world.http.get("/fhir/metadata")

    statement = response.json()
    rest = statement["rest"][0]
    plan = next(row for row in rest["resource"] if row["type"] == "CarePlan")
    assert (statement["fhirVersion"], statement["implementation"]["url"]) == ("4.0.1", BASE)
    assert {"name": "patient", "type": "reference"} in plan["searchParam"]
    assert "CarePlan:subject" in plan["searchInclude"]
    assert "Task:based-on" in plan["searchRevInclude"]
    assert "_filter" not in response.text
    assert response.headers["cache-control"] == "public, max-age=300"


async def test_what_the_server_says_of_itself_is_valid(world: World) -> None:
    statement = (await world.http.get("/fhir/metadata")).json()

    response = await world.fhir("centre-doctor", "POST", "CapabilityStatement/$validate", json=statement)

    assert codes(response) == ["API-010"]


async def test_smart_discovery_is_found_at_both_places(world: World) -> None:
    below = await world.http.get("/fhir/.well-known/smart-configuration")
    root = await world.http.get("/.well-known/smart-configuration")

    assert below.json() == root.json()
    assert below.json()["token_endpoint"] == f"{URL}/oauth/token"


async def test_the_token_endpoint_answers_in_its_own_shape(world: World) -> None:
    response = await world.http.post("/oauth/token", data={"grant_type": "password"})

    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")


async def test_health_tells_whether_the_rooms_answer(world: World) -> None:
    alive, ready = await world.http.get("/health"), await world.http.get("/ready")

    assert (alive.json(), ready.json()) == ({"status": "ok"}, {"status": "ready"})
