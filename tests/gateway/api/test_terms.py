"""Operations on codes over HTTP: GET and POST, by kind and by instance, and what wrong questions get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pytest

from gateway.api.capability import statement
from gateway.config import data_root
from gateway.fhir import definitions
from gateway.fhir import gate as fhir
from gateway.terminology import Terminology, shipped
from tests.gateway.terminology.samples import ICD, icd, resource
from tests.harness import BASE, NOON, World, codes

TIER = "https://yiyang-gateway.example/fhir/CodeSystem/yy-tier"
TIERS = "https://yiyang-gateway.example/fhir/ValueSet/yy-tier"
ICD_SET = f"{ICD}?fhir_vs"
MAP = "http://example.org/ConceptMap/icd"
WHO = "http://hl7.org/fhir/sid/icd-10"


@pytest.fixture
async def door(world: World) -> World:
    terms = Terminology(world.pool)
    await terms.load_shipped(shipped(data_root("profiles")))
    element = {"code": "I50.900x007", "target": [{"code": "I50.9", "equivalence": "wider"}]}
    group = [{"source": ICD, "target": WHO, "element": [element, {"code": "I63"}]}]
    await terms.load([icd(), resource("ConceptMap", MAP, id="icd", group=group, sourceUri=ICD_SET)])
    return world


def out(response: httpx.Response) -> dict[str, Any]:
    """Return the parameters that came out, by name; parts by name in a list where several are called alike."""
    assert response.status_code == 200, response.text
    found: dict[str, Any] = {}
    for row in response.json()["parameter"]:
        parts = {one["name"]: _value(one) for one in row.get("part", ())}
        if parts:
            found.setdefault(row["name"], []).append(parts)
        else:
            found[row["name"]] = _value(row)
    return found


def _value(row: Mapping[str, Any]) -> Any:
    return next((value for name, value in row.items() if name.startswith("value")), None)


def given(**values: Any) -> dict[str, Any]:
    """Return a Parameters resource."""
    names = {str: "valueString", bool: "valueBoolean", int: "valueInteger"}
    rows = [
        {"name": name, ("valueCoding" if isinstance(value, dict) else names[type(value)]): value}
        for name, value in values.items()
    ]
    return {"resourceType": "Parameters", "parameter": rows}


async def test_lookup_tells_what_a_code_means_and_what_stands_around_it(door: World) -> None:
    by_get = await door.fhir(
        "centre-doctor", "GET", "CodeSystem/$lookup", params={"system": ICD, "code": "I50.0", "displayLanguage": "en"}
    )
    by_post = await door.fhir(
        "centre-doctor", "POST", "CodeSystem/$lookup", json=given(coding={"system": ICD, "code": "I50"})
    )

    assert (out(by_get)["display"], out(by_get)["version"]) == ("Congestive heart failure", "2.0")
    assert {"code": "parent", "value": "I50"} in out(by_get)["property"]
    assert {"code": "child", "value": "I50.0"} in out(by_post)["property"]


async def test_lookup_gives_the_properties_that_are_asked_for(door: World) -> None:
    query = f"CodeSystem/$lookup?system={ICD}&code=I50.0&property=parent&property=child"
    found = out(await door.fhir("centre-doctor", "GET", query))

    assert found["property"] == [{"code": "parent", "value": "I50"}]


@pytest.mark.parametrize(
    ("path", "result", "message"),
    [
        (f"CodeSystem/$validate-code?url={ICD}&code=I50", True, False),
        (f"CodeSystem/$validate-code?url={ICD}&code=I50&display=肺炎", True, True),
        (f"CodeSystem/$validate-code?url={ICD}&code=I99", False, True),
        ("CodeSystem/icd/$validate-code?code=I50", True, False),
        (f"ValueSet/$validate-code?url={TIERS}&system={TIER}&code=H", True, False),
        (f"ValueSet/$validate-code?url={TIERS}&system={ICD}&code=H", False, True),
        ("ValueSet/yy-tier/$validate-code?code=H", True, False),
        (f"ValueSet/$validate-code?url={ICD_SET}&system={ICD}&code=J18", True, False),
    ],
)
async def test_validate_code_tells_whether_it_is_one(door: World, path: str, *, result: bool, message: bool) -> None:
    found = out(await door.fhir("centre-doctor", "GET", path))

    assert (found["result"], "message" in found) == (result, message)


async def test_of_a_codeable_concept_any_coding_will_do(door: World) -> None:
    concept = {"coding": [{"system": ICD, "code": "I99"}, {"system": ICD, "code": "I50"}]}
    body = {"resourceType": "Parameters", "parameter": [{"name": "codeableConcept", "valueCodeableConcept": concept}]}
    body["parameter"].append({"name": "url", "valueUri": ICD_SET})  # type: ignore[attr-defined]

    assert out(await door.fhir("centre-doctor", "POST", "ValueSet/$validate-code", json=body))["result"] is True


@pytest.mark.parametrize("path", [f"CodeSystem/$subsumes?system={ICD}&", "CodeSystem/icd/$subsumes?"])
async def test_subsumes_tells_which_is_the_wider(door: World, path: str) -> None:
    found = out(await door.fhir("centre-doctor", "GET", f"{path}codeA=I50&codeB=I50.0"))

    assert found == {"outcome": "subsumes"}


async def test_expand_finds_codes_by_a_chinese_word_page_by_page(door: World) -> None:
    params = {"url": ICD_SET, "filter": "心力", "count": "2"}
    first = (await door.fhir("station-carer", "GET", "ValueSet/$expand", params=params)).json()
    second = (await door.fhir("station-carer", "GET", "ValueSet/$expand", params={**params, "offset": "2"})).json()

    assert (first["expansion"]["total"], first["url"]) == (3, ICD_SET)
    assert [one["code"] for page in (first, second) for one in page["expansion"]["contains"]] == [
        "I50",
        "I50.0",
        "I50.900x007",
    ]


async def test_expand_by_instance_and_by_post_is_the_same_value_set(door: World) -> None:
    by_id = (await door.fhir("centre-doctor", "GET", "ValueSet/yy-tier/$expand")).json()
    by_url = (await door.fhir("centre-doctor", "POST", "ValueSet/$expand", json=given(url=TIERS))).json()

    assert by_id["expansion"]["contains"] == by_url["expansion"]["contains"]
    assert by_id["expansion"]["contains"][0]["display"] == "医院"


async def test_a_huge_count_gets_no_more_than_a_page_and_the_total(door: World) -> None:
    rows = "".join(f"C{number},词{number}\n" for number in range(1500))
    await Terminology(door.pool).load([icd("code,display\n" + rows, url="urn:large")])

    params = {"url": "urn:large?fhir_vs", "count": "2000000000"}
    expansion = (await door.fhir("centre-doctor", "GET", "ValueSet/$expand", params=params)).json()["expansion"]

    assert (expansion["total"], len(expansion["contains"])) == (1500, 1000)


@pytest.mark.parametrize(
    "path",
    [
        f"ConceptMap/$translate?url={MAP}&system={ICD}&code=I50.900x007",
        "ConceptMap/icd/$translate?system=" + ICD + "&code=I50.900x007",
        f"ConceptMap/$translate?source={ICD_SET}&system={ICD}&code=I50.900x007&targetsystem={WHO}",
    ],
)
async def test_translate_gives_the_match_and_the_map_that_says_so(door: World, path: str) -> None:
    found = out(await door.fhir("centre-doctor", "GET", path))

    assert found["result"] is True
    assert found["match"] == [{"equivalence": "wider", "concept": {"system": WHO, "code": "I50.9"}, "source": MAP}]


async def test_a_code_that_a_map_does_not_map_has_no_match(door: World) -> None:
    found = out(await door.fhir("centre-doctor", "GET", f"ConceptMap/$translate?url={MAP}&system={ICD}&code=I63"))

    assert (found["result"], found["match"]) == (False, [{"equivalence": "unmatched", "source": MAP}])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("CodeSystem/$lookup?code=H", 400, "TRM-005"),
        ("CodeSystem/$lookup?system=urn:nowhere&code=H", 404, "TRM-001"),
        (f"CodeSystem/$lookup?system={TIER}&code=nothing", 404, "TRM-002"),
        (f"CodeSystem/$lookup?system={TIER}&code=H&code=C", 400, "TRM-007"),
        (f"CodeSystem/$lookup?system={TIER}&code=H&colour=red", 400, "TRM-006"),
        (f"CodeSystem/$lookup?system={TIER}&coding=H", 400, "TRM-007"),
        (f"CodeSystem/$lookup?system={TIER}&code=", 400, "TRM-007"),
        ("CodeSystem/yy-tier/$lookup?code=H", 404, "API-002"),
        (f"CodeSystem/$subsumes?system={ICD}&codeA=I50", 400, "TRM-005"),
        (f"CodeSystem/$subsumes?system={ICD}&codeA=I50&codeB=I99", 404, "TRM-002"),
        ("ValueSet/$expand", 400, "TRM-005"),
        ("ValueSet/$expand?url=urn:nowhere", 404, "TRM-003"),
        (f"ValueSet/$expand?url={TIERS}|9", 404, "TRM-003"),
        (f"ValueSet/$expand?url={TIERS}&count=-1", 400, "TRM-007"),
        (f"ValueSet/$expand?url={TIERS}&offset=99999999999", 400, "TRM-007"),
        (f"ValueSet/$expand?url={TIERS}&filter=%00", 400, "TRM-007"),
        (f"ValueSet/$expand?url={TIERS}&includeDesignations=true", 400, "TRM-007"),
        (f"ValueSet/yy-tier/$expand?url={TIERS}", 400, "TRM-006"),
        ("ValueSet/nowhere/$expand", 404, "TRM-003"),
        ("ConceptMap/$translate?code=I50", 400, "TRM-005"),
        (f"ConceptMap/$translate?url=urn:nowhere&system={ICD}&code=I50", 404, "TRM-004"),
        ("Patient/$expand", 404, "API-002"),
        ("Nothing/$expand", 404, "API-002"),
        ("ValueSet/$nothing", 404, "API-002"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong_with_it(door: World, path: str, status: int, code: str) -> None:
    response = await door.fhir("centre-doctor", "GET", path)

    assert (response.status_code, codes(response)) == (status, [code])


async def test_a_body_that_is_no_parameters_is_refused(door: World) -> None:
    response = await door.fhir("centre-doctor", "POST", "ValueSet/$expand", json={"resourceType": "Patient"})

    assert 400 <= response.status_code < 500


async def test_without_a_scope_on_the_kind_nothing_is_told(door: World) -> None:
    scopes = ["system/Patient.rs"]
    response = await door.fhir("centre-doctor", "GET", f"CodeSystem/$lookup?system={TIER}&code=H", scopes=scopes)
    missing = await door.fhir("centre-doctor", "GET", "CodeSystem/$lookup?system=urn:nowhere&code=H", scopes=scopes)

    assert (response.status_code, codes(response)) == (403, ["HUB-001"])
    assert codes(missing) == ["HUB-001"]


async def test_a_stranger_is_asked_for_a_token_first(door: World) -> None:
    assert (await door.http.get("/fhir/CodeSystem/$lookup?system=x&code=y")).status_code == 401
    assert (await door.http.get("/fhir/Nothing/$nothing")).status_code == 401


async def test_an_operation_leaves_an_entry_that_names_no_elder(door: World) -> None:
    await door.fhir("centre-doctor", "GET", f"CodeSystem/$lookup?system={TIER}&code=H")

    entry = (await door.entries(agent="centre-doctor"))[-1]
    assert (entry.action, entry.interface, entry.elder) == ("operation", "FHIR CodeSystem/$lookup", "")


def test_every_operation_that_is_wired_stands_in_the_capability_statement() -> None:
    stated = orjson.loads(statement(sorted(definitions.kinds()), base=BASE, token="t", version="1", at=NOON))
    told = {row["type"]: {one["name"] for one in row.get("operation", ())} for row in stated["rest"][0]["resource"]}
    on_all = {"validate", "meta", "meta-add", "meta-delete"}

    assert told["CodeSystem"] == on_all | {"lookup", "validate-code", "subsumes"}
    assert told["ValueSet"] == on_all | {"expand", "validate-code"}
    assert told["ConceptMap"] == on_all | {"translate"}
    assert told["Patient"] == on_all | {"everything", "match"}
    assert told["Observation"] == on_all | {"lastn"}


async def test_anybody_is_told_which_code_systems_answer(door: World) -> None:
    response = await door.http.get("/fhir/metadata?mode=terminology")

    doc = response.json()
    systems = {row["uri"]: row for row in doc["codeSystem"]}
    assert (response.status_code, doc["resourceType"]) == (200, "TerminologyCapabilities")
    assert systems[ICD] == {"uri": ICD, "version": [{"code": "2.0", "isDefault": True}], "subsumption": True}
    assert fhir.accept(response.content, kind="TerminologyCapabilities")


@pytest.mark.parametrize(
    "path",
    [
        f"CodeSystem/$lookup?system={ICD}&code=I50.0",
        f"CodeSystem/$validate-code?url={ICD}&code=I99",
        f"ValueSet/$expand?url={ICD_SET}",
        f"ConceptMap/$translate?url={MAP}&system={ICD}&code=I50.900x007",
    ],
)
async def test_what_comes_out_is_valid_r4(door: World, path: str) -> None:
    response = await door.fhir("centre-doctor", "GET", path)

    assert fhir.accept(response.content, kind=response.json()["resourceType"])
