"""Folding makes a predicate small and changes no answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir.predicate import EVERYTHING, NOTHING, All, AnyOf, Const, Facts, In, LevelAtMost, Not, Predicate, holds
from security.access.fold import fold

KIND, CLASSES = "Flag", frozenset({"NURSING", "SAFETY"})
VALUES = {
    "kind": ["Flag", "Patient"],
    "klass": ["NURSING", "SAFETY", "OTHER"],
    "elder": ["a", "b", ""],
    "controllers": ["H", "C"],
    "labels": ["PSY", "HIV"],
    "handed_to": ["C", "S"],
}


def _tests() -> st.SearchStrategy[Predicate]:
    sets = [st.builds(In, st.just(field), st.frozensets(st.sampled_from(values))) for field, values in VALUES.items()]
    return st.one_of(st.builds(Const, st.booleans()), st.builds(LevelAtMost, st.integers(1, 5)), *sets)


PREDICATES = st.recursive(
    _tests(),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=12,
)
FACTS = st.builds(
    Facts,
    st.just(KIND),
    elder=st.sampled_from(VALUES["elder"]),
    controllers=st.lists(st.sampled_from(VALUES["controllers"]), unique=True).map(tuple),
    klass=st.sampled_from(sorted(CLASSES)),
    level=st.integers(1, 5),
    labels=st.lists(st.sampled_from(VALUES["labels"]), unique=True).map(tuple),
    handed_to=st.lists(st.sampled_from(VALUES["handed_to"]), unique=True).map(tuple),
)


@given(PREDICATES, FACTS)
def test_no_answer_changes(predicate: Predicate, facts: Facts) -> None:
    assert holds(fold(predicate, KIND, CLASSES), facts) == holds(predicate, facts)


def test_constants_disappear() -> None:
    elder = In("elder", frozenset({"a"}))
    assert fold(All((EVERYTHING, AnyOf((NOTHING, elder)))), KIND, CLASSES) == elder


def test_sets_of_elders_are_intersected() -> None:
    both = All((In("elder", frozenset({"a", "b"})), In("elder", frozenset({"b", "c"}))))
    assert fold(both, KIND, CLASSES) == In("elder", frozenset({"b"}))


def test_another_kind_is_nothing() -> None:
    assert fold(All((In("kind", frozenset({"Patient"})), Not(NOTHING))), KIND, CLASSES) == NOTHING
