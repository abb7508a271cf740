"""HL7 v2 bytes to a message that is split only where somebody looks (HL7 v2.5.1 §2.5 to §2.10).

In: one message, CR, LF or CRLF between segments, delimiters from MSH-1 and MSH-2. Out: segments, fields, repetitions,
components, each value unescaped once; empty is None, `""` is DELETE. Refused: no header, bad delimiters or segment
names, too large, too many segments (FMT-002, FMT-010 to FMT-014).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from gateway.fhir.problem import Problem
from gateway.formats.charset import decode
from gateway.formats.record import DELETE, MAX_BYTES, Record

MAX_SEGMENTS: Final = 10_000
"""Most segments of a message (design default; a long stay has some hundreds)."""
MAX_FIELDS: Final = 1_000
"""Most fields of a segment (design default; the standard's longest has 50)."""
MAX_HEADER_BYTES: Final = 4096
"""An MSH has some 200 bytes."""
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
NULL: Final = '""'
"""An explicit nothing: the sender deletes the value (HL7 v2.5.1 §2.5.3)."""
_FIXED = {"H": "", "N": "", ".br": "\n", ".sp": "\n"}
Value = Any
"""str, None (empty) or DELETE."""


class Segment:
    """One segment: its name, its number among those of the same name (1-based) and its fields, split when asked.

    ``picked`` is for whoever reads by selectors, to remember what they found.
    """

    __slots__ = ("_fields", "_line", "_values", "message", "name", "number", "picked")

    def __init__(self, message: Message, name: str, number: int, line: str) -> None:
        """Hold ``line``, the segment's text without its terminator."""
        self.message = message
        self.name = name
        self.number = number
        self._line = line
        self._fields: list[str] | None = None
        self._values: dict[tuple[int, int, int], Value] = {}
        self.picked: dict[object, Value] = {}

    def field(self, index: int) -> str:
        """Return field ``index`` (1-based) as sent, "" when absent; MSH-1 is the separator itself."""
        fields = self.fields
        return fields[index] if index < len(fields) else ""

    @property
    def fields(self) -> list[str]:
        """Return every field as sent, the name first; nobody changes the list."""
        fields = self._fields
        if fields is None:
            fields = self._line.split(self.message.separator)
            if self.name in ("MSH", "BHS", "FHS"):
                fields.insert(1, self.message.separator)
            self._fields = fields
        return fields

    @property
    def count(self) -> int:
        """Return how many fields the segment has."""
        return len(self.fields) - 1

    def repetitions(self, index: int) -> list[str]:
        """Return the repetitions of field ``index`` as sent; none for an empty field."""
        text = self.field(index)
        if not text:
            return []
        if self.name == "MSH" and index <= 2:
            return [text]
        sign = self.message.repetition
        return text.split(sign) if sign in text else [text]

    def get(self, index: int, component: int = 1, subcomponent: int = 1) -> Value:
        """Return one value of the first repetition of field ``index``; worked out once, maps ask again."""
        key = index, component, subcomponent
        try:
            return self._values[key]
        except KeyError:
            found = self._values[key] = self._value(index, component, subcomponent)
            return found

    def _value(self, index: int, component: int, subcomponent: int) -> Value:
        text = self.field(index)
        if not text:
            return None
        message = self.message
        if self.name == "MSH" and index <= 2:
            return text
        if message.repetition in text:
            text = text.split(message.repetition, 1)[0]
        return message.part(text, component, subcomponent)


class Message:
    """One message: its delimiters, how it was decoded, its segments in order."""

    __slots__ = ("_by_name", "charset", "component", "declared_charset", "escape", "repetition", "segments",
                 "separator", "subcomponent")  # fmt: skip

    def __init__(self, text: str, *, charset: str = "utf-8", declared_charset: str = "") -> None:
        """Split ``text`` into segments; Problem FMT-010 to FMT-014."""
        self.charset = charset
        self.declared_charset = declared_charset
        self._read_delimiters(text)
        self.segments: list[Segment] = []
        self._by_name: dict[str, list[Segment]] = {}
        for number, line in enumerate(_lines(text), 1):
            self._add(number, line)

    def _read_delimiters(self, text: str) -> None:
        if text[:3] != "MSH" or len(text) < 8:
            raise Problem("FMT-010", source="MSH")
        self.separator = text[3]
        encoding = text[4:].split(self.separator, 1)[0]
        signs = self.separator + encoding
        if not 2 <= len(encoding) <= 5 or len(set(signs)) != len(signs) or any(_is_text(sign) for sign in signs):
            raise Problem("FMT-012", source="MSH-2")
        self.component = encoding[0]
        self.repetition = encoding[1]
        self.escape = encoding[2:3] or "\\"
        self.subcomponent = encoding[3:4] or "&"

    def _add(self, number: int, line: str) -> None:
        name = line[:3]
        if number > MAX_SEGMENTS or line.count(self.separator) > MAX_FIELDS:
            raise Problem("FMT-014", limit=MAX_SEGMENTS)
        if not _NAME.fullmatch(name) or line[3:4] not in ("", self.separator):
            raise Problem("FMT-013", source=f"segment {number}", number=number)
        if name == "MSH" and number > 1:
            raise Problem("FMT-013", source=f"segment {number}", number=number)
        same = self._by_name.setdefault(name, [])
        segment = Segment(self, name, len(same) + 1, line)
        same.append(segment)
        self.segments.append(segment)

    def all(self, name: str) -> list[Segment]:
        """Return the segments called ``name`` in order; none when there is none."""
        return self._by_name.get(name, [])

    def get(self, name: str, index: int, component: int = 1, subcomponent: int = 1) -> Value:
        """Return one value of the first segment ``name``."""
        segments = self._by_name.get(name)
        return segments[0].get(index, component, subcomponent) if segments else None

    def part(self, text: str, component: int = 1, subcomponent: int = 1) -> Value:
        """Return a component of ``text``, one repetition as sent."""
        if text == NULL:
            return DELETE if component == 1 else None
        if self.component in text:
            text = _nth(text, self.component, component)
        elif component != 1:
            return None
        return self.inner(text, subcomponent)

    def inner(self, text: str, subcomponent: int = 1) -> Value:
        """Return a subcomponent of ``text``, one component as sent."""
        if self.subcomponent in text:
            text = _nth(text, self.subcomponent, subcomponent)
        elif subcomponent != 1:
            return None
        if text == "":
            return None
        if text == NULL:
            return DELETE
        return self.unescape(text) if self.escape in text else text

    def unescape(self, text: str) -> str:
        """Return ``text`` with its escape sequences resolved once; an unknown one stays as it is (§2.7)."""
        first, *rest = text.split(self.escape)
        out = [first]
        while rest:
            body = rest.pop(0)
            if not rest:  # an escape sign that nothing closes
                out.append(self.escape + body)
                break
            known = self._resolve(body)
            if known is None:
                out.append(self.escape + body)
                continue  # the closing sign may open the next sequence
            out.append(known)
            out.append(rest.pop(0))
        return "".join(out)

    def _resolve(self, body: str) -> str | None:
        if len(body) == 1 and body in "FSTRE":
            return {"F": self.separator, "S": self.component, "T": self.subcomponent, "R": self.repetition,
                    "E": self.escape}[body]  # fmt: skip
        if body[:1] == "X" and len(body) > 1:
            try:
                return bytes.fromhex(body[1:]).decode(self.charset)
            except ValueError:
                return None
        return _FIXED.get(body)

    @property
    def control_id(self) -> str:
        """Return MSH-10, "" when empty."""
        return _plain(self.get("MSH", 10))

    @property
    def sender(self) -> tuple[str, str]:
        """Return MSH-3.1 and MSH-4.1: sending application and facility."""
        return _plain(self.get("MSH", 3)), _plain(self.get("MSH", 4))

    @property
    def event(self) -> str:
        """Return MSH-9 as `ADT^A03`."""
        return f"{_plain(self.get('MSH', 9))}^{_plain(self.get('MSH', 9, 2))}"

    @property
    def is_enhanced(self) -> bool:
        """Return whether the sender asks for enhanced acknowledgement: MSH-15 or MSH-16 is valued (§2.9.3)."""
        return bool(_plain(self.get("MSH", 15)) or _plain(self.get("MSH", 16)))

    def leaves(self) -> Iterator[tuple[str, Value]]:
        """Yield each filled value with its place, `DG1[2]-3.1` or `PID-3[2].5`, in source order."""
        for segment in self.segments:
            place = segment.name if segment.number == 1 else f"{segment.name}[{segment.number}]"
            for index in range(1, segment.count + 1):
                yield from self._field_leaves(segment, index, f"{place}-{index}")

    def _field_leaves(self, segment: Segment, index: int, place: str) -> Iterator[tuple[str, Value]]:
        if segment.name == "MSH" and index <= 2:
            return
        for number, text in enumerate(segment.repetitions(index), 1):
            at = place if number == 1 else f"{place}[{number}]"
            for component in range(1, text.count(self.component) + 2):
                value = self.part(text, component)
                if value is not None:
                    yield f"{at}.{component}", value


def read(raw: bytes, *, limit: int = MAX_BYTES) -> Record:
    """Return the record of one message; Problem FMT-002, FMT-003, FMT-010 to FMT-014."""
    if len(raw) > limit:
        raise Problem("FMT-002", limit=limit)
    decoded = decode(raw)
    return Record("hl7v2", Message(decoded.text, charset=decoded.codec, declared_charset=decoded.declared), raw)


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _is_text(sign: str) -> bool:
    return sign.isalnum() or sign.isspace() or ord(sign) < 32


def _nth(text: str, sign: str, number: int) -> str:
    parts = text.split(sign)
    return parts[number - 1] if number <= len(parts) else ""


def header(raw: bytes) -> Message | None:
    """Return the MSH of bytes that cannot be read as a whole, so that a refusal names its message; None without one."""
    line = re.split(rb"[\r\n]", raw[:MAX_HEADER_BYTES], maxsplit=1)[0]
    try:
        return Message(line.decode("ascii", "replace"), declared_charset="UNICODE UTF-8")
    except Problem:
        return None


def _lines(text: str) -> list[str]:
    """Return the segments' lines: CR ends a segment; LF does only in a message that has no CR."""
    lines = text.split("\r") if "\r" in text else text.split("\n")
    return [line for line in (line.strip("\n") for line in lines) if line]
