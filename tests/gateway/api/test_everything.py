"""$everything over HTTP: one elder's record as the caller sees it, page by page, and nobody else's."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.harness import BASE, HOSPITAL, World, codes, condition


def found(response: httpx.Response) -> list[str]:
    """Return the references of the entries."""
    assert response.status_code == 200, response.text
    entries: list[dict[str, Any]] = response.json().get("entry", [])
    return [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries]


async def test_the_record_of_an_elder_in_care_is_whole_and_begins_with_the_elder(world: World) -> None:
    rows = found(await world.fhir("centre-doctor", "GET", "Patient/elder/$everything"))

    assert rows[0] == "Patient/elder"
    assert {"Encounter/elder-stay", "Condition/elder-diagnosis", "CarePlan/elder-plan"} <= set(rows)
    assert not [row for row in rows if "stranger" in row]


async def test_by_post_it_is_the_same(world: World) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueString": "Condition"}]}
    by_post = await world.fhir("centre-doctor", "POST", "Patient/elder/$everything", json=body)

    assert found(by_post) == ["Condition/elder-diagnosis"]


async def test_an_elder_of_another_chain_and_nobody_are_answered_alike(world: World) -> None:
    closed = await world.fhir("other-centre-doctor", "GET", "Patient/elder/$everything")
    absent = await world.fhir("other-centre-doctor", "GET", "Patient/nobody/$everything")

    assert (closed.status_code, codes(closed)) == (404, ["SEC-404"])
    assert (absent.status_code, codes(absent)) == (404, ["SEC-404"])


async def test_each_row_is_what_a_read_of_it_gives(world: World) -> None:
    response = await world.fhir("station-carer", "GET", "Patient/elder/$everything")

    assert "NOTE-FOR-DOCTORS" not in response.text
    for entry in response.json()["entry"]:
        resource = entry["resource"]
        assert resource == await world.read("station-carer", f"{resource['resourceType']}/{resource['id']}")


async def test_the_pages_are_the_whole_without_overlap(world: World) -> None:
    await world.write(HOSPITAL, *(condition("elder", f"c{number}") for number in range(5)))
    whole = found(await world.fhir("centre-doctor", "GET", "Patient/elder/$everything"))
    path, seen = "Patient/elder/$everything?_count=2", list[str]()

    while path:
        response = await world.fhir("centre-doctor", "GET", path)
        seen += found(response)
        onward = next((one["url"] for one in response.json()["link"] if one["relation"] == "next"), "")
        path = onward.removeprefix(f"{BASE}/")

    around = [row for row in seen if row.startswith(("Organization", "Practitioner", "Location"))]
    assert sorted(set(seen)) == sorted(whole)
    assert len(seen) - len(around) == len(set(seen) - set(around))


async def test_a_page_opens_only_for_whom_and_where_it_was_made(world: World) -> None:
    first = (await world.fhir("centre-doctor", "GET", "Patient/elder/$everything?_count=1")).json()
    page = next(one["url"] for one in first["link"] if one["relation"] == "next").partition("?")[2]

    other = await world.fhir("centre-nurse", "GET", f"Patient/elder/$everything?{page}")
    elsewhere = await world.fhir("centre-doctor", "GET", f"Encounter/elder-stay/$everything?{page}")

    assert (codes(other), codes(elsewhere)) == (["HUB-009"], ["HUB-009"])


async def test_what_did_not_change_since_is_left_out(world: World) -> None:
    after = "2026-03-12T05:00:00Z"
    world.clock.forward(hours=2)
    await world.write(HOSPITAL, condition("elder", "later"))

    rows = found(await world.fhir("centre-doctor", "GET", f"Patient/elder/$everything?_since={after}"))

    assert [row for row in rows if row != "Patient/elder"] == ["Condition/later"]


async def test_the_record_of_a_stay_is_what_refers_to_it_and_its_elder(world: World) -> None:
    rows = found(await world.fhir("centre-doctor", "GET", "Encounter/elder-stay/$everything"))

    assert rows[0] == "Encounter/elder-stay"
    assert "Patient/elder" in rows
    assert "CarePlan/elder-plan" not in rows


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("_count=0", "TRM-007"),
        ("_count=x", "TRM-007"),
        ("_type=Nothing", "TRM-007"),
        ("_since=2026-03-12", "TRM-007"),
        ("_since=0001-01-01T00:00:00%2B14:00", "TRM-007"),
        ("_since=2026-02-30T00:00:00Z", "TRM-007"),
        ("_type=Task&_type=Goal", "TRM-007"),
        ("start=2026-01-01", "TRM-006"),
        ("_page=abc", "HUB-009"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_refused(world: World, query: str, code: str) -> None:
    response = await world.fhir("centre-doctor", "GET", f"Patient/elder/$everything?{query}")

    assert (response.status_code, codes(response)) == (400, [code])


async def test_a_kind_without_a_scope_is_left_out_unless_it_is_named(world: World) -> None:
    scopes = ["system/Patient.rs", "system/CarePlan.rs"]
    whole = await world.fhir("centre-doctor", "GET", "Patient/elder/$everything", scopes=scopes)
    named = await world.fhir("centre-doctor", "GET", "Patient/elder/$everything?_type=Condition", scopes=scopes)

    assert found(whole) == ["Patient/elder", "CarePlan/elder-plan"]
    assert (named.status_code, codes(named)) == (403, ["HUB-001"])


async def test_it_leaves_one_entry_that_names_the_elder(world: World) -> None:
    before = len(await world.entries(elder="elder", agent="centre-doctor"))
    await world.fhir("centre-doctor", "GET", "Patient/elder/$everything")

    entries = (await world.entries(elder="elder", agent="centre-doctor"))[before:]
    assert [(one.action, one.interface) for one in entries] == [("operation", "FHIR Patient/$everything")]
    assert entries[0].count > 3
