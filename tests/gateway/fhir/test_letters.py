"""Texts are compared without what people write differently; Chinese names are found by how they sound too."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir import letters


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("Müller-Straße 12", "mullerstrasse12"),
        ("  O'Neill ", "oneill"),
        ("\uff37\uff21\uff2e\uff27\uff11", "wang1"),
        ("王 示 蘭", "王示兰"),
        ("歐陽娜娜", "欧阳娜娜"),
        ("乾隆后宫", "干隆后宫"),
        ("高斎", "高斋"),
        ("…！——", ""),
        ("", ""),
    ],
)
def test_a_text_is_compared_without_case_accents_marks_and_the_way_of_writing(text: str, compared: str) -> None:
    assert letters.plain(text) == compared


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("王示兰", {"王示兰", "wangshilan", "wsl"}),
        ("單雄信", {"单雄信", "shanxiongxin", "danxiongxin", "sxx", "dxx"}),
        ("曾国藩", {"zengguofan", "cengguofan", "zgf"}),
        ("朴正熙", {"piaozhengxi", "puzhengxi"}),
        ("吕布", {"lvbu", "lubu", "lb"}),
        ("买买提 A", {"maimaitia", "mmta"}),
    ],
)
def test_a_chinese_name_has_its_pinyin_in_every_reading_of_the_surname(name: str, found: set[str]) -> None:
    assert found <= set(letters.forms("name", name))


@pytest.mark.parametrize(("param", "text"), [("address", "郑州"), ("name", "wang"), ("name", "郑" * 17)])
def test_what_is_no_chinese_name_has_one_form(param: str, text: str) -> None:
    assert letters.forms(param, text) == (text,)


@given(st.text(max_size=40))
def test_to_compare_twice_changes_nothing(text: str) -> None:
    once = letters.plain(text)

    assert letters.plain(once) == once


@given(st.text(max_size=40))
def test_neither_case_nor_composition_matters(text: str) -> None:
    assert letters.plain(unicodedata.normalize("NFD", text)) == letters.plain(unicodedata.normalize("NFC", text))


@given(st.text("王示兰单曾朴解查万俟尉迟仇任吕区盖行重长乐", min_size=1, max_size=16))
def test_the_forms_of_a_name_are_bounded(name: str) -> None:
    assert len(letters.forms("name", name)) <= 1 + 2 * letters.READINGS
