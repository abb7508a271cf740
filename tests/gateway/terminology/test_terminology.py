"""What is loaded answers: codes, sets, maps, hierarchies, Chinese words; the program's own and an operator's."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.fhir.problem import Problem
from gateway.store.postgres.pool import HeldPool
from gateway.terminology import Ask, Terminology, shipped
from tests.gateway.terminology.samples import ICD, icd, resource, value_set

TIER = "https://yiyang-gateway.example/fhir/CodeSystem/yy-tier"
SETS = "https://yiyang-gateway.example/fhir/ValueSet"
SET = "http://example.org/ValueSet/heart"


async def codes(terms: Terminology, url: str, text: str = "") -> list[str]:
    page = await terms.page(await terms.value_set(url), text=text)
    return [one.code for one in page.members]


async def test_the_programs_own_code_systems_answer(terms: Terminology) -> None:
    found = await terms.lookup(await terms.code_system(TIER), "C")

    assert found.display() == "街道（乡镇）医养服务中心"


async def test_every_value_set_that_comes_with_the_program_is_listed(terms: Terminology) -> None:
    assert [one.url for one in await terms.listed("ValueSet") if one.problem or not one.entries] == []


async def test_the_code_systems_behind_r4s_required_bindings_answer(terms: Terminology) -> None:
    gender = await terms.value_set("http://hl7.org/fhir/ValueSet/administrative-gender")

    assert (await terms.validate_member(gender, "female")).result
    assert not (await terms.validate_member(gender, "2")).result


async def test_loading_the_programs_own_twice_changes_nothing(terms: Terminology, folder: Path) -> None:
    before = await terms.listed()

    assert await terms.load_shipped(shipped(folder)) is False
    assert await terms.listed() == before


async def test_another_programs_own_takes_the_place_of_the_old_and_leaves_the_operators(
    terms: Terminology, folder: Path
) -> None:
    await terms.load([icd()])
    now = shipped(folder)

    assert await terms.load_shipped(now._replace(resources=now.resources[:3], mark="other")) is True
    assert [one.url for one in await terms.listed() if not one.own] == [ICD]
    assert len(await terms.listed()) == 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("心衰", []),
        ("心力", ["I50", "I50.0", "I50.900x007"]),
        ("急性 衰竭", ["I50.900x007"]),
        ("xlsj", ["I50", "I50.0", "I50.900x007"]),
        ("heart", ["I50", "I50.0"]),
        ("\uff49\uff16\uff13", ["I63", "I63.900"]),
        ("%", ["X_1"]),
        ("_", ["X_1"]),
        ("!", []),
        ("' OR 1=1 --", []),
    ],
)
async def test_a_word_finds_codes_by_display_pinyin_and_english_and_is_no_pattern(
    terms: Terminology, text: str, found: list[str]
) -> None:
    await terms.load([icd()])

    assert await codes(terms, f"{ICD}?fhir_vs", text) == found


async def test_what_begins_with_the_word_comes_first(terms: Terminology) -> None:
    await terms.load([icd("code,display\n1,慢性肺炎\n2,肺炎\n")])

    assert await codes(terms, f"{ICD}?fhir_vs", "肺炎") == ["2", "1"]


async def test_pages_of_an_expansion_are_its_whole_without_overlap(terms: Terminology) -> None:
    await terms.load([icd()])
    all_codes = await terms.value_set(f"{ICD}?fhir_vs")
    pages = [await terms.page(all_codes, offset=at, count=3) for at in (0, 3, 6, 9)]

    assert [len(page.members) for page in pages] == [3, 3, 1, 0]
    assert [one.code for page in pages for one in page.members] == await codes(terms, f"{ICD}?fhir_vs")
    assert {page.total for page in pages} == {7}


@pytest.mark.parametrize(
    ("a", "b", "how"),
    [
        ("I50", "I50.0", "subsumes"),
        ("I50.0", "I50", "subsumed-by"),
        ("I50", "I50", "equivalent"),
        ("I50", "I63.900", "not-subsumed"),
    ],
)
async def test_subsumption_follows_the_parents(terms: Terminology, a: str, b: str, how: str) -> None:
    await terms.load([icd()])

    assert await terms.subsumes(await terms.code_system(ICD), a, b) == how


async def test_a_search_is_told_what_is_above_and_below_a_code(terms: Terminology) -> None:
    await terms.load([icd()])

    assert await terms.below(ICD, "I50") == {(ICD, code) for code in ("I50", "I50.0", "I50.900x007")}
    assert await terms.above(ICD, "I50.0") == {(ICD, "I50"), (ICD, "I50.0")}
    assert await terms.expand(f"{SETS}/yy-tier") == {(TIER, code) for code in "HCSFG"}


async def test_a_value_set_of_a_filter_is_listed(terms: Terminology) -> None:
    below = {"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "I50"}]}
    await terms.load([icd(), value_set(SET, below)])

    assert await codes(terms, SET) == ["I50", "I50.0", "I50.900x007"]


async def test_a_value_set_leaves_out_what_it_excludes_and_joins_others(terms: Terminology) -> None:
    chapter = {"system": ICD, "filter": [{"property": "章节", "op": "=", "value": "循环系统"}]}
    some = {"system": ICD, "concept": [{"code": "I50"}, {"code": "J18"}, {"code": "I63"}]}
    both = {"system": ICD, "filter": chapter["filter"], "valueSet": [f"{SET}/some"]}
    await terms.load(
        [
            icd(),
            value_set(f"{SET}/some", some),
            value_set(SET, both, exclude=[{"system": ICD, "concept": [{"code": "I63"}]}]),
        ]
    )

    assert await codes(terms, SET) == ["I50"]


async def test_a_value_set_is_listed_anew_when_its_code_system_is_loaded_again(terms: Terminology) -> None:
    await terms.load([icd(), value_set(SET, {"valueSet": [f"{SET}/all"]}), value_set(f"{SET}/all", {"system": ICD})])
    before = await codes(terms, SET)

    await terms.load([icd("code,display\nI10,高血压\n")])

    assert (len(before), await codes(terms, SET)) == (7, ["I10"])


@pytest.mark.parametrize(
    "include",
    [
        {"system": "urn:nowhere"},
        {"valueSet": ["http://example.org/ValueSet/nowhere"]},
        {"valueSet": [SET]},
        {"system": ICD, "filter": [{"property": "code", "op": "regex", "value": "(a+)+$"}]},
        {"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "nowhere"}]},
        {},
    ],
)
async def test_a_value_set_that_cannot_be_listed_whole_says_so(terms: Terminology, include: dict[str, object]) -> None:
    await terms.load([icd(), value_set(SET, include)])

    with pytest.raises(Problem, match="TRM-008"):
        await terms.value_set(SET)


async def test_a_map_translates_and_says_what_it_does_not_map(terms: Terminology) -> None:
    group = {
        "source": ICD,
        "target": "http://hl7.org/fhir/sid/icd-10",
        "element": [
            {"code": "I50.900x007", "target": [{"code": "I50.9", "equivalence": "wider"}]},
            {"code": "I63"},
        ],
    }
    await terms.load([resource("ConceptMap", "http://example.org/ConceptMap/icd", group=[group])])

    found = await terms.translate(Ask(ICD, "I50.900x007"))
    back = await terms.translate(Ask("http://hl7.org/fhir/sid/icd-10", "I50.9", backward=True))
    assert [(one.target, one.equivalence) for one, _ in found.matches] == [("I50.9", "wider")]
    assert [one.source for one, _ in back.matches] == ["I50.900x007"]
    assert not (await terms.translate(Ask(ICD, "I63"))).result
    assert (await terms.translate(Ask(ICD, "unknown"))).matches == ()


async def test_a_display_that_belongs_to_another_code_is_a_warning(terms: Terminology) -> None:
    await terms.load([icd()])
    system = await terms.code_system(ICD)

    right, wrong = [await terms.validate_code(system, "I50", display=word) for word in ("Heart failure", "肺炎")]

    assert (right.result, right.notes) == (True, ())
    assert (wrong.result, [note.code for note in wrong.notes]) == (True, ["TRM-018"])


async def test_what_an_operator_loaded_counts_before_the_programs_own(terms: Terminology, folder: Path) -> None:
    sex = "urn:oid:2.16.156.10011.2.3.3.4"
    await terms.load([icd("code,display\n7,其他\n", url=sex, version="2")])
    now = shipped(folder)
    await terms.load_shipped(now._replace(mark="newer"))

    assert (await terms.code_system(sex)).version == "2"
    assert (await terms.code_system(f"{sex}|0.1.0")).own


async def test_the_programs_own_is_neither_replaced_nor_removed(terms: Terminology) -> None:
    own = await terms.code_system(TIER)

    for change in (terms.load([icd(url=TIER, version=own.version)]), terms.remove(own)):
        with pytest.raises(Problem, match="TRM-012"):
            await change


async def test_a_load_that_fails_leaves_nothing(terms: Terminology) -> None:
    own = await terms.code_system(TIER)

    with pytest.raises(Problem, match="TRM-012"):
        await terms.load([icd(), icd(url=TIER, version=own.version)])
    with pytest.raises(Problem, match="TRM-001"):
        await terms.code_system(ICD)


async def test_another_process_sees_a_load_when_it_looks_next(terms: Terminology, pool: HeldPool) -> None:
    moment = 0.0
    other = Terminology(pool, clock=lambda: moment)
    await terms.load([icd()])
    assert (await other.validate_code(await other.code_system(ICD), "I10")).result is False

    await terms.load([icd("code,display\nI10,高血压\n")])
    moment += 1

    assert (await other.validate_code(await other.code_system(ICD), "I10")).result is True


async def test_a_removed_version_is_gone_and_the_one_before_counts(terms: Terminology) -> None:
    await terms.load([icd(version="1")])
    await terms.load([icd(version="2")])
    assert (await terms.code_system(ICD)).version == "2"

    await terms.remove(await terms.code_system(ICD))

    assert (await terms.code_system(ICD)).version == "1"


async def test_case_matters_unless_the_system_says_otherwise(terms: Terminology) -> None:
    loose = resource("CodeSystem", "urn:loose", content="complete", caseSensitive=False, concept=[{"code": "Ab"}])
    await terms.load([icd(), loose])

    assert not (await terms.validate_code(await terms.code_system(ICD), "I50.900X007")).result
    assert (await terms.validate_code(await terms.code_system("urn:loose"), "aB")).result


async def test_a_search_for_too_large_a_set_is_refused(terms: Terminology) -> None:
    rows = "".join(f"C{number},词{number}\n" for number in range(10_001))
    await terms.load([icd("code,display\n" + rows)])

    with pytest.raises(Problem, match="TRM-009"):
        await terms.expand(f"{ICD}?fhir_vs")
