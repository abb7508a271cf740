"""GB/T 42195-2022 scored: sum, cuts, the three upgrade rules, and what cannot be scored."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.scorers import CUTS, GB42195, Unscorable, gb42195

SAMPLE = Path(__file__).parents[2] / "fixtures" / "records" / "07_ability_assessment.json"
ITEMS = st.fixed_dictionaries({item: st.integers(0, top) for item, top in GB42195.items()})


def test_the_standard_has_26_items_and_90_points_in_four_parts() -> None:
    score = gb42195(GB42195, coma=False, dementia_or_mental=False, risk_events=0)

    assert (len(GB42195), score.total) == (26, 90)
    assert score.parts == {"b1": 32, "b2": 15, "b3": 28, "b4": 15}


@pytest.mark.parametrize(
    ("total", "level"), [(90, 0), (89, 1), (66, 1), (65, 2), (46, 2), (45, 3), (30, 3), (29, 4), (0, 4)]
)
def test_the_level_changes_at_the_cuts(total: int, level: int) -> None:
    score = gb42195(_adding_up_to(total), coma=False, dementia_or_mental=False, risk_events=0)

    assert (score.total, score.base, score.level) == (total, level, level)


def test_the_sample_is_moderate_disability() -> None:
    items = json.loads(SAMPLE.read_bytes())["data"]["scores"]

    score = gb42195(items, coma=False, dementia_or_mental=False, risk_events=1)

    assert (score.total, score.base, score.level) == (57, 2, 2)


@pytest.mark.parametrize(
    ("total", "coma", "dementia", "events", "level"),
    [
        (90, True, False, 0, 4),
        (90, False, True, 0, 1),
        (90, False, False, 1, 0),
        (90, False, False, 2, 1),
        (89, False, True, 2, 3),
        (30, False, True, 2, 4),
        (20, False, True, 9, 4),
        (57, True, True, 2, 4),
    ],
)
def test_coma_dementia_and_risk_events_raise_the_level(
    *, total: int, coma: bool, dementia: bool, events: int, level: int
) -> None:
    score = gb42195(_adding_up_to(total), coma=coma, dementia_or_mental=dementia, risk_events=events)

    assert score.level == level


@given(ITEMS)
def test_the_parts_add_up_and_the_level_never_falls_below_its_base(items: dict[str, int]) -> None:
    plain = gb42195(items, coma=False, dementia_or_mental=False, risk_events=0)
    raised = gb42195(items, coma=False, dementia_or_mental=True, risk_events=2)

    assert plain.total == sum(items.values()) == sum(plain.parts.values())
    assert plain.base == plain.level == next(level for cut, level in CUTS if plain.total >= cut)
    assert raised.level == min(4, plain.level + 2)


@pytest.mark.parametrize("points", [5, -1, "x", "", None, True, 1.5, Decimal("1.5"), "10", [1], "\uff12"])
def test_an_item_that_is_no_possible_score_is_named(points: object) -> None:
    with pytest.raises(Unscorable) as caught:
        gb42195({**GB42195, "B1.1": points}, coma=False, dementia_or_mental=False, risk_events=0)

    assert caught.value.items == ["B1.1"]


def test_missing_and_unknown_items_are_named_together() -> None:
    items = {**GB42195, "B9.9": 1}
    del items["B4.4"]

    with pytest.raises(Unscorable) as caught:
        gb42195(items, coma=False, dementia_or_mental=False, risk_events=0)

    assert caught.value.items == ["B4.4", "B9.9"]


def test_digits_as_text_and_whole_decimals_count() -> None:
    items = {**GB42195, "B1.1": "3", "B1.2": Decimal("4.0")}

    assert gb42195(items, coma=False, dementia_or_mental=False, risk_events=0).total == 89


def _adding_up_to(total: int) -> dict[str, int]:
    items = {}
    for item, top in GB42195.items():
        items[item] = min(top, total)
        total -= items[item]
    return items
