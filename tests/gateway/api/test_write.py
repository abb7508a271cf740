"""create, update and delete over HTTP: status codes, headers, what is sent back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness import BASE, World, codes, condition


async def _create(world: World, client: str = "centre-doctor", **headers: str) -> Any:
    return await world.fhir(client, "POST", "Condition", json=condition("elder"), headers=headers)


async def test_a_create_says_where_the_resource_is(world: World) -> None:
    response = await _create(world)

    made = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{BASE}/Condition/{made['id']}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    assert "last-modified" in response.headers


@pytest.mark.parametrize(
    ("wanted", "kind"), [("minimal", ""), ("representation", "Condition"), ("OperationOutcome", "OperationOutcome")]
)
async def test_a_client_says_what_comes_back(world: World, wanted: str, kind: str) -> None:
    response = await _create(world, Prefer=f"return={wanted}")

    assert response.status_code == 201
    assert (response.json()["resourceType"] if response.content else "") == kind


async def test_who_may_not_read_gets_no_representation(world: World) -> None:
    response = await world.fhir(
        "centre-doctor", "POST", "Condition", json=condition("elder"), scopes=("system/Condition.c",)
    )

    assert (response.status_code, response.content) == (201, b"")


async def test_an_update_makes_the_next_version(world: World) -> None:
    plan = await world.read("centre-doctor", "CarePlan/elder-plan")

    response = await world.fhir(
        "centre-doctor", "PUT", "CarePlan/elder-plan", json={**plan, "title": "x"}, headers={"If-Match": 'W/"1"'}
    )

    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    assert response.headers["location"] == f"{BASE}/CarePlan/elder-plan/_history/2"


@pytest.mark.parametrize(("tag", "status"), [('W/"7"', 412), ('W/"x"', 412), ("1", 400)])
async def test_an_update_against_another_version_is_refused(world: World, tag: str, status: int) -> None:
    plan = await world.read("centre-doctor", "CarePlan/elder-plan")

    response = await world.fhir("centre-doctor", "PUT", "CarePlan/elder-plan", json=plan, headers={"If-Match": tag})

    assert response.status_code == status


async def test_a_task_asks_for_if_match(world: World) -> None:
    task = await world.read("station-carer", "Task/elder-follow-up")

    blind = await world.fhir("station-carer", "PUT", "Task/elder-follow-up", json={**task, "status": "accepted"})
    seen = await world.fhir(
        "station-carer",
        "PUT",
        "Task/elder-follow-up",
        json={**task, "status": "accepted"},
        headers={"If-Match": 'W/"1"'},
    )

    assert (blind.status_code, codes(blind)) == (428, ["HUB-007"])
    assert seen.status_code == 200


async def test_touching_what_is_masked_is_forbidden(world: World) -> None:
    task = await world.read("station-carer", "Task/elder-follow-up")
    touched = {**task, "extension": [{"url": "http://example.org/x", "valueString": "x"}]}

    response = await world.fhir(
        "station-carer", "PUT", "Task/elder-follow-up", json=touched, headers={"If-Match": 'W/"1"'}
    )

    assert (response.status_code, codes(response)) == (403, ["SEC-405"])


async def test_a_delete_says_no_more_than_that(world: World) -> None:
    response = await world.fhir("centre-doctor", "DELETE", "CarePlan/elder-plan")
    again = await world.fhir("centre-doctor", "DELETE", "CarePlan/elder-plan")

    assert (response.status_code, response.content, response.headers["etag"]) == (204, b"", 'W/"2"')
    assert (again.status_code, again.headers["etag"]) == (204, 'W/"2"')


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since"])
async def test_a_condition_that_means_nothing_is_refused(world: World, header: str) -> None:
    response = await _create(world, **{header: "code=x"})

    assert (response.status_code, codes(response)) == (400, ["API-008"])


async def test_every_fault_of_a_resource_is_named(world: World) -> None:
    faulty = {**condition("elder"), "recordedDate": "2026-02-30", "unknown": 1}

    response = await world.fhir("centre-doctor", "POST", "Condition", json=faulty)

    places = {issue["expression"][0] for issue in response.json()["issue"]}
    assert response.status_code == 400
    assert {"Condition.recordedDate", "Condition.unknown"} <= places


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"resourceType":"Condition","id":"a","id":"b"}', 400, "FHIR-002"),
        (b"[" * 5000, 400, "FHIR-004"),
        ("赵".encode("gb18030"), 400, "FHIR-001"),
        (b'{"resourceType":"Patient"}', 400, "FHIR-005"),
        (b" " * (5 << 20), 413, "API-012"),
    ],
    ids=["duplicate-key", "too-deep", "not-utf-8", "other-kind", "too-large"],
)
async def test_an_unreadable_body_is_refused(world: World, body: bytes, status: int, code: str) -> None:
    response = await world.fhir(
        "centre-doctor", "POST", "Condition", content=body, headers={"Content-Type": "application/fhir+json"}
    )

    assert (response.status_code, codes(response)) == (status, [code])


async def test_a_body_without_announced_length_is_cut_off(world: World) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 65_536

    response = await world.fhir(
        "centre-doctor", "POST", "Condition", content=endless(), headers={"Content-Type": "application/fhir+json"}
    )

    assert (response.status_code, codes(response)) == (413, ["API-012"])


async def test_a_length_in_digits_of_another_alphabet_is_no_length(world: World) -> None:
    async def whole() -> Any:
        yield b"[]"

    headers = {b"Content-Type": b"application/fhir+json", b"Content-Length": b"\xb2"}  # a superscript two
    response = await world.fhir("centre-doctor", "POST", "Condition", content=whole(), headers=headers)

    assert (response.status_code, codes(response)) == (400, ["FHIR-001"])


async def test_a_reader_may_not_write(world: World) -> None:
    response = await _create(world, "centre-reader")

    assert (response.status_code, codes(response)) == (403, ["HUB-001"])
    assert 'scope="system/Condition.c"' in response.headers["www-authenticate"]


async def test_a_json_patch_makes_the_next_version(world: World) -> None:
    response = await world.fhir(
        "centre-doctor",
        "PATCH",
        "CarePlan/elder-plan",
        content=b'[{"op":"add","path":"/title","value":"x"}]',
        headers={"Content-Type": "application/json-patch+json", "If-Match": 'W/"1"', "Prefer": "return=representation"},
    )

    assert (response.status_code, response.headers["etag"], response.json()["title"]) == (200, 'W/"2"', "x")
    assert response.headers["location"] == f"{BASE}/CarePlan/elder-plan/_history/2"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"[]", {"Content-Type": "application/json"}, 415, "API-005"),
        (b"[]", {"Content-Type": "application/fhir+json"}, 400, "FHIR-001"),
        (b"[]", {"Content-Encoding": "gzip"}, 415, "API-005"),
        (b"{}", {}, 400, "FHIR-070"),
        (b'[{"op":"test","path":"/status","value":"draft"}]', {}, 422, "FHIR-072"),
        (b'[{"op":"add","path":"/title","value":"x"}]', {"If-Match": 'W/"7"'}, 412, "STO-412"),
        (b'[{"op":"remove","path":"/status"}]', {}, 400, "FHIR-011"),
    ],
)
async def test_a_patch_that_cannot_be_done_is_refused(
    world: World, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = await world.fhir(
        "centre-doctor",
        "PATCH",
        "CarePlan/elder-plan",
        content=body,
        headers={"Content-Type": "application/json-patch+json", **headers},
    )

    assert (response.status_code, codes(response)[0]) == (status, code)


async def test_a_fhirpath_patch_makes_the_next_version(world: World) -> None:
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "CarePlan.period.end"},
        {"name": "value", "valueDateTime": "2026-07-01"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}

    response = await world.fhir("centre-doctor", "PATCH", "CarePlan/elder-plan", json=patch)

    assert (response.status_code, response.json()["period"]["end"]) == (200, "2026-07-01")
