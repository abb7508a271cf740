"""Narrowing is an intersection: what the result permits is what both sides permit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.oauth import narrow, permits, permits_feed
from security.state.grammar import LETTERS

KINDS = ("Patient", "Task", "CarePlan")
_LETTERS = st.sets(st.sampled_from(LETTERS), min_size=1).map(lambda found: "".join(x for x in LETTERS if x in found))
_SYSTEM = st.builds("system/{}.{}".format, st.sampled_from(("*", *KINDS)), _LETTERS)
_INTAKE = st.sampled_from(("intake/json-discharge.c", "intake/adt-a03.c"))
_NOISE = st.sampled_from(("system/*.read", "patient/*.rs", "system/Task.sr", "system/task.r", "openid", ""))
SETS = st.frozensets(_SYSTEM | _INTAKE | _NOISE, max_size=5)


@given(SETS, SETS)
def test_the_result_permits_exactly_what_both_permit(asked: frozenset[str], allowed: frozenset[str]) -> None:
    both = narrow(asked, allowed)
    for kind in (*KINDS, "Consent"):
        for letter in LETTERS:
            expected = permits(asked, kind, letter) and permits(allowed, kind, letter)
            assert permits(both, kind, letter) == expected
    for feed in ("json-discharge", "adt-a03"):
        assert permits_feed(both, feed) == (permits_feed(asked, feed) and permits_feed(allowed, feed))


@given(SETS, SETS)
def test_narrowing_again_changes_nothing(asked: frozenset[str], allowed: frozenset[str]) -> None:
    both = narrow(asked, allowed)
    assert narrow(both, allowed) == both


@pytest.mark.parametrize("letter", ["x", "", "rs", "*"])
def test_only_a_known_letter_is_permitted(letter: str) -> None:
    assert not permits(frozenset({"system/*.cruds"}), "Patient", letter)


def test_a_feed_is_no_kind_and_a_kind_no_feed() -> None:
    assert not permits(frozenset({"intake/json-discharge.c"}), "json-discharge", "c")
    assert not permits_feed(frozenset({"system/*.cruds"}), "json-discharge")
