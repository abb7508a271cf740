"""An answer is in the sender's mode, charset and delimiters, and says what is wrong and where."""

from __future__ import annotations

from datetime import UTC, datetime

import hl7
import pytest
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from gateway.formats import read
from gateway.formats.ack import MAX_ERRORS, Code, ack
from gateway.formats.hl7v2 import Message

NOW = datetime(2026, 3, 12, 8, 31, tzinfo=UTC)
ORIGINAL = "MSH|^~\\&|HIS|H1|YYHUB|GATEWAY|20260312163015||ADT^A03^ADT_A03|M1|P|2.5||||||UNICODE UTF-8"
ENHANCED = ORIGINAL.replace("|2.5||||||", "|2.5|||AL|NE||")
LATE = Problem("MAP-004", where="Encounter.period.end", source="PV1-45", label="出院时间", rule="map.yaml:9")


def test_the_header_turns_the_parties_round_and_keeps_type_version_and_charset() -> None:
    message = Message(ack(Message(ORIGINAL, declared_charset="UNICODE UTF-8"), "AA", control_id="A1", now=NOW).decode())

    header = [message.get("MSH", index) for index in (3, 4, 5, 6, 7, 9, 10, 11, 12, 18)]

    assert header == ["YYHUB", "GATEWAY", "HIS", "H1", "20260312163100+0800", "ACK", "A1", "P", "2.5", "UNICODE UTF-8"]
    assert message.get("MSH", 9, 2) == "A03"


@pytest.mark.parametrize(("code", "enhanced"), [("AA", "CA"), ("AE", "CE"), ("AR", "CR")])
def test_the_code_follows_the_mode_that_the_sender_asked_for(code: Code, enhanced: str) -> None:
    assert _codes(ack(Message(ORIGINAL), code, control_id="A1", now=NOW)) == (code, "M1")
    assert _codes(ack(Message(ENHANCED), code, control_id="A1", now=NOW)) == (enhanced, "M1")


def test_each_problem_has_its_err_segment_with_place_code_and_text() -> None:
    raw = ack(Message(ORIGINAL), "AE", [LATE], control_id="A1", now=NOW)

    error = Message(raw.decode()).all("ERR")[0]

    assert [error.get(2, part) for part in (1, 2, 3, 4)] == ["PV1", "1", "45", "1"]
    assert [error.get(3, part) for part in (1, 2, 3)] == ["101", "Required field missing", "HL70357"]
    assert (error.get(4), error.get(5), error.get(7)) == ("E", "MAP-004", "Encounter.period.end")
    assert error.get(5, 2) == LATE.text("en")
    assert error.get(8) == LATE.text("zh")


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("DG1[2]-3.1", "DG1^2^3^1^1"),
        ("PID-3[2].5", "PID^1^3^2^5"),
        ("PID-11.1.2", "PID^1^11^1^1^2"),
        ("ZZ1", "ZZ1^1"),
        ("data.patient.name", ""),
    ],
)
def test_a_place_is_told_as_hl7_wants_it(source: str, place: str) -> None:
    problem = Problem("MAP-040", source=source, zh="有误", en="wrong", rule="map.yaml:1")

    error = Message(ack(Message(ORIGINAL), "AE", [problem], control_id="A1", now=NOW).decode()).all("ERR")[0]

    assert error.field(2) == place


def test_an_answer_to_a_gb18030_sender_is_gb18030() -> None:
    raw = ORIGINAL.replace("UNICODE UTF-8", "GB18030").encode("gb18030") + "\rPID|1||王".encode("gb18030")
    message = read("hl7v2", raw).body

    answer = ack(message, "AE", [LATE], control_id="A1", now=NOW)

    assert LATE.text("zh").encode("gb18030") in answer
    assert read("hl7v2", answer).body.declared_charset == "GB18030"


def test_an_undeclared_gb18030_sender_is_answered_in_gb18030_without_a_declaration() -> None:
    raw = "MSH|^~\\&|HIS|H1|||||ADT^A03|M1|P|2.4\rPID|1||王示兰".encode("gb18030")

    answer = ack(read("hl7v2", raw).body, "AE", [LATE], control_id="A1", now=NOW)

    assert read("hl7v2", answer).body.charset == "gb18030"
    assert read("hl7v2", answer).body.declared_charset == ""
    assert LATE.text("zh").encode("gb18030") in answer


def test_an_ascii_sender_is_answered_in_english() -> None:
    raw = ORIGINAL.replace("UNICODE UTF-8", "ASCII").encode()

    answer = ack(read("hl7v2", raw).body, "AE", [LATE], control_id="A1", now=NOW)

    assert Message(answer.decode("ascii")).all("ERR")[0].field(8) != ""
    assert b"is required and missing" in answer


def test_the_senders_delimiters_are_used_and_escaped() -> None:
    message = Message("MSH#*@!%#HI!F!S#H1#####ADT*A03#M!S!1#P#2.5")

    answer = Message(ack(message, "AA", control_id="A#1", now=NOW).decode())

    assert answer.all("MSH")[0].field(2) == "*@!%"
    assert (answer.get("MSH", 5), answer.get("MSA", 2), answer.get("MSH", 10)) == ("HI#S", "M*1", "A#1")


def test_what_could_not_be_read_is_answered_without_a_control_id() -> None:
    answer = Message(ack(None, "AR", [Problem("FMT-010", source="MSH")], control_id="A1", now=NOW).decode())

    assert (answer.get("MSA", 1), answer.get("MSA", 2), answer.get("ERR", 5)) == ("AR", None, "FMT-010")


def test_the_number_of_err_segments_is_bounded() -> None:
    answer = Message(ack(Message(ORIGINAL), "AE", [LATE] * (MAX_ERRORS + 5), control_id="A1", now=NOW).decode())

    assert len(answer.all("ERR")) == MAX_ERRORS


@pytest.mark.parametrize("head", [ORIGINAL, ENHANCED])
def test_the_hl7_package_and_hl7apy_read_the_answer(head: str) -> None:
    text = ack(Message(head), "AE", [LATE], control_id="A1", now=NOW).decode()

    strict = parse_message(text, validation_level=2)

    assert hl7.parse(text).segments("MSA")[0][2][0] == "M1"
    assert strict.msa.msa_2.value == "M1"
    assert strict.err.err_3.err_3_1.value == "101"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40))
def test_no_text_breaks_out_of_its_field(words: str) -> None:
    problem = Problem("MAP-040", source="PID-5", zh=words, en=words, rule="r")

    answer = Message(ack(Message(ORIGINAL), "AE", [problem], control_id="A1", now=NOW).decode())

    assert [segment.name for segment in answer.segments] == ["MSH", "MSA", "ERR"]
    flat = problem.text("zh").replace("\r", " ").replace("\n", " ")
    assert answer.get("ERR", 8) == flat


def _codes(raw: bytes) -> tuple[object, object]:
    message = Message(raw.decode())
    return message.get("MSA", 1), message.get("MSA", 2)
