"""MSH-18 decides how bytes become text; where it is empty, UTF-8 and then GB18030 are tried; nothing is replaced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from gateway.formats import read
from gateway.formats.charset import NAMES, Decoded, decode

CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=20)


@pytest.mark.parametrize("declared", sorted(NAMES))
def test_a_declared_charset_is_obeyed(declared: str) -> None:
    name = "WANG" if NAMES[declared] == "ascii" else "王示兰"

    decoded = decode(_message(declared, name, NAMES[declared]))

    assert decoded.declared == declared
    assert decoded.text.endswith(f"PID|1||{name}")


@given(CHINESE)
def test_utf8_without_a_declaration_is_utf8(name: str) -> None:
    assert decode(_message("", name, "utf-8")).text.endswith(f"|{name}")


@pytest.mark.parametrize("name", ["王示兰", "㐀𠀀龦", "䶮妺"])
def test_gb18030_without_a_declaration_is_read_when_utf8_fails(name: str) -> None:
    decoded = decode(_message("", name, "gb18030"))

    assert (decoded.codec, decoded.text.endswith(f"|{name}")) == ("gb18030", True)


@given(CHINESE)
def test_gb18030_declared_comes_back_unchanged(name: str) -> None:
    record = read("hl7v2", _message("GB18030", name, "gb18030"))

    assert record.body.get("PID", 3) == name


@pytest.mark.parametrize(("declared", "codec"), [("UNICODE UTF-8", "gb18030"), ("ASCII", "utf-8")])
def test_bytes_that_are_not_as_declared_are_refused_never_guessed(declared: str, codec: str) -> None:
    with pytest.raises(Problem) as caught:
        decode(_message(declared, "王示兰", codec))

    assert (caught.value.code, caught.value.source) == ("FMT-003", "MSH-18")


def test_bytes_that_decode_under_no_rule_are_refused() -> None:
    with pytest.raises(Problem) as caught:
        decode(_message("", "", "utf-8") + b"\xff\xff")

    assert caught.value.code == "FMT-003"


def test_an_unknown_charset_is_refused_by_its_name() -> None:
    with pytest.raises(Problem) as caught:
        decode(_message("BIG-5", "WANG", "ascii"))

    assert (caught.value.code, caught.value.detail["charset"]) == ("FMT-011", "BIG-5")


def test_the_first_of_several_charsets_counts_and_spelling_is_free() -> None:
    assert decode(_message("unicode utf-8~GB18030", "王", "utf-8")).codec == "utf-8"


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode(b"\xef\xbb\xbfMSH|^~\\&|HIS") == Decoded("MSH|^~\\&|HIS", "utf-8", "")


def test_a_gb18030_character_whose_second_byte_is_the_separator_moves_no_field() -> None:
    name = "瘄"  # AF 7C in GBK: its second byte is that of "|"
    raw = f"MSH|^~\\&|{name}|H|||||ADT^A03|M1|P|2.5||||||GBK\rPID|1".encode("gb18030")

    assert b"|" in name.encode("gb18030")
    assert read("hl7v2", raw).body.sender == (name, "H")


def _message(declared: str, name: str, codec: str) -> bytes:
    return f"MSH|^~\\&|HIS|H|||||ADT^A03|M1|P|2.5||||||{declared}\rPID|1||{name}".encode(codec)
