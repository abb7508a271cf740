"""Search as every store answers it: clauses, chains, order, pages, totals."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from gateway.fhir.predicate import EVERYTHING, NOTHING, In
from gateway.fhir.problem import Problem
from gateway.store.protocol import Batch, FhirStore
from tests.gateway.store.making import CARD, Doc, asked, current, find, ids, observation, patient, put, walk, write


@pytest.fixture
async def filled(store: FhirStore) -> FhirStore:
    """Give a store with two elders and some observations."""
    await put(store, patient("p1"), patient("p2", birthDate="1950"))
    for doc in (
        observation("o1", "2026-01-01T08:00:00+08:00"),
        observation("o2", "2026-02", code="8462-4"),
        observation("o3"),
        observation("o4", "2026-03-01", elder="p2"),
        {**observation("o5"), "effectivePeriod": {"start": "2026-01-01", "end": "2026-12-31"}},
    ):
        await put(store, doc)
    return store


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_id=o1,o4", {"o1", "o4"}),
        ("patient=Patient/p1", {"o1", "o2", "o3", "o5"}),
        ("patient=p2", {"o4"}),
        ("patient=p1,p2", {"o1", "o2", "o3", "o4", "o5"}),
        ("subject=Patient/p2", {"o4"}),
        ("subject=Group/p2", set()),
        ("code=8480-6", {"o1", "o3", "o4", "o5"}),
        ("code=http://loinc.org|8462-4", {"o2"}),
        ("code=http://loinc.org|", {"o1", "o2", "o3", "o4", "o5"}),
        ("code=|8480-6", set()),
        ("code=urn:other|8480-6", set()),
        ("code=8462-4,8480-6&patient=p2", {"o4"}),
        ("date=2026-01-01", {"o1"}),
        ("date=2026", {"o1", "o2", "o4", "o5"}),
        ("date=2026-02", {"o2"}),
        ("date=ne2026-02", {"o1", "o4", "o5"}),
        ("date=gt2026-02-10", {"o2", "o4", "o5"}),
        ("date=ge2026-03-01", {"o4", "o5"}),
        ("date=lt2026-01-15", {"o1", "o5"}),
        ("date=le2026-02", {"o1", "o2", "o5"}),
        ("date=sa2026-02-15", {"o4"}),
        ("date=eb2026-02", {"o1"}),
        ("date=2026-01-01,2026-02", {"o1", "o2"}),
        ("date=gt2025-12-31&date=lt2026-01-05", {"o1", "o5"}),
        ("_lastUpdated=gt2026-03-01", {"o1", "o2", "o3", "o4", "o5"}),
        ("_lastUpdated=lt2026-03-01", set()),
    ],
)
async def test_a_clause_finds_what_r4_says(filled: FhirStore, text: str, expected: set[str]) -> None:
    assert set(ids((await find(filled, "Observation", text)).rows)) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("eq", {"o3"}),
        ("ne", {"o1", "o2", "o4", "o5"}),
        ("lt", {"o1", "o2"}),
        ("eb", {"o1", "o2"}),
        ("le", {"o1", "o2", "o3"}),
        ("gt", {"o4", "o5"}),
        ("sa", {"o4", "o5"}),
        ("ge", {"o3", "o4", "o5"}),
    ],
)
async def test_last_updated_is_compared_to_the_millisecond(filled: FhirStore, prefix: str, expected: set[str]) -> None:
    moment = (await current(filled, "Observation", "o3")).updated

    page = await find(filled, "Observation", f"_lastUpdated={prefix}{shown(moment)}")

    assert set(ids(page.rows)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("period=2026-04", {"t2"}),
        ("period=ge2026-04-15", {"t1", "t2"}),
        ("period=eb2026-04-01", {"t3"}),
        ("period=ne2026-04", {"t1", "t3"}),
    ],
)
async def test_a_date_without_columns_of_its_own_is_searched_alike(
    store: FhirStore, text: str, expected: set[str]
) -> None:
    await put(
        store,
        task("t1", {"start": "2026-04-10"}),
        task("t2", {"start": "2026-04-01", "end": "2026-04-30"}),
        task("t3", {"start": "2026-03-01", "end": "2026-03-05"}),
        task("t4", None),
    )

    assert set(ids((await find(store, "Task", text)).rows)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{CARD}|card-p1", ["p1"]),
        ("card-p2", ["p2"]),
        ("card-p1,card-p2", ["p1", "p2"]),
        (f"{CARD}|", ["p1", "p2"]),
        ("|card-p1", []),
        ("nobody", []),
    ],
)
async def test_an_identifier_finds_its_holder(filled: FhirStore, value: str, expected: list[str]) -> None:
    assert sorted(ids((await find(filled, "Patient", f"identifier={value}")).rows)) == expected


async def test_an_identifier_without_a_system_is_found_as_such(store: FhirStore) -> None:
    await put(store, patient("p1", identifier=[{"value": "bare"}]))

    assert ids((await find(store, "Patient", "identifier=|bare")).rows) == ["p1"]


async def test_a_changed_identifier_finds_no_more(filled: FhirStore) -> None:
    await put(filled, patient("p1", identifier=[{"system": CARD, "value": "new"}]))

    assert ids((await find(filled, "Patient", f"identifier={CARD}|card-p1")).rows) == []
    assert ids((await find(filled, "Patient", f"identifier={CARD}|new")).rows) == ["p1"]


async def test_a_resource_that_refers_to_two_elders_is_found_under_both(store: FhirStore) -> None:
    doc = {**observation("o1", "2026-01-01"), "performer": [{"reference": "Patient/p2"}]}
    other = write({**observation("o2", "2026-02-01", elder="p2")}, elder="p1")
    await store.commit(Batch((write(doc), other)))

    assert ids((await find(store, "Observation", "performer=Patient/p2")).rows) == ["o1"]
    assert ids((await find(store, "Observation", "patient=Patient/p2")).rows) == ["o2"]
    assert ids((await find(store, "Observation", "patient=Patient/p2&_sort=-date")).rows) == ["o2"]
    assert ids((await find(store, "Observation", "patient=Patient/p1&_sort=-date")).rows) == ["o1"]


# chains


async def test_a_chain_is_answered_under_the_restriction_of_its_targets(filled: FhirStore) -> None:
    text = f"patient.identifier={CARD}|card-p2"

    seen = await find(filled, "Observation", text, chained={"Patient": EVERYTHING})
    closed = await find(filled, "Observation", text, chained={"Patient": NOTHING})

    assert (ids(seen.rows), ids(closed.rows)) == (["o4"], [])


async def test_a_chain_without_a_restriction_for_its_kind_finds_nothing(filled: FhirStore) -> None:
    assert (await find(filled, "Observation", f"patient.identifier={CARD}|card-p2")).rows == ()


async def test_a_chain_that_meets_nobody_has_the_total_0(filled: FhirStore) -> None:
    page = await find(
        filled, "Observation", "patient.identifier=nobody&_total=accurate", chained={"Patient": EVERYTHING}
    )

    assert (page.rows, page.total) == ((), 0)


async def test_a_chain_to_too_many_targets_is_refused(filled: FhirStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.postgres.searching.MAX_CHAIN_TARGETS", 1)

    with pytest.raises(Problem, match="STO-413"):
        await find(filled, "Observation", f"patient.identifier={CARD}|", chained={"Patient": EVERYTHING})


async def test_a_reverse_chain_finds_only_through_what_is_open(filled: FhirStore) -> None:
    seen = await find(filled, "Patient", "_has:Observation:subject:_id=o4", chained={"Observation": EVERYTHING})
    closed = await find(filled, "Patient", "_has:Observation:subject:_id=o4")

    assert (ids(seen.rows), ids(closed.rows)) == (["p2"], [])


# order and pages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["o1", "o2", "o3", "o4", "o5"]),
        ("_sort=date", ["o5", "o1", "o2", "o4", "o3"]),
        ("_sort=-date", ["o4", "o2", "o1", "o5", "o3"]),
        ("patient=Patient/p1&_sort=-date", ["o2", "o1", "o5", "o3"]),
        ("patient=Patient/p1&_sort=date", ["o5", "o1", "o2", "o3"]),
        ("_sort=_id", ["o1", "o2", "o3", "o4", "o5"]),
        ("_sort=-_id", ["o5", "o4", "o3", "o2", "o1"]),
        ("_sort=_lastUpdated", ["o1", "o2", "o3", "o4", "o5"]),
        ("_sort=-_lastUpdated,_id", ["o5", "o4", "o3", "o2", "o1"]),
        ("_sort=code", ["o2", "o1", "o3", "o4", "o5"]),
        ("_sort=-code", ["o5", "o4", "o3", "o1", "o2"]),
        ("_sort=code,-date", ["o2", "o4", "o1", "o5", "o3"]),
        ("_sort=-subject,_id", ["o4", "o1", "o2", "o3", "o5"]),
        ("_sort=method,-_id", ["o5", "o4", "o3", "o2", "o1"]),
        ("patient=Patient/p1&_sort=code", ["o2", "o1", "o3", "o5"]),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 20])
async def test_pages_give_the_whole_in_order(filled: FhirStore, text: str, expected: list[str], count: int) -> None:
    assert await walk(filled, replace(asked("Observation", text), count=count)) == expected


@pytest.mark.parametrize(("text", "expected"), [("_sort=period", "t3 t2 t1 t4"), ("_sort=-period", "t1 t2 t3 t4")])
async def test_a_date_without_columns_of_its_own_sorts_alike(store: FhirStore, text: str, expected: str) -> None:
    starts = {"t1": "2026-04-10", "t2": "2026-04-01", "t3": "2026-03-01", "t4": None}
    await put(store, *(task(id, {"start": start} if start else None) for id, start in starts.items()))

    assert await walk(store, replace(asked("Task", text), count=1)) == expected.split()


@pytest.mark.parametrize("text", ["", "_sort=-date", "_sort=date", "_sort=-_lastUpdated", "patient=p1&_sort=-date"])
async def test_pages_neither_repeat_nor_miss_a_row_while_others_are_inserted(filled: FhirStore, text: str) -> None:
    query = replace(asked("Observation", text), count=1)
    before = await walk(filled, query)
    found: list[str] = []
    for number in range(50):
        page = await filled.search(query, EVERYTHING)
        found += ids(page.rows)
        if not page.next:
            break
        query = replace(query, cursor=page.next)
        if number < 3:
            await put(filled, observation(f"new{number}", "2027-01-01" if number % 2 else "2020-01-01"))

    assert [id for id in found if id in before] == before
    assert len(set(found)) == len(found)


async def test_the_size_of_a_page_may_change_on_the_way(filled: FhirStore) -> None:
    first = await find(filled, "Observation", "_sort=_id&_count=1")

    second = await filled.search(replace(asked("Observation", "_sort=_id&_count=3"), cursor=first.next), EVERYTHING)

    assert ids(second.rows) == ["o2", "o3", "o4"]


async def test_a_total_counts_under_the_restriction_and_count_0_gives_it_alone(filled: FhirStore) -> None:
    only = In("elder", frozenset({"p1"}))

    counted = await find(filled, "Observation", "_total=accurate&_count=1", only)
    alone = await find(filled, "Observation", "_count=0", only)
    untold = await find(filled, "Observation", "_count=1", only)

    assert (counted.total, len(counted.rows)) == (4, 1)
    assert (alone.total, alone.rows) == (4, ())
    assert untold.total is None


@pytest.mark.parametrize("change", ["altered", "another query", "another bind", "garbage", "a history's", "too long"])
async def test_a_cursor_serves_only_its_own_question(filled: FhirStore, change: str) -> None:
    query = asked("Observation", "_count=1")
    cursor = (await filled.search(query, EVERYTHING, bind="me")).next
    await put(filled, observation("o1", "2026-05-05"))
    history = (await filled.history("Observation", "o1", count=1, bind="me")).next
    changed = {
        "altered": (replace(query, cursor=("A" if cursor[0] != "A" else "B") + cursor[1:]), "me"),
        "another query": (replace(asked("Observation", "_count=1&code=8480-6"), cursor=cursor), "me"),
        "another bind": (replace(query, cursor=cursor), "you"),
        "garbage": (replace(query, cursor="%%%"), "me"),
        "a history's": (replace(query, cursor=history), "me"),
        "too long": (replace(query, cursor="A" * 100_000), "me"),
    }
    question, bind = changed[change]

    with pytest.raises(Problem, match="STO-400"):
        await filled.search(question, EVERYTHING, bind=bind)


def task(id: str, period: dict[str, str] | None) -> Doc:
    found: Doc = {"resourceType": "Task", "id": id, "status": "requested", "intent": "order"}
    return found if period is None else {**found, "executionPeriod": period}


def shown(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_sort=name", ["b", "c", "a", "d"]),
        ("_sort=-name", ["a", "c", "b", "d"]),
        ("_sort=gender,name", ["c", "b", "a", "d"]),
        ("_sort=organization,-_id", ["d", "c", "b", "a"]),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
async def test_an_order_that_no_index_has_is_made_of_the_opened_rows(
    store: FhirStore, text: str, expected: list[str], count: int
) -> None:
    named = [("a", "\u738b", "male"), ("b", "Adams", "male"), ("c", "adamson", "female"), ("d", "", "")]
    for id, name, gender in named:
        extra = {"name": [{"family": name}], "gender": gender} if name else {}
        await put(store, patient(id, **extra))

    assert await walk(store, replace(asked("Patient", text), count=count)) == expected


async def test_numbers_are_ordered_by_their_value(store: FhirStore) -> None:
    await put(store, patient("p1"))
    for id, value in (("a", "10"), ("b", "9.5"), ("c", "100")):
        quantity = {"value": float(value), "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
        await put(store, {**observation(id), "valueQuantity": quantity})

    for count in (1, 20):
        query = replace(asked("Observation", "_sort=-value-quantity"), count=count)
        assert await walk(store, query) == ["c", "a", "b"]


async def test_an_order_of_too_many_rows_is_refused(filled: FhirStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.postgres.arranging.MAX_SORTED", 4)

    assert len((await find(filled, "Observation", "_sort=code&code=8480-6")).rows) == 4
    with pytest.raises(Problem, match="FHIR-062"):
        await find(filled, "Observation", "_sort=-date,code")


async def test_rows_that_are_not_open_do_not_count_towards_the_bound(
    filled: FhirStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.postgres.arranging.MAX_SORTED", 1)

    page = await find(filled, "Observation", "_sort=code", restriction=In("elder", frozenset({"p2"})))

    assert ids(page.rows) == ["o4"]


async def test_an_estimate_counts_what_is_open_up_to_its_bound(
    filled: FhirStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ = In("elder", frozenset({"p1"}))
    whole = await find(filled, "Observation", "_total=estimate", restriction=open_)
    monkeypatch.setattr("gateway.store.postgres.pages.MAX_ESTIMATE", 2)

    assert whole.total == 4
    assert (await find(filled, "Observation", "_total=estimate", restriction=open_)).total == 2
    assert (await find(filled, "Observation", "_total=accurate", restriction=open_)).total == 4
