"""Conditional writes over HTTP: headers, criteria in the address, status codes and what is sent back."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.hub.own_ids import beginning
from tests.harness import BASE, CENTRE, World, codes, condition

CRITERIA = "identifier=urn:test%7C1"
OWN = f"{beginning(CENTRE)}first"


def _own(**more: Any) -> dict[str, Any]:
    doc = {**condition("elder"), "identifier": [{"system": "urn:test", "value": "1"}]}
    del doc["id"]
    return {**doc, **more}


async def _create(world: World, criteria: str = CRITERIA, **headers: str) -> Any:
    return await world.fhir(
        "centre-doctor", "POST", "Condition", json=_own(), headers={"If-None-Exist": criteria, **headers}
    )


@pytest.mark.parametrize("criteria", [CRITERIA, f"?{CRITERIA}", f"Condition?{CRITERIA}"])
async def test_a_create_that_meets_a_match_tells_it(world: World, criteria: str) -> None:
    first = await _create(world, criteria)
    again = await _create(world, criteria, Prefer="return=representation")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["location"] == first.headers["location"]
    assert (again.headers["etag"], again.json()["id"]) == ('W/"1"', first.json()["id"])


async def test_criteria_that_cannot_be_read_are_refused(world: World) -> None:
    empty = await _create(world, "")
    many = await _create(world, "&".join(["code=x"] * 300))
    unknown = await _create(world, "nothing=x")

    assert (empty.status_code, codes(empty)) == (400, ["HUB-040"])
    assert (many.status_code, codes(many)) == (400, ["API-007"])
    assert (unknown.status_code, codes(unknown)) == (400, ["FHIR-045"])


async def test_an_update_by_criteria_creates_and_then_updates(world: World) -> None:
    made = await world.fhir("centre-doctor", "PUT", f"Condition?{CRITERIA}", json=_own())
    next_ = await world.fhir("centre-doctor", "PUT", f"Condition?{CRITERIA}", json=_own(note=[{"text": "x"}]))
    other = await world.fhir("centre-doctor", "PUT", f"Condition?{CRITERIA}", json=_own(id="other"))

    id_ = made.json()["id"]
    assert (made.status_code, made.headers["location"]) == (201, f"{BASE}/Condition/{id_}/_history/1")
    assert (next_.status_code, next_.headers["location"]) == (200, f"{BASE}/Condition/{id_}/_history/2")
    assert (other.status_code, codes(other)) == (400, ["HUB-005"])


async def test_a_put_to_a_name_of_ones_own_creates_it(world: World) -> None:
    absent = {"If-None-Match": "*"}
    made = await world.fhir("centre-doctor", "PUT", f"Condition/{OWN}", json=_own(id=OWN), headers=absent)
    again = await world.fhir("centre-doctor", "PUT", f"Condition/{OWN}", json=_own(id=OWN), headers=absent)

    assert (made.status_code, made.headers["location"]) == (201, f"{BASE}/Condition/{OWN}/_history/1")
    assert (again.status_code, codes(again)) == (412, ["HUB-043"])


async def test_a_version_of_the_body_counts_for_nothing(world: World) -> None:
    meta = {"versionId": "7", "lastUpdated": "2001-01-01T00:00:00Z"}

    made = await world.fhir("centre-doctor", "PUT", f"Condition/{OWN}", json=_own(id=OWN, meta=meta))

    assert (made.headers["etag"], made.json()["meta"]["versionId"]) == ('W/"1"', "1")


@pytest.mark.parametrize(
    ("date", "status"), [("Sat, 01 Jan 2000 00:00:00 GMT", 412), ("Sat, 01 Jan 2050 00:00:00 GMT", 200), ("now", 400)]
)
async def test_an_update_may_demand_that_nothing_changed_since(world: World, date: str, status: int) -> None:
    plan = await world.read("centre-doctor", "CarePlan/elder-plan")

    response = await world.fhir(
        "centre-doctor", "PUT", "CarePlan/elder-plan", json=plan, headers={"If-Unmodified-Since": date}
    )

    assert response.status_code == status


async def test_a_patch_by_criteria(world: World) -> None:
    headers = {"Content-Type": "application/json-patch+json"}
    patch = b'[{"op":"add","path":"/note","value":[{"text":"x"}]}]'

    none = await world.fhir("centre-doctor", "PATCH", f"Condition?{CRITERIA}", content=patch, headers=headers)
    await _create(world)
    one = await world.fhir("centre-doctor", "PATCH", f"Condition?{CRITERIA}", content=patch, headers=headers)

    assert (none.status_code, one.status_code, one.headers["etag"]) == (404, 200, 'W/"2"')


async def test_a_delete_by_criteria(world: World) -> None:
    none = await world.fhir("centre-doctor", "DELETE", f"Condition?{CRITERIA}")
    for _ in range(2):
        await world.fhir("centre-doctor", "POST", "Condition", json=_own())
    two = await world.fhir("centre-doctor", "DELETE", f"Condition?{CRITERIA}")
    allowed = await world.fhir("centre-doctor", "DELETE", f"Condition?{CRITERIA}&_count=2")
    odd = await world.fhir("centre-doctor", "DELETE", f"Condition?{CRITERIA}&_count=0")

    assert (none.status_code, none.content) == (204, b"")
    assert (two.status_code, codes(two)) == (412, ["HUB-042"])
    assert (allowed.status_code, "etag" in allowed.headers) == (204, False)
    assert (odd.status_code, codes(odd)) == (400, ["API-008"])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_write_of_a_kind_without_criteria_is_refused(world: World, method: str) -> None:
    content = b"[]" if method == "PATCH" else b""
    options: dict[str, Any] = {"json": _own()} if method == "PUT" else {"content": content}
    headers = {"Content-Type": "application/json-patch+json"} if method == "PATCH" else {}

    response = await world.fhir("centre-doctor", method, "Condition", headers=headers, **options)

    assert (response.status_code, codes(response)) == (400, ["HUB-040"])
