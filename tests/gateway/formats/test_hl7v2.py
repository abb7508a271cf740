"""The lazy parser reads what two independent parsers read, and refuses what it cannot read without guessing."""

from __future__ import annotations

from pathlib import Path

import hl7
import pytest
from hl7apy.core import Group, Segment
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir.problem import Problem
from gateway.formats import DELETE, read
from gateway.formats.hl7v2 import MAX_SEGMENTS, Message

SAMPLE = Path(__file__).parents[2] / "fixtures" / "records" / "01_adt_a03.hl7"
HEAD = "MSH|^~\\&|HIS|HOSPITAL|YYHUB|GATEWAY|20260312163015||ADT^A03^ADT_A03|M1|P|2.5"
SIGNS = {"\\": "E", "|": "F", "^": "S", "&": "T", "~": "R"}
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12).filter(
    lambda text: text != '""'
)


@given(st.text('ab^&~\\\\"', max_size=12), st.integers(1, 3), st.integers(1, 3))
def test_a_value_is_the_part_of_a_part_and_the_same_when_asked_again(text: str, component: int, inner: int) -> None:
    segment = Message(f"{HEAD}\rZZ1|{text}\r").all("ZZ1")[0]
    first = text.split("~")[0]
    parts = first.split("^")
    inside = parts[component - 1].split("&") if component <= len(parts) else []
    meant = inside[inner - 1] if inner <= len(inside) else ""

    found = segment.get(1, component, inner)

    assert segment.get(1, component, inner) is found
    if first == '""':
        assert found is (DELETE if component == 1 else None)
    elif meant == '""':
        assert found is DELETE
    else:
        assert found == (segment.message.unescape(meant) or None)


def test_the_sample_reads_as_in_the_hl7_package() -> None:
    text = _with_carriage_returns()

    ours = _repetitions(Message(text))
    oracle = [
        (str(segment[0]), index, number, str(repetition).split("^"))
        for segment in hl7.parse(text)
        for index in range(3 if str(segment[0]) == "MSH" else 1, len(segment))
        for number, repetition in enumerate(segment[index], 1)
        if str(repetition)
    ]

    assert ours == oracle


def test_the_sample_reads_as_in_hl7apy() -> None:
    text = _with_carriage_returns()

    oracle = [(segment.name, field.name, field.to_er7()) for segment in _walk(parse_message(text))
              for field in segment.children if field.name not in ("MSH_1", "MSH_2")]  # fmt: skip
    ours = [
        (segment.name, f"{segment.name}_{index}", repetition)
        for segment in Message(text).segments
        for index in range(3 if segment.name == "MSH" else 1, segment.count + 1)
        for repetition in segment.repetitions(index)
    ]

    assert ours == oracle


@given(st.lists(st.lists(st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=4))
def test_values_survive_escaping_whatever_they_hold(fields: list[list[list[str]]]) -> None:
    line = "|".join("~".join("^".join(map(_escaped, parts)) for parts in repetitions) for repetitions in fields)

    segment = Message(f"{HEAD}\rZZ1|{line}\r").all("ZZ1")[0]

    for index, repetitions in enumerate(fields, 1):
        sent = "~".join("^".join(map(_escaped, parts)) for parts in repetitions)
        parsed = [
            [segment.message.part(repetition, number) or "" for number in range(1, len(parts) + 1)]
            for repetition, parts in zip(segment.repetitions(index), repetitions, strict=False)
        ]
        assert parsed == (repetitions if sent else [])


@given(st.text(st.sampled_from("aX\\|^~&\r\n.brHE4示"), max_size=60))
def test_any_text_is_read_or_refused_by_a_problem_never_by_a_fault(body: str) -> None:
    assert _outcome(body) in ("each place once", "FMT-013")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (r"a\F\b", "a|b"),
        (r"a\S\b", "a^b"),
        (r"a\T\b", "a&b"),
        (r"a\R\b", "a~b"),
        (r"a\E\b", "a\\b"),
        (r"a\.br\b", "a\nb"),
        (r"\H\bold\N\ ", "bold "),
        (r"\XE78E8B\示", "王示"),
        (r"\E\F\E\ ", r"\F\ "),
        (r"\Zunknown\ ", r"\Zunknown\ "),
        (r"\XFF\ ", r"\XFF\ "),
        ("open\\end", "open\\end"),
    ],
)
def test_an_escape_sequence_is_resolved_once(sent: str, meant: str) -> None:
    message = Message(f"{HEAD}\rNTE|1||{sent}")

    assert message.get("NTE", 3) == meant


def test_a_hexadecimal_escape_is_in_the_charset_of_the_message() -> None:
    raw = f"{HEAD}||||||GB 18030-2000\rNTE|1||\\XCDF5\\".encode()

    assert read("hl7v2", raw).body.get("NTE", 3) == "王"


def test_empty_and_explicitly_deleted_are_two_states() -> None:
    message = Message(f'{HEAD}\rPID|1||""^x||""|')

    assert message.get("PID", 3) is DELETE
    assert message.get("PID", 5) is DELETE
    assert message.get("PID", 6) is None
    assert message.get("PID", 60) is None
    assert message.get("ZZZ", 1) is None


def test_other_delimiters_are_those_of_the_header() -> None:
    message = Message("MSH#*@!%#HIS#H\rPID#1##a*b%c@d")

    segment = message.all("PID")[0]

    assert segment.get(3, 2, 2) == "c"
    assert [message.part(text) for text in segment.repetitions(3)] == ["a", "d"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_segments_end_with_cr_lf_or_both(end: str) -> None:
    message = Message(end.join([HEAD, "EVN|A03", "PID|1||P1", ""]))

    assert [segment.name for segment in message.segments] == ["MSH", "EVN", "PID"]
    assert message.get("EVN", 1) == "A03"


def test_a_line_feed_inside_a_cr_message_belongs_to_the_value() -> None:
    message = Message(f"{HEAD}\rNTE|1||first\nsecond\r")

    assert message.get("NTE", 3) == "first\nsecond"


def test_each_leaf_names_its_place() -> None:
    message = Message(f"{HEAD}\rDG1|1\rDG1|2||I63^脑梗死~I10")

    assert [leaf for leaf in message.leaves() if leaf[0].startswith("DG1")] == [
        ("DG1-1.1", "1"),
        ("DG1[2]-1.1", "2"),
        ("DG1[2]-3.1", "I63"),
        ("DG1[2]-3.2", "脑梗死"),
        ("DG1[2]-3[2].1", "I10"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "FMT-010"),
        ("PID|1", "FMT-010"),
        ("MSH|^~", "FMT-010"),
        ("MSH|^^\\&|HIS", "FMT-012"),
        ("MSH|^|HIS|X", "FMT-012"),
        ("MSHa^~\\&aHIS", "FMT-012"),
        (f"{HEAD}\rpid|1", "FMT-013"),
        (f"{HEAD}\rPIDX1", "FMT-013"),
        (f"{HEAD}\r{HEAD}", "FMT-013"),
        (HEAD + "\rNTE" * MAX_SEGMENTS, "FMT-014"),
        (f"{HEAD}\rNTE" + "|" * 1001, "FMT-014"),
    ],
)
def test_text_that_is_no_message_is_refused(text: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        Message(text)

    assert caught.value.code == code


def test_a_message_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(Problem) as caught:
        read("hl7v2", b"\xff" * (4 * 1024 * 1024 + 1))

    assert caught.value.code == "FMT-002"


@pytest.mark.parametrize(
    ("accept", "application", "is_enhanced"), [("", "", False), ("AL", "NE", True), ("", "AL", True)]
)
def test_enhanced_mode_is_asked_for_by_either_field(accept: str, application: str, is_enhanced: bool) -> None:  # noqa: FBT001
    message = Message(f"{HEAD}|||{accept}|{application}")

    assert message.is_enhanced is is_enhanced


def test_the_header_tells_who_sent_what() -> None:
    message = Message(HEAD)

    assert (message.sender, message.event, message.control_id) == (("HIS", "HOSPITAL"), "ADT^A03", "M1")


def _with_carriage_returns() -> str:
    return SAMPLE.read_text(encoding="utf-8").replace("\n", "\r")


def _repetitions(message: Message) -> list[tuple[str, int, int, list[str]]]:
    return [
        (segment.name, index, number, text.split(message.component))
        for segment in message.segments
        for index in range(3 if segment.name == "MSH" else 1, segment.count + 1)
        for number, text in enumerate(segment.repetitions(index), 1)
    ]


def _walk(parent: Group) -> list[Segment]:
    found: list[Segment] = []
    for child in parent.children:
        found += _walk(child) if isinstance(child, Group) else [child]
    return found


def _escaped(value: str) -> str:
    return "".join(f"\\{SIGNS[sign]}\\" if sign in SIGNS else sign for sign in value)


def _outcome(body: str) -> str:
    try:
        places = [place for place, _ in Message(f"{HEAD}\r{body}").leaves()]
    except Problem as problem:
        return problem.code
    return "each place once" if len(places) == len(set(places)) else "a place twice"
