"""A batch file falls into its messages, bytes untouched; what belongs to none, or a wrong count, is refused."""

from __future__ import annotations

import pytest

from gateway.fhir.problem import Problem
from gateway.formats.batch import split

ONE = b"MSH|^~\\&|HIS|H|||||ADT^A03|M1|P|2.5\rPID|1||P1\r"
TWO = b"MSH|^~\\&|HIS|H|||||ADT^A03|M2|P|2.5\rPID|1||P2\r"


def test_one_message_without_an_envelope_is_one_message() -> None:
    assert split(ONE) == [ONE]


def test_an_envelope_with_right_counts_is_taken_off() -> None:
    raw = b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + TWO + b"BTS|2\rFTS|1\r"

    assert split(raw) == [ONE, TWO]


@pytest.mark.parametrize("declared", [b"2", b"002", b"0" * 5000 + b"2", b""], ids=["plain", "zeros", "long", "none"])
def test_a_right_count_is_taken_however_it_is_written(declared: bytes) -> None:
    assert split(b"BHS|^~\\&\r" + ONE + TWO + b"BTS|" + declared + b"\r") == [ONE, TWO]


def test_messages_with_line_feeds_keep_them() -> None:
    lines = ONE.replace(b"\r", b"\n")

    assert split(lines + lines) == [lines, lines]


@pytest.mark.parametrize("trailer", [b"BTS|3\r", b"BTS|2\rFTS|2\r", b"BTS|x\r", b"BTS|" + b"9" * 5000], ids=range(4))
def test_a_count_that_differs_is_refused(trailer: bytes) -> None:
    with pytest.raises(Problem) as caught:
        split(b"BHS|^~\\&\r" + ONE + TWO + trailer)

    assert caught.value.code == "FMT-016"


def test_text_outside_a_message_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        split(b"BHS|^~\\&\rPID|1\r" + ONE)

    assert (caught.value.code, caught.value.detail["number"]) == ("FMT-015", 2)
