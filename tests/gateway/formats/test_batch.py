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


def test_messages_with_line_feeds_keep_them() -> None:
    lines = ONE.replace(b"\r", b"\n")

    assert split(lines + lines) == [lines, lines]


@pytest.mark.parametrize("trailer", [b"BTS|3\r", b"BTS|2\rFTS|2\r", b"BTS|x\r"])
def test_a_count_that_differs_is_refused(trailer: bytes) -> None:
    with pytest.raises(Problem) as caught:
        split(b"BHS|^~\\&\r" + ONE + TWO + trailer)

    assert caught.value.code == "FMT-016"


def test_text_outside_a_message_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        split(b"BHS|^~\\&\rPID|1\r" + ONE)

    assert (caught.value.code, caught.value.detail["number"]) == ("FMT-015", 2)
