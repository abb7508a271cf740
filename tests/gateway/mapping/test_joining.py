"""What is known of a resource joined with what a record says: fill, merge by key, never mix, never lose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping import merge

KEYS = {"identifier": ("system", "value"), "diagnosis": ("condition.reference",), "section": ("code.coding.code",)}


def _join(stored: dict[str, Any], incoming: dict[str, Any], *, outranks: bool = False) -> dict[str, Any]:
    kind = {"resourceType": "Encounter", "id": "e"}
    found = merge("Encounter", kind | stored, kind | incoming, keys=KEYS, outranks=outranks)
    return {name: value for name, value in found.items() if name not in kind}


def test_an_earlier_value_stays_and_an_empty_one_is_filled() -> None:
    assert _join({"status": "finished"}, {"status": "planned", "language": "zh"}) == {
        "status": "finished",
        "language": "zh",
    }


def test_a_feed_that_outranks_replaces_single_values() -> None:
    assert _join({"status": "planned"}, {"status": "finished"}, outranks=True) == {"status": "finished"}


def test_a_value_of_a_data_type_is_never_half_of_one_and_half_of_another() -> None:
    stored, incoming = {"length": {"value": 11}}, {"length": {"value": 12, "comparator": ">="}}

    assert _join(stored, incoming) == stored
    assert _join(stored, incoming, outranks=True) == incoming


def test_a_period_and_a_backbone_element_are_filled_part_by_part() -> None:
    stored = {"period": {"start": "2026-03-01"}, "hospitalization": {"admitSource": {"text": "急诊"}}}
    incoming = {
        "period": {"start": "2026-03-02", "end": "2026-03-12"},
        "hospitalization": {"destination": {"reference": "x"}},
    }

    assert _join(stored, incoming) == {
        "period": {"start": "2026-03-01", "end": "2026-03-12"},
        "hospitalization": {"admitSource": {"text": "急诊"}, "destination": {"reference": "x"}},
    }


def test_a_list_with_a_key_merges_by_it() -> None:
    stored = {"diagnosis": [{"condition": {"reference": "Condition/1"}, "rank": 1}]}
    incoming = {
        "diagnosis": [
            {"condition": {"reference": "Condition/2"}, "rank": 2},
            {"condition": {"reference": "Condition/1"}, "rank": 9, "use": {"text": "出院诊断"}},
        ]
    }

    assert _join(stored, incoming)["diagnosis"] == [
        {"condition": {"reference": "Condition/1"}, "rank": 1, "use": {"text": "出院诊断"}},
        {"condition": {"reference": "Condition/2"}, "rank": 2},
    ]


def test_a_list_without_a_key_is_filled_only_when_it_was_empty() -> None:
    stored, incoming = {"type": [{"text": "a"}]}, {"type": [{"text": "b"}], "reasonCode": [{"text": "c"}]}

    assert _join(stored, incoming, outranks=True) == {"type": [{"text": "a"}], "reasonCode": [{"text": "c"}]}


def test_extensions_merge_by_their_url() -> None:
    stored = {"extension": [{"url": "a", "valueString": "1"}]}
    incoming = {"extension": [{"url": "b", "valueString": "2"}, {"url": "a", "valueString": "3"}]}

    assert _join(stored, incoming)["extension"] == [{"url": "a", "valueString": "1"}, {"url": "b", "valueString": "2"}]
    assert _join(stored, incoming, outranks=True)["extension"][0] == {"url": "a", "valueString": "3"}


@pytest.mark.parametrize(
    ("outranks", "expected"),
    [(False, {"valueQuantity": {"value": 1}}), (True, {"valueString": "一"})],
)
def test_only_one_form_of_a_choice_remains(outranks: bool, expected: dict[str, Any]) -> None:  # noqa: FBT001
    found = merge("Observation", {"valueQuantity": {"value": 1}}, {"valueString": "一"}, keys={}, outranks=outranks)

    assert found == expected


@pytest.mark.parametrize(
    ("stored", "incoming", "outranks", "expected"),
    [
        ({"gender": "male", "_gender": {"id": "a"}}, {"gender": "female"}, True, {"gender": "female"}),
        ({"gender": "male"}, {"gender": "female", "_gender": {"id": "b"}}, False, {"gender": "male"}),
        (
            {"gender": "male"},
            {"gender": "male", "_gender": {"id": "b"}},
            False,
            {"gender": "male", "_gender": {"id": "b"}},
        ),
        ({}, {"gender": "male", "_gender": {"id": "b"}}, False, {"gender": "male", "_gender": {"id": "b"}}),
        ({}, {"_gender": {"id": "b"}}, False, {"_gender": {"id": "b"}}),
        ({"_gender": {"id": "a"}}, {"gender": "male"}, False, {"gender": "male"}),
    ],
)
def test_the_extensions_of_a_primitive_go_with_its_value(
    stored: dict[str, Any],
    incoming: dict[str, Any],
    outranks: bool,  # noqa: FBT001
    expected: dict[str, Any],
) -> None:
    assert merge("Patient", stored, incoming, keys={}, outranks=outranks) == expected


def test_profiles_and_labels_are_united_and_the_version_stays() -> None:
    found = merge(
        "Patient",
        {"meta": {"versionId": "3", "profile": ["a"]}},
        {"meta": {"profile": ["b", "a"], "tag": [{"code": "t"}]}},
        keys={},
        outranks=True,
    )

    assert found["meta"] == {"versionId": "3", "profile": ["a", "b"], "tag": [{"code": "t"}]}


_TEXT = st.sampled_from(["a", "b", "c"])
_IDENTIFIER = st.fixed_dictionaries({"value": _TEXT}, optional={"system": _TEXT, "use": _TEXT})
_ENCOUNTERS = st.fixed_dictionaries(
    {},
    optional={
        "status": _TEXT,
        "period": st.fixed_dictionaries({}, optional={"start": _TEXT, "end": _TEXT}),
        "length": st.fixed_dictionaries({}, optional={"value": st.integers(0, 3), "unit": _TEXT}),
        "identifier": st.lists(_IDENTIFIER, max_size=3),
        "diagnosis": st.lists(
            st.fixed_dictionaries({}, optional={"condition": st.just({"reference": "x"}), "rank": st.integers(1, 3)}),
            max_size=3,
        ),
        "type": st.lists(st.fixed_dictionaries({"text": _TEXT}), max_size=2),
        "extension": st.lists(st.fixed_dictionaries({"url": _TEXT, "valueString": _TEXT}), max_size=3),
        "meta": st.fixed_dictionaries({}, optional={"profile": st.lists(_TEXT, max_size=2)}),
    },
)  # fmt: skip


@given(_ENCOUNTERS, _ENCOUNTERS, st.booleans())
def test_joining_the_same_again_changes_nothing(
    stored: dict[str, Any],
    incoming: dict[str, Any],
    outranks: bool,  # noqa: FBT001
) -> None:
    once = merge("Encounter", stored, incoming, keys=KEYS, outranks=outranks)

    assert merge("Encounter", once, incoming, keys=KEYS, outranks=outranks) == once


@given(_ENCOUNTERS, _ENCOUNTERS)
def test_nothing_that_was_known_is_lost(stored: dict[str, Any], incoming: dict[str, Any]) -> None:
    joined = merge("Encounter", stored, incoming, keys=KEYS, outranks=False)

    assert {name for name, value in stored.items() if value} <= joined.keys()
    assert all(joined[name] == stored[name] for name in ("status", "length") if stored.get(name))
