"""A restriction lets through exactly the rows on whose facts it holds: proved against `holds` on random predicates."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.fhir.predicate import All, AnyOf, Const, Facts, In, LevelAtMost, Not, Predicate, holds
from gateway.store.postgres.restrict import given as folded
from gateway.store.protocol import Batch, FhirStore
from tests.budget import examples
from tests.gateway.store.conftest import PostgresWorld
from tests.gateway.store.making import asked, find, ids, observation, walk, write

FACTS = [
    Facts("Observation", elder, controllers, klass, level, labels, handed)
    for elder, controllers, (klass, level), labels, handed in product(
        ("p1", "p2", ""),
        (("H1",), ("C1", "H1"), ()),
        (("NURSING", 3), ("MEDICATION", 4), ("", 5)),
        ((), ("PSY",), ("HIV", "PSY")),
        ((), ("S1",)),
    )
]
# "C1" is also asked for where it is another fact's value: one fact must not answer for another.
_VALUES = st.frozensets(
    st.sampled_from(
        ["p1", "p2", "", "H1", "C1", "NURSING", "MEDICATION", "PSY", "HIV", "S1", "Observation", "Task", "x"]
    ),
    max_size=4,
)
_LEAVES: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Const, st.booleans()),
    st.builds(LevelAtMost, st.integers(1, 5)),
    st.builds(In, st.sampled_from(["kind", "elder", "controllers", "klass", "labels", "handed_to"]), _VALUES),
)
PREDICATES: st.SearchStrategy[Predicate] = st.recursive(
    _LEAVES,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(All, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@pytest.fixture
async def filled(store: FhirStore) -> FhirStore:
    """Give a store with one row for each combination of facts."""
    writes = [replace(write(observation(f"o{number:03}")), facts=facts) for number, facts in enumerate(FACTS)]
    await store.commit(Batch(tuple(writes)))
    return store


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicate=PREDICATES)
async def test_a_restriction_lets_through_what_holds_on_the_facts(filled: FhirStore, predicate: Predicate) -> None:
    expected = {f"o{number:03}" for number, facts in enumerate(FACTS) if holds(predicate, facts)}

    page = await find(filled, "Observation", "_count=500&_total=accurate", predicate)

    assert set(ids(page.rows)) == expected
    assert page.total == len(expected)


@pytest.fixture
async def of_elders(store: FhirStore) -> FhirStore:
    """Give a store whose rows lie in the compartment of the elder that they are about."""
    named = [(f"o{number:03}", facts) for number, facts in enumerate(FACTS) if facts.elder]
    await store.commit(Batch(tuple(replace(write(observation(id, elder=f.elder)), facts=f) for id, f in named)))
    return store


@pytest.mark.parametrize("sort", ["", "&_sort=-date", "&_sort=-_id"])
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicate=PREDICATES)
async def test_the_rows_of_one_elder_are_restricted_alike(
    of_elders: FhirStore, sort: str, predicate: Predicate
) -> None:
    expected = {
        f"o{number:03}" for number, facts in enumerate(FACTS) if facts.elder == "p1" and holds(predicate, facts)
    }

    found = await walk(of_elders, replace(asked("Observation", f"patient=Patient/p1{sort}"), count=7), predicate)

    assert (len(found), set(found)) == (len(expected), expected)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicate=PREDICATES)
async def test_strays_of_one_elder_are_restricted_alike(filled: FhirStore, predicate: Predicate) -> None:
    expected = {f"o{number:03}" for number, facts in enumerate(FACTS) if holds(predicate, facts)}

    found = await walk(filled, replace(asked("Observation", "patient=Patient/p1"), count=11), predicate)

    assert (len(found), set(found)) == (len(expected), expected)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicate=PREDICATES)
async def test_rows_read_in_order_are_restricted_alike(
    filled: FhirStore, world: PostgresWorld, predicate: Predicate
) -> None:
    await world.pool.execute("ANALYZE res_observation")
    informed = world.store_with(world.keys)
    expected = [f"o{number:03}" for number, facts in enumerate(FACTS) if holds(predicate, facts)]

    found = await walk(informed, replace(asked("Observation", "status=final&_sort=_id"), count=9), predicate)

    assert found == expected


@settings(max_examples=examples(300))
@given(predicate=PREDICATES, facts=st.sampled_from(FACTS))
def test_a_restriction_for_a_known_elder_holds_where_the_whole_does(predicate: Predicate, facts: Facts) -> None:
    assert holds(folded(predicate, facts.kind, facts.elder), facts) is holds(predicate, facts)
    assert holds(folded(predicate, facts.kind, None), facts) is holds(predicate, facts)


@pytest.mark.parametrize(
    "predicate",
    [
        In("elder", frozenset({""})),
        In("elder", frozenset({"", "p2"})),
        In("elder", frozenset()),
        In("klass", frozenset({""})),
        In("labels", frozenset({""})),
        Not(In("labels", frozenset({"PSY"}))),
        All(()),
        AnyOf(()),
    ],
    ids=repr,
)
async def test_the_edges_of_a_restriction(filled: FhirStore, predicate: Predicate) -> None:
    expected = [f"o{number:03}" for number, facts in enumerate(FACTS) if holds(predicate, facts)]

    assert await walk(filled, replace(asked("Observation", "_sort=_id"), count=50), predicate) == expected


async def test_every_page_is_restricted(filled: FhirStore) -> None:
    only = In("handed_to", frozenset({"S1"}))

    found = await walk(filled, replace(asked("Observation"), count=7), only)

    assert sorted(found) == [f"o{number:03}" for number, facts in enumerate(FACTS) if facts.handed_to]
