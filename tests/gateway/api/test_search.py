"""search over HTTP: both methods, links, what is refused and what is reported."""

from __future__ import annotations

import pytest

from tests.harness import BASE, CARD, ELDER_CARD, HOSPITAL, World, codes, condition, matches

CHAIN = {"patient.identifier": f"{CARD}|{ELDER_CARD}"}


async def test_both_methods_find_the_same(world: World) -> None:
    by_get = await world.fhir("station-carer", "GET", "CarePlan", params=CHAIN)
    by_post = await world.fhir("station-carer", "POST", "CarePlan/_search", data=CHAIN)
    mixed = await world.fhir("station-carer", "POST", "CarePlan/_search?status=revoked", data=CHAIN)

    assert [plan["id"] for plan in matches(by_get)] == ["elder-plan"]
    assert by_get.content == by_post.content
    assert matches(mixed) == []


async def test_masked_elements_are_in_no_entry(world: World) -> None:
    carer = await world.fhir("station-carer", "POST", "CarePlan/_search", data=CHAIN)
    doctor = await world.fhir("station-doctor", "POST", "CarePlan/_search", data=CHAIN)

    assert "NOTE-FOR-DOCTORS" not in carer.text
    assert "NOTE-FOR-DOCTORS" in doctor.text


async def test_an_identity_number_stands_in_no_link(world: World) -> None:
    response = await world.fhir("station-carer", "GET", "Patient", params={"identifier": f"{CARD}|{ELDER_CARD}"})

    assert len(matches(response)) == 1
    assert ELDER_CARD not in response.text


async def test_links_lead_through_all_pages(world: World) -> None:
    await world.write(HOSPITAL, *(condition("elder", f"c{number}") for number in range(3)))
    path, seen = "Condition?patient=elder&_count=2&_total=accurate", list[str]()

    while path:
        bundle = (await world.fhir("centre-doctor", "GET", path)).json()
        assert bundle["total"] == 4
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        onward = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        path = onward.removeprefix(f"{BASE}/")

    assert sorted(seen) == ["c0", "c1", "c2", "elder-diagnosis"]


@pytest.mark.parametrize(
    "query",
    ["_include=CarePlan:hobby", "_revinclude=*", "_summary=much",
     "_elements=hobby", "status:in=active", "_sort=hobby", "patient.general-practitioner.name=x"],
)  # fmt: skip
async def test_what_would_change_the_result_and_is_not_built_is_refused(world: World, query: str) -> None:
    response = await world.fhir("centre-doctor", "GET", f"CarePlan?{query}")

    assert response.status_code == 400, response.text


async def test_an_unknown_parameter_is_reported_or_refused_as_the_client_prefers(world: World) -> None:
    lenient = await world.fhir("centre-doctor", "GET", "CarePlan?colour=red")
    strict = await world.fhir("centre-doctor", "GET", "CarePlan?colour=red", headers={"Prefer": "handling=strict"})

    told = [entry["resource"] for entry in lenient.json()["entry"] if entry["search"]["mode"] == "outcome"]
    assert [plan["id"] for plan in matches(lenient)] == ["elder-plan"]
    assert [issue["severity"] for issue in told[0]["issue"]] == ["warning"]
    assert (strict.status_code, codes(strict)) == (400, ["FHIR-045"])


async def test_what_is_included_says_so_in_its_entry(world: World) -> None:
    response = await world.fhir("centre-doctor", "GET", "CarePlan?_include=CarePlan:subject&_total=accurate")

    bundle = response.json()
    told = [(entry["search"]["mode"], entry["fullUrl"].removeprefix(f"{BASE}/")) for entry in bundle["entry"]]
    assert told == [("match", "CarePlan/elder-plan"), ("include", "Patient/elder")]
    assert bundle["total"] == 1
    assert bundle["link"][0]["url"].endswith("?_include=CarePlan:subject&_total=accurate")


async def test_a_compartment_is_searched_by_its_address_and_by_a_form(world: World) -> None:
    path = "Patient/elder/Condition"
    by_address = await world.fhir("centre-doctor", "GET", f"{path}?code=I63.900&_count=1")
    by_form = await world.fhir("centre-doctor", "POST", f"{path}/_search", data={"code": "I63.900"})

    assert [row["id"] for row in matches(by_address)] == [row["id"] for row in matches(by_form)] == ["elder-diagnosis"]
    assert by_address.json()["link"][0]["url"].startswith(f"{BASE}/{path}?")


@pytest.mark.parametrize(
    "path", ["Patient/elder/Organization", "Patient/elder/Elder", "Encounter/elder-stay/Condition"]
)
async def test_what_is_in_no_compartment_of_an_elder_has_no_address(world: World, path: str) -> None:
    response = await world.fhir("centre-doctor", "GET", path)

    assert (response.status_code, codes(response)) == (404, ["API-002"])


async def test_a_masked_parameter_is_forbidden(world: World) -> None:
    response = await world.fhir("station-carer", "GET", "Patient?birthdate=1943-03-05")

    assert (response.status_code, codes(response)) == (403, ["HUB-002"])


async def test_count_zero_tells_the_total_alone(world: World) -> None:
    bundle = (await world.fhir("centre-doctor", "GET", "Condition?_count=0")).json()

    assert bundle["total"] == 1
    assert "entry" not in bundle


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "API-005"),
        ("application/x-www-form-urlencoded", b"identifier=%FF", 400, "API-007"),
        ("application/x-www-form-urlencoded", "name=赵".encode(), 400, "API-007"),
        ("application/x-www-form-urlencoded", b"a=1&" * 300, 400, "API-007"),
        ("application/x-www-form-urlencoded", b"a" * 70_000, 413, "API-012"),
    ],
    ids=["json", "not-utf-8", "not-encoded", "too-many", "too-large"],
)
async def test_a_form_that_cannot_be_read_is_refused(
    world: World, content_type: str, body: bytes, status: int, code: str
) -> None:
    response = await world.fhir(
        "centre-doctor", "POST", "Patient/_search", content=body, headers={"Content-Type": content_type}
    )

    assert (response.status_code, codes(response)) == (status, [code])
