"""The answer to an HL7 v2 message: MSH, MSA and an ERR per problem, in the sender's charset and delimiters.

Original mode AA/AE/AR; enhanced mode (MSH-15 or MSH-16 valued) CA/CE/CR (HL7 v2.5.1 §2.9.2, §2.9.3; ERR §2.15.5).
Texts come from the problem table and hold no patient data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Literal

from gateway.fhir.problem import Problem
from gateway.formats.hl7v2 import Message

Code = Literal["AA", "AE", "AR"]
_ENHANCED = {"AA": "CA", "AE": "CE", "AR": "CR"}
_SEVERITY = {"fatal": "F", "error": "E", "warning": "W", "information": "I"}
_CHINA = timezone(timedelta(hours=8))
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[(\d+)\])?(?:\.(\d+)(?:\.(\d+))?)?)?", re.ASCII)
_ERRORS = {
    "required": "101^Required field missing^HL70357",
    "code-invalid": "103^Table value not found^HL70357",
    "value": "102^Data type error^HL70357",
    "structure": "100^Segment sequence error^HL70357",
    "duplicate": "205^Duplicate key identifier^HL70357",
}
"""FHIR issue type -> HL7 table 0357; everything else is 207."""
MAX_ERRORS = 50
"""Most ERR segments of one answer (design default); the inbox keeps them all."""


def ack(
    message: Message | None,
    code: Code,
    problems: Sequence[Problem] = (),
    *,
    control_id: str,
    now: datetime,
    receiver: tuple[str, str] = ("YYHUB", "GATEWAY"),
) -> bytes:
    """Return the answer's bytes without MLLP framing, each segment ended by CR.

    ``message`` is None when nothing could be read: the answer then names no control id, in UTF-8. ``now`` is aware.
    """
    writer = _Writer(message)
    answer = code if message is None or not message.is_enhanced else _ENHANCED[code]
    lines = [_header(writer, message, control_id, now, receiver)]
    summary = problems[0].code if problems else ""
    lines.append(writer.segment("MSA", answer, writer.text(message.control_id) if message else "", summary))
    lines += [_error(writer, problem) for problem in problems[:MAX_ERRORS]]
    return writer.encode("".join(line + "\r" for line in lines))


class _Writer:
    """Write values with the sender's delimiters, escaped."""

    def __init__(self, message: Message | None) -> None:
        self.separator = message.separator if message else "|"
        self.component = message.component if message else "^"
        self.repetition = message.repetition if message else "~"
        self.escape = message.escape if message else "\\"
        self.subcomponent = message.subcomponent if message else "&"
        self.codec = message.charset if message else "utf-8"
        self.charset = message.declared_charset if message else "UNICODE UTF-8"
        self.lang: Literal["zh", "en"] = "en" if self.codec == "ascii" else "zh"

    def text(self, value: str) -> str:
        signs = {self.separator: "F", self.component: "S", self.subcomponent: "T", self.repetition: "R",
                 self.escape: "E"}  # fmt: skip
        out = "".join(f"{self.escape}{signs[sign]}{self.escape}" if sign in signs else sign for sign in value)
        return out.replace("\r", " ").replace("\n", " ")

    def composite(self, *parts: str) -> str:
        return self.component.join(self.text(part) for part in parts).rstrip(self.component)

    def segment(self, name: str, *fields: str) -> str:
        return self.separator.join((name, *fields)).rstrip(self.separator)

    def encode(self, text: str) -> bytes:
        return text.encode(self.codec, "replace")


def _header(writer: _Writer, message: Message | None, control_id: str, now: datetime, receiver: tuple[str, str]) -> str:
    encoding = writer.component + writer.repetition + writer.escape + writer.subcomponent
    application, facility = message.sender if message else ("", "")
    event = message.event.split("^")[1] if message else ""
    return writer.segment(
        "MSH",
        encoding,
        writer.text(receiver[0]),
        writer.text(receiver[1]),
        writer.text(application),
        writer.text(facility),
        now.astimezone(_CHINA).strftime("%Y%m%d%H%M%S+0800"),
        "",
        writer.composite("ACK", event, "ACK") if event else "ACK",
        writer.text(control_id),
        writer.text(_header_value(message, 11) or "P"),
        writer.text(_header_value(message, 12) or "2.5"),
        *[""] * 5,
        writer.text(writer.charset),
    )


def _header_value(message: Message | None, index: int) -> str:
    value = message.get("MSH", index) if message else None
    return value if isinstance(value, str) else ""


def _error(writer: _Writer, problem: Problem) -> str:
    """Return ERR-2 place, ERR-3 HL7 code, ERR-4 severity, ERR-5 our code, ERR-7 map line and target, ERR-8 the text."""
    place = _PLACE.match(problem.source)
    location = writer.composite(*(part or "" for part in _erl(place))) if place else ""
    number, words, table = _ERRORS.get(problem.row.issue, "207^Application internal error^HL70357").split("^")
    return writer.segment(
        "ERR",
        "",
        location,
        writer.composite(number, words, table),
        _SEVERITY[problem.severity],
        writer.composite(problem.code, problem.text("en")),
        "",
        writer.text(problem.where),
        writer.text(problem.text(writer.lang)),
    )


def _erl(place: re.Match[str]) -> tuple[str | None, ...]:
    """Return the components of an ERL: segment, its number, field, repetition, component, subcomponent."""
    name, number, index, repetition, component, subcomponent = place.groups()
    if index is None:
        return (name, number or "1")
    return (name, number or "1", index, repetition or "1", component, subcomponent)
