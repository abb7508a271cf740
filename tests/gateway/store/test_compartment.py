"""One elder's compartment as every store answers it: kinds, restrictions, pages, what refers to a stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.fhir.predicate import EVERYTHING, NOTHING, In, LevelAtMost
from gateway.fhir.problem import Problem
from gateway.fhir.query import ReferenceTerm
from gateway.store.protocol import Batch, Compartment, FhirStore
from tests.gateway.store.making import START, Doc, current, deletion, ids, observation, patient, put

ALL = {"Patient": EVERYTHING, "Observation": EVERYTHING, "Encounter": EVERYTHING}
BY = {"Observation": ("encounter",)}


def stay(id: str, elder: str = "p1") -> Doc:
    subject = {"reference": f"Patient/{elder}"}
    return {"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "IMP"}, "subject": subject}


@pytest.fixture
async def filled(store: FhirStore) -> FhirStore:
    """Give a store with two elders, their stays and observations."""
    await put(store, patient("p1"), patient("p2"), stay("e1"), stay("e2", "p2"))
    await put(store, {**observation("o1"), "encounter": {"reference": "Encounter/e1"}}, observation("o2"))
    await put(store, observation("o3", elder="p2"))
    return store


async def test_all_kinds_of_one_elder_come_by_kind_and_age(filled: FhirStore) -> None:
    page = await filled.compartment(Compartment("p1", ALL, 10))

    assert ids(page.rows) == ["e1", "o1", "o2", "p1"]


async def test_rows_with_the_same_facts_keep_their_own_kind(filled: FhirStore) -> None:
    page = await filled.compartment(Compartment("p1", ALL, 10))

    assert [(row.kind, row.facts.kind) for row in page.rows] == [(row.kind, row.kind) for row in page.rows]


async def test_each_kind_is_narrowed_by_its_own_restriction(filled: FhirStore) -> None:
    await put(filled, observation("o4"), level=5)
    kinds = {"Observation": LevelAtMost(4), "Encounter": In("elder", frozenset({"p2"})), "Patient": NOTHING}

    page = await filled.compartment(Compartment("p1", kinds, 10))

    assert ids(page.rows) == ["o1", "o2"]


async def test_where_nothing_is_open_nothing_is_found(filled: FhirStore) -> None:
    assert (await filled.compartment(Compartment("p1", {"Patient": NOTHING}, 10))).rows == ()
    assert (await filled.compartment(Compartment("p1", {}, 10))).rows == ()


async def test_deleted_rows_are_left_out(filled: FhirStore) -> None:
    await filled.commit(Batch((deletion(observation("o1")),)))

    assert ids((await filled.compartment(Compartment("p1", ALL, 10))).rows) == ["e1", "o2", "p1"]


async def test_pages_are_the_whole_without_overlap(filled: FhirStore) -> None:
    asked, cursor, seen = Compartment("p1", ALL, 1), "", list[str]()
    while True:
        page = await filled.compartment(asked, cursor=cursor)
        seen += ids(page.rows)
        cursor = page.next
        if not cursor:
            break

    assert seen == ["e1", "o1", "o2", "p1"]


async def test_a_cursor_is_of_one_elder_and_caller(filled: FhirStore) -> None:
    page = await filled.compartment(Compartment("p1", ALL, 1), bind="a")

    for asked, bind in ((Compartment("p2", ALL, 1), "a"), (Compartment("p1", ALL, 1), "b")):
        with pytest.raises(Problem, match="STO-400"):
            await filled.compartment(asked, cursor=page.next, bind=bind)


async def test_what_refers_to_a_stay_is_found_by_it(filled: FhirStore) -> None:
    asked = Compartment("p1", {"Observation": EVERYTHING}, 10, about=ReferenceTerm("Encounter", "e1"), by=BY)

    assert ids((await filled.compartment(asked)).rows) == ["o1"]
    assert (await filled.compartment(replace(asked, about=ReferenceTerm("Encounter", "e2")))).rows == ()


async def test_only_what_changed_since_is_found(filled: FhirStore) -> None:
    after = (await current(filled, "Observation", "o2")).updated
    asked = Compartment("p1", ALL, 10, since=after)

    assert ids((await filled.compartment(asked)).rows) == ["o1", "o2"]  # of one commit
    assert (await filled.compartment(replace(asked, since=START + timedelta(days=1)))).rows == ()
