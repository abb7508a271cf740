"""The masks, value by value (GB/T 39725-2020 8.1 table 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.labels import masks


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("410199194303051027", "410199****1027"),
        ("41019919430305102X", "410199****102X"),
        ("410199430305102", "410199****5102"),
        ("P0100001", "****0001"),
        ("123", "****"),
        ("", "****"),
    ],
)
def test_a_number(value: str, shown: str) -> None:
    assert masks.number_text(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("13800001234", "138****1234"),
        ("+86 138-0000-1234", "138****1234"),
        ("0371-6666 0001", "****01"),
        ("12", "****"),
    ],
)
def test_a_phone(value: str, shown: str) -> None:
    assert masks.phone_text(value) == shown


@pytest.mark.parametrize(("value", "shown"), [("王示兰", "王××"), ("欧阳示兰", "欧阳××")])  # noqa: RUF001 - the standard's sign
def test_a_name(value: str, shown: str) -> None:
    assert masks.name_text(value) == shown


def test_an_address_keeps_its_district() -> None:
    whole = {"state": "豫", "city": "示范市", "district": "柳荫", "line": ["8 号"], "postalCode": "1", "text": "全文"}
    assert masks.district([whole]) == [{"state": "豫", "city": "示范市", "district": "柳荫"}]


def test_an_identifier_loses_value_assigner_and_extension() -> None:
    whole = {"system": "s", "value": "410199194303051027", "assigner": {"display": "d"}, "extension": [], "_value": {}}
    assert masks.number([whole]) == [{"system": "s", "value": "410199****1027"}]


@given(st.from_regex(r"[1-9][0-9]{16}[0-9Xx]", fullmatch=True), st.text(alphabet="甲乙 ，:", max_size=6))
def test_no_card_number_survives_in_text(number: str, around: str) -> None:
    assert number not in masks.scrub_text(f"{around}{number}{around}")


def test_a_longer_number_is_no_card() -> None:
    assert masks.scrub_text("4101991943030510270000") == "4101991943030510270000"


def test_dropping_goes_one_deeper() -> None:
    drop = masks.dropping(["progress", "detail.reasonCode"])
    whole = [{"progress": 1, "detail": {"reasonCode": 2, "status": 3}}, {"progress": 1}]
    assert drop(whole) == [{"detail": {"status": 3}}]


def test_keeping_leaves_the_rest_out() -> None:
    assert masks.keeping(["a"])([{"a": 1, "b": 2}, {"b": 2}]) == [{"a": 1}]


def test_a_contacts_number_is_masked_and_the_rest_of_it_stays() -> None:
    contacts = [{"system": "phone", "value": "13812345678", "use": "home"}, {"system": "phone"}]
    assert masks.NAMED["phone"](contacts) == [
        {"system": "phone", "value": "138****5678", "use": "home"},
        {"system": "phone"},
    ]


def test_of_a_name_the_surname_stays() -> None:
    names = [{"use": "official", "text": "欧阳示兰", "family": "欧阳", "given": ["示兰"]}, {"family": "王"}]
    assert masks.NAMED["name"](names) == [
        {"use": "official", "family": "欧阳", "text": "欧阳××"},  # noqa: RUF001 - the standard's sign
        {"family": "王"},
    ]
