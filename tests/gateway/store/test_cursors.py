"""A cursor serves its own question and opens in no other form: any sign changed, lost, added or moved is refused."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from gateway.fhir.query import Include
from gateway.store.postgres import cursors
from security.crypto import Keys
from tests.budget import examples
from tests.gateway.store.making import asked

PLACE = b"search|client|Query(kind='Task')"
VALUES = st.lists(
    st.one_of(st.none(), st.integers(-(2**62), 2**62), st.text(max_size=20), st.datetimes(timezones=st.just(UTC))),
    min_size=1,
    max_size=3,
)
SIGNS = string.ascii_letters + string.digits + "-_=+/ !\n王"


def refused(keys: Keys, cursor: str, *, place: bytes = PLACE) -> None:
    with pytest.raises(Problem) as caught:
        cursors.read(keys, cursor, place=place)
    assert caught.value.code == "STO-400"


@settings(max_examples=examples(100))
@given(values=VALUES)
def test_a_cursor_gives_back_what_it_was_made_of(keys: Keys, values: list[Any]) -> None:
    assert cursors.read(keys, cursors.write(keys, values, place=PLACE), place=PLACE) == values


@settings(max_examples=examples(200))
@given(values=VALUES, data=st.data())
def test_any_change_to_a_cursor_is_refused(keys: Keys, values: list[Any], data: st.DataObject) -> None:
    cursor = cursors.write(keys, values, place=PLACE)
    at = data.draw(st.integers(0, len(cursor) - 1))
    sign = data.draw(st.sampled_from(SIGNS))
    ways: dict[str, Callable[[], str]] = {
        "change": lambda: cursor[:at] + sign + cursor[at + 1 :],
        "lose": lambda: cursor[:at] + cursor[at + 1 :],
        "add": lambda: cursor[:at] + sign + cursor[at:],
        "behind": lambda: cursor + sign,
        "cut": lambda: cursor[:at],
        "twice": lambda: cursor + cursor,
    }
    changed = ways[data.draw(st.sampled_from(sorted(ways)))]()

    if changed != cursor:
        refused(keys, changed)


@settings(max_examples=examples(100))
@given(junk=st.one_of(st.text(max_size=60), st.text("AQgwab-_", max_size=80)))
def test_what_was_never_a_cursor_is_refused(keys: Keys, junk: str) -> None:
    refused(keys, junk)


@pytest.mark.parametrize("place", [b"", b"search|other|Query(kind='Task')", b"history|client|Task|a", PLACE + b" "])
def test_a_cursor_of_another_question_is_refused(keys: Keys, place: bytes) -> None:
    cursor = cursors.write(keys, [datetime(2026, 3, 12, tzinfo=UTC), 7], place=PLACE)

    refused(keys, cursor, place=place)


def test_a_cursor_longer_than_any_of_ours_is_refused_unread(keys: Keys) -> None:
    refused(keys, "A" * (cursors.MAX_CHARS + 1))


QUERY = asked("Observation", "patient=Patient/p1&_sort=-date")


@pytest.mark.parametrize(
    "page",
    [
        {"cursor": "x"},
        {"count": 7},
        {"total": True},
        {"estimate": True},
        {"summary": "true"},
        {"elements": ("status",)},
        {"includes": (Include("Observation", "subject"),)},
    ],
)
def test_a_cursor_is_bound_to_its_question_whatever_the_page(page: dict[str, Any]) -> None:
    assert cursors.of_search(replace(QUERY, **page), "client") == cursors.of_search(QUERY, "client")


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "Condition"},
        {"clauses": ()},
        {"clauses": asked("Observation", "patient=Patient/p2").clauses},
        {"clauses": asked("Observation", "patient:missing=true").clauses},
        {"sort": ()},
        {"sort": asked("Observation", "_sort=date").sort},
        {"within": "p1"},
    ],
)
def test_another_question_binds_otherwise(other: dict[str, Any]) -> None:
    assert cursors.of_search(replace(QUERY, **other), "client") != cursors.of_search(QUERY, "client")


def test_another_caller_binds_otherwise() -> None:
    assert cursors.of_search(QUERY, "client") != cursors.of_search(QUERY, "another")
