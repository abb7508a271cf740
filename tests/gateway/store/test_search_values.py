"""Search by texts, addresses, numbers and modifiers, as every store answers it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.fhir.predicate import EVERYTHING, In
from gateway.fhir.problem import Problem
from gateway.store.protocol import FhirStore
from tests.gateway.store.making import Doc, asked, find, ids, observation, patient, put, walk

UCUM = "http://unitsofmeasure.org"
CODES = "http://terminology.hl7.org/CodeSystem/v2-0203"


async def found(store: FhirStore, kind: str, text: str) -> set[str]:
    return set(ids((await find(store, kind, f"{text}&_count=100")).rows))


def named(id: str, text: str = "", **parts: Any) -> Doc:
    return patient(id, name=[{**({"text": text} if text else {}), **parts}])


# strings


@pytest.fixture
async def people(store: FhirStore) -> FhirStore:
    await put(
        store,
        named("lan", "王示兰", family="王", given=["示兰"]),
        named("xiong", "單雄信"),
        named("ouyang", family="欧阳", given=["娜娜"]),
        named("muller", "Jörg Müller-Lüdenscheidt", family="Müller-Lüdenscheidt"),
        named("none", family="O'Neill"),
    )
    return store


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name=王", {"lan"}),
        ("name=示兰", {"lan"}),
        ("name=王示兰", {"lan"}),
        ("name=王示蘭", {"lan"}),
        ("name=wang", {"lan"}),
        ("name=WangShiLan", {"lan"}),
        ("name=wang shilan", {"lan"}),
        ("name=wsl", {"lan"}),
        ("name=wangshilanx", set()),
        ("name=兰", set()),
        ("name:contains=兰", {"lan"}),
        ("name:contains=示兰", {"lan"}),
        ("name:contains=ilan", {"lan"}),
        ("name=单雄信", {"xiong"}),
        ("name=单", {"xiong"}),
        ("name=shan", {"xiong"}),
        ("name=danxiong", {"xiong"}),
        ("name=欧阳娜娜", {"ouyang"}),
        ("name=歐陽", {"ouyang"}),
        ("family=欧", {"ouyang"}),
        ("given=娜娜", {"ouyang"}),
        ("given=nana", {"ouyang"}),
        ("family=娜", set()),
        ("name=jorg", {"muller"}),
        ("name=JÖRG MÜLLER", {"muller"}),
        ("family=muller-ludenscheidt", {"muller"}),
        ("family:contains=scheidt", {"muller"}),
        ("family:exact=Müller-Lüdenscheidt", {"muller"}),
        ("family:exact=muller-ludenscheidt", set()),
        ("name:exact=王", {"lan"}),
        ("name:exact=wang", set()),
        ("family=oneill", {"none"}),
        ("name=王,欧阳", {"lan", "ouyang"}),
        ("phonetic=wang", {"lan"}),
        ("family:missing=true", {"xiong"}),
        ("family:missing=false", {"lan", "ouyang", "muller", "none"}),
    ],
)
async def test_a_name_is_found_however_it_is_written(people: FhirStore, text: str, expected: set[str]) -> None:
    assert await found(people, "Patient", text) == expected


async def test_a_long_text_is_found_by_its_middle_and_its_end(store: FhirStore) -> None:
    text = "河南省郑州市金水区" + "很长的路" * 40 + "终点站旁"
    await put(store, patient("far", address=[{"line": [text]}]), patient("near", address=[{"line": ["终点站"]}]))

    assert await found(store, "Patient", "address:contains=终点站旁") == {"far"}
    assert await found(store, "Patient", f"address={text}") == {"far"}
    assert await found(store, "Patient", f"address={text}x") == set()


async def test_a_changed_name_is_found_no_more(people: FhirStore) -> None:
    await put(people, named("lan", "李四"))

    assert await found(people, "Patient", "name=王") == set()
    assert await found(people, "Patient", "name=lisi") == {"lan"}


async def test_pages_and_totals_are_right_where_the_opened_body_decides(store: FhirStore) -> None:
    # Every one has the pairs of "abab" and "baba", a third of them has the text.
    await put(store, *(named(f"p{n:02}", "abcabdababx" if n % 3 == 0 else "abxbabdaab") for n in range(40)))
    question = asked("Patient", "name:contains=dabab&_count=4&_sort=_id&_total=accurate")
    expected = [f"p{n:02}" for n in range(0, 40, 3)]

    assert await walk(store, question) == expected
    assert (await store.search(question, EVERYTHING)).total == len(expected)
    assert (await find(store, "Patient", "name:contains=dabab&_count=0")).total == len(expected)


async def test_what_is_opened_lies_inside_the_restriction(people: FhirStore) -> None:
    only = In("elder", frozenset({"ouyang"}))

    page = await find(people, "Patient", "name:contains=a&_total=accurate", only)

    assert (ids(page.rows), page.total) == (["ouyang"], 1)


async def test_too_many_candidates_give_a_short_page_to_go_on_from_and_no_total(
    people: FhirStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.postgres.deciding.STEP", 1)
    monkeypatch.setattr("gateway.store.postgres.deciding.OPENED", 2)
    question = asked("Patient", "name:contains=l&_sort=_id")

    first = await people.search(question, EVERYTHING)

    assert (ids(first.rows), bool(first.next)) == (["lan", "muller"], True)
    assert await walk(people, question) == ["lan", "muller", "none"]
    with pytest.raises(Problem, match="STO-420"):
        await find(people, "Patient", "name:contains=l&_total=accurate")


# uris


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("url=http://acme.example/fhir/ValueSet/1", {"v1"}),
        ("url=http://acme.example/fhir", set()),
        ("url:below=http://acme.example/fhir", {"v1", "v2"}),
        ("url:below=http://acme.example/fhir/", {"v1", "v2"}),
        ("url:below=http://acme.example/fhi", set()),
        ("url:above=http://acme.example/fhir/ValueSet/2/x/y", {"v2"}),
        ("url=urn:oid:1.2", {"v3"}),
        ("_profile=https://p.example/set", {"v1"}),
        ("_profile=https://p.example/set|1.0", {"v1"}),
        ("_profile=https://p.example/set|2.0", set()),
        ("_profile:below=https://p.example", {"v1"}),
        ("_profile:missing=true", {"v2", "v3"}),
        ("_source=urn:his", {"v2"}),
        ("_tag=a", {"v1"}),
        ("_tag:not=a", {"v2", "v3"}),
        ("_security=R", {"v3"}),
        ("_security:not=R", {"v1", "v2"}),
        ("_security:missing=false", {"v3"}),
    ],
)
async def test_an_address_is_found_whole_above_and_below(store: FhirStore, text: str, expected: set[str]) -> None:
    kind = {"resourceType": "ValueSet", "status": "active"}
    await put(
        store,
        {
            **kind,
            "id": "v1",
            "url": "http://acme.example/fhir/ValueSet/1",
            "meta": {"profile": ["https://p.example/set|1.0"], "tag": [{"system": "urn:t", "code": "a"}]},
        },
        {**kind, "id": "v2", "url": "http://acme.example/fhir/ValueSet/2", "meta": {"source": "urn:his"}},
        {**kind, "id": "v3", "url": "urn:oid:1.2", "meta": {"security": [{"code": "R"}]}},
    )

    assert await found(store, "ValueSet", text) == expected


# numbers and quantities


def measured(id: str, value: float, code: str, **changes: Any) -> Doc:
    return {**observation(id), "valueQuantity": {"value": value, "system": UCUM, "code": code, "unit": code, **changes}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"5|{UCUM}|g", {"g", "mg"}),
        (f"5000|{UCUM}|mg", {"g", "mg"}),
        (f"5.6|{UCUM}|g", {"high"}),
        (f"5.0|{UCUM}|g", {"g", "mg"}),
        (f"5.00|{UCUM}|g", {"g", "mg"}),
        ("5", {"g"}),
        ("5||g", {"g"}),
        ("5000||mg", {"mg"}),
        ("5||gram", set()),
        ("5.6||gram", {"high"}),
        (f"gt5|{UCUM}|g", {"high", "over"}),
        (f"ge5|{UCUM}|g", {"g", "mg", "high", "over"}),
        (f"lt5|{UCUM}|g", set()),
        (f"le5|{UCUM}|g", {"g", "mg"}),
        (f"sa5|{UCUM}|g", {"high", "over"}),
        (f"eb5.05|{UCUM}|g", {"g", "mg"}),
        (f"ne5|{UCUM}|g", {"high", "over"}),
        (f"ap5.2|{UCUM}|g", {"g", "mg", "high"}),
        ("ge170|urn:own|cm", {"tall"}),
        (f"98.6|{UCUM}|[degF]", {"warm"}),
        (f"37|{UCUM}|Cel", {"warm"}),
    ],
)
async def test_a_quantity_is_compared_in_comparable_units(store: FhirStore, text: str, expected: set[str]) -> None:
    await put(
        store,
        measured("g", 5, "g"),
        measured("mg", 5000, "mg"),
        measured("high", 5.6, "g", unit="gram"),
        measured("over", 6, "g", comparator=">"),
        measured("tall", 170, "cm", system="urn:own"),
        measured("warm", 37.0, "Cel"),
        {**observation("bare"), "valueString": "5"},
    )

    assert await found(store, "Observation", f"value-quantity={text}") == expected


async def test_numbers_of_an_updated_and_of_a_deleted_resource_are_gone(store: FhirStore) -> None:
    await put(store, measured("o", 5, "g"))
    await put(store, measured("o", 7, "g"))

    assert await found(store, "Observation", "value-quantity=5") == set()
    assert await found(store, "Observation", "value-quantity=7") == {"o"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("probability=0.3", {"r1"}), ("probability=ge0.25", {"r1", "r2"}), ("probability=lt0.25", {"r2"}),
     ("probability=0", {"r1"}), ("probability=0.0", set())],
)  # fmt: skip
async def test_a_number_and_a_range_are_searched_alike(store: FhirStore, text: str, expected: set[str]) -> None:
    risk = {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/p1"}}
    await put(
        store,
        {**risk, "id": "r1", "prediction": [{"probabilityDecimal": 0.3}]},
        {**risk, "id": "r2", "prediction": [{"probabilityRange": {"low": {"value": 0.1}, "high": {"value": 0.5}}}]},
    )

    assert await found(store, "RiskAssessment", text) == expected


# composites


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"component-code-value-quantity=http://loinc.org|8480-6$gt140|{UCUM}|mm[Hg]", {"high"}),
        ("component-code-value-quantity=8480-6$gt140", {"high"}),
        ("component-code-value-quantity=8462-4$gt140", {"odd"}),
        ("component-code-value-quantity=8480-6$lt100,8462-4$gt140", {"odd"}),
        (f"component-code-value-quantity=8480-6$20|{UCUM}|kPa", {"high"}),
        ("combo-code-value-quantity=8867-4$72", {"pulse"}),
        ("combo-code-value-quantity=8480-6$gt140", {"high"}),
        ("code-value-quantity=8867-4$72||/min", {"pulse"}),
        ("code-value-quantity=8867-4$73", set()),
        ("code-value-concept=8480-6$x", set()),
        ("code-value-string=94-6$王", {"said"}),
        ("code-value-date=94-6$2026-03", {"when"}),
        ("code-value-date=94-6$gt2026-03", set()),
    ],
)
async def test_the_components_of_a_composite_hold_in_one_element(
    store: FhirStore, text: str, expected: set[str]
) -> None:
    def pressure(id: str, systolic: float, diastolic: float) -> Doc:
        values = {"8480-6": systolic, "8462-4": diastolic}
        return {
            **observation(id, code="85354-9"),
            "component": [
                {
                    "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                    "valueQuantity": {"value": value, "system": UCUM, "code": "mm[Hg]"},
                }
                for code, value in values.items()
            ],
        }

    await put(
        store,
        pressure("high", 150, 80),
        pressure("odd", 90, 150),
        {**measured("pulse", 72, "/min"), "code": {"coding": [{"code": "8867-4"}]}},
        {**observation("said", code="94-6"), "valueString": "王示兰说"},
        {**observation("when", code="94-6"), "valuePeriod": {"start": "2026-03-02", "end": "2026-03-05"}},
    )

    assert await found(store, "Observation", text) == expected


# modifiers of tokens and references


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("code:not=8480-6", {"o2", "o3"}),
        ("code:not=http://loinc.org|8480-6,8462-4", {"o3"}),
        ("code:text=收缩", {"o1"}),
        ("code:text=压", set()),
        ("code:text=SYSTOLIC blood", {"o1"}),
        ("code:text=血糖", {"o3"}),
        ("code:missing=false", {"o1", "o2", "o3"}),
        ("value-quantity:missing=true", {"o1", "o2", "o3"}),
        ("patient:missing=false&code:not=8480-6", {"o2"}),
        ("patient=p1&code:not=8480-6", {"o2"}),
        ("performer:identifier=urn:staff|7", {"o2"}),
        ("performer:identifier=7", {"o2"}),
        ("performer:identifier=8", set()),
        ("performer:missing=true", {"o1", "o3"}),
        ("date:missing=true", {"o2", "o3"}),
    ],
)
async def test_a_modifier_asks_otherwise(store: FhirStore, text: str, expected: set[str]) -> None:
    first = observation("o1", "2026-01-01")
    first["code"] = {"text": "收缩压", "coding": [{**first["code"]["coding"][0], "display": "Systolic blood pressure"}]}
    third = observation("o3")
    del third["subject"]
    await put(
        store,
        first,
        {**observation("o2", code="8462-4"), "performer": [{"identifier": {"system": "urn:staff", "value": "7"}}]},
        {**third, "code": {"text": "血糖"}},
    )

    assert await found(store, "Observation", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"identifier:of-type={CODES}|MR|7", {"p1"}),
        (f"identifier:of-type={CODES}|JHN|7", {"p2"}),
        (f"identifier:of-type={CODES}|MR|8", set()),
        ("identifier:not=7", {"p3"}),
        ("identifier:text=病案", {"p1"}),
        ("identifier:missing=true", {"p3"}),
    ],
)
async def test_an_identifier_is_asked_for_by_its_type(store: FhirStore, text: str, expected: set[str]) -> None:
    def numbered(code: str, text: str) -> list[Doc]:
        return [{"type": {"coding": [{"system": CODES, "code": code}], "text": text}, "value": "7"}]

    await put(
        store,
        patient("p1", identifier=numbered("MR", "病案号")),
        patient("p2", identifier=numbered("JHN", "管辖号")),
        patient("p3", identifier=[]),
    )

    assert await found(store, "Patient", text) == expected


# places and words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("near=34.75|113.62|1|km", {"station"}),
        ("near=34.75|113.62|9", {"station", "centre"}),
        ("near=34.75|113.62", {"station", "centre"}),
        ("near=34.75|113.62|100|m", set()),
        ("near=-34.75|113.62|100", set()),
        ("near:missing=true", {"nowhere"}),
    ],
)
async def test_a_place_is_found_by_how_far_it_is(store: FhirStore, text: str, expected: set[str]) -> None:
    place = {"resourceType": "Location", "status": "active"}
    await put(
        store,
        {**place, "id": "station", "position": {"latitude": 34.7545, "longitude": 113.62}},
        {**place, "id": "centre", "position": {"latitude": 34.75, "longitude": 113.70}},
        {**place, "id": "nowhere"},
    )

    assert await found(store, "Location", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_text=头晕", {"o1"}),
        ("_text=起立 头晕", {"o1"}),
        ("_text=起立 血糖", set()),
        ("_text=div", set()),
        ("_content=头晕", set()),
        ("_content=早餐前", {"o2"}),
        ("_content=早餐前 BLOOD", {"o2"}),
        ("_content=王示兰", set()),
    ],
)
async def test_words_are_found_in_narrative_and_content(store: FhirStore, text: str, expected: set[str]) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p>起立时<b>头晕</b></p></div>'
    await put(
        store,
        {**observation("o1"), "text": {"status": "generated", "div": div}},
        {
            **observation("o2"),
            "note": [{"text": "早餐前测量"}],
            "method": {"text": "Blood sample"},
            "performer": [{"display": "王示兰"}],
        },
    )

    assert await found(store, "Observation", text) == expected
