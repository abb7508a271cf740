"""The next link of a page: its caller alone opens it, at its own place, unaltered; no identity number stands in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import search
from gateway.fhir.problem import Problem
from gateway.hub import links
from gateway.hub.interaction import Binding
from security.caller import Caller, Role, Tier
from security.crypto import Keys
from tests.budget import examples

ASKER = Caller("centre-doctor", Role.CENTRE_DOCTOR, "C1", Tier.CENTRE, "TREAT")
NOON = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
PAIRS = st.lists(st.tuples(st.text(max_size=12), st.text(max_size=30)), max_size=4)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(Path(tmp_path_factory.mktemp("keys")) / "keys.json")


def bound(keys: Keys, *, policy: str = "p1", after: timedelta = timedelta()) -> Binding:
    return Binding(keys, policy, NOON + after)


def token(keys: Keys, pairs: list[tuple[str, str]], cursor: str = "next") -> str:
    return links.onward(bound(keys), ASKER, "Task", pairs, cursor=cursor).removeprefix(f"{links.PAGE}=")


def refused(keys: Keys, text: str, *, who: Caller = ASKER, where: str = "Task") -> None:
    with pytest.raises(Problem) as caught:
        links.resume(bound(keys), who, where, [(links.PAGE, text)])
    assert caught.value.code == "HUB-009"


@settings(max_examples=examples(60))
@given(pairs=PAIRS)
def test_a_next_link_gives_back_the_question_and_the_place(keys: Keys, pairs: list[tuple[str, str]]) -> None:
    found = links.resume(bound(keys), ASKER, "Task", [(links.PAGE, token(keys, pairs))])

    assert found == (tuple(pairs), "next")


@settings(max_examples=examples(120))
@given(data=st.data())
def test_any_change_to_a_next_link_is_refused(keys: Keys, data: st.DataObject) -> None:
    text = token(keys, [("owner", "Organization/C1")])
    at = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.sampled_from([*"AQgwz09-_=+/ !\n王", ""]))
    changed = text[:at] + sign + text[at + data.draw(st.integers(0, 1)) :]

    if changed != text:
        refused(keys, changed)


@pytest.mark.parametrize(
    "other",
    [{"client": "centre-nurse"}, {"role": Role.CENTRE_NURSE}, {"organisation": "C2"}],
    ids=lambda one: next(iter(one)),
)
def test_another_callers_next_link_is_refused(keys: Keys, other: dict[str, str]) -> None:
    refused(keys, token(keys, []), who=replace(ASKER, **other))  # type: ignore[arg-type]


def test_a_next_link_of_another_place_is_refused(keys: Keys) -> None:
    refused(keys, token(keys, []), where="Observation")


def test_a_next_link_longer_than_any_of_ours_is_refused_unread(keys: Keys) -> None:
    refused(keys, "A" * (links.MAX_PAGE_CHARS + 1))


def test_under_other_policies_a_next_link_is_refused(keys: Keys) -> None:
    with pytest.raises(Problem, match="HUB-009"):
        links.resume(bound(keys, policy="p2"), ASKER, "Task", [(links.PAGE, token(keys, []))])


def test_a_next_link_lasts_for_an_hour(keys: Keys) -> None:
    pairs = [(links.PAGE, token(keys, []))]

    assert links.resume(bound(keys, after=links.LIFE), ASKER, "Task", pairs) == ((), "next")
    with pytest.raises(Problem, match="HUB-031"):
        links.resume(bound(keys, after=links.LIFE + timedelta(seconds=1)), ASKER, "Task", pairs)


def test_a_page_without_a_successor_has_no_link(keys: Keys) -> None:
    assert links.onward(bound(keys), ASKER, "Task", [("owner", "x")], cursor="") == ""


def test_an_identity_number_is_not_to_be_read_in_a_link(keys: Keys) -> None:
    text = links.onward(bound(keys), ASKER, "Patient", [("identifier", "410199194303051027")], cursor="next")

    assert "410199194303051027" not in text


@pytest.mark.parametrize(
    ("kind", "name", "value", "shown"),
    [
        ("Patient", "name", "王示兰", False),
        ("Patient", "address:contains", "示范路", False),
        ("Patient", "gender:not", "male", True),
        ("Patient", "birthdate:missing", "true", True),
        ("Condition", "code:text", "肺炎", False),
        ("Task", "owner:identifier", "7", False),
        ("Condition", "_text", "wang", False),
        ("Condition", "_content", "wang", False),
        ("Condition", "_tag", "a", True),
        ("Observation", "value-quantity", "gt5.4||mg", True),
        ("Observation", "code-value-string", "8480-6$wang", False),
        ("Condition", "patient.name", "wang", False),
    ],
)
def test_a_text_that_was_asked_for_stands_in_no_link(kind: str, name: str, value: str, *, shown: bool) -> None:
    query, _ = search.parse(kind, [(name, value)], strict=True)

    written = links.blinded([(name, value)], query, lambda text: "blind")

    assert written == links.written([(name, value if shown else "blind")])
