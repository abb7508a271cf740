"""What a map asks of the segments of one name, read at once: each segment is split once and its values are numbered.

In: positions, while a map is compiled; then segments. Out: the values of a segment in the order of the numbers, the
same as `Message.part` gives one by one. Source: HL7 v2.5.1 §2.5 to §2.10, as `gateway.formats.hl7v2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.formats.hl7v2 import NULL, Message, Segment, Value
from gateway.formats.record import DELETE
from gateway.mapping.ir import Selector

_DELIMITERS: Final = 2
"""MSH-1 and MSH-2 are made of the signs that split all else."""


class Position(NamedTuple):
    """One value of a segment: its field, which repetition (None: the first), component, subcomponent."""

    field: int
    repetition: Selector | None
    component: int
    subcomponent: int


class _Plan(NamedTuple):
    """What is asked of one field: the number of its plain value (-1: not asked), of further parts, by selectors."""

    field: int
    plain: int
    parts: list[tuple[int, int, int]]
    picked: list[tuple[int, Selector, int, int]]


class Fields:
    """The positions that a map asks for in segments of one name."""

    def __init__(self) -> None:
        """Begin with none."""
        self._numbers: dict[Position, int] = {}
        self._plans: list[_Plan] = []

    def number(self, position: Position) -> int:
        """Return the number of ``position``, a new one for a new position."""
        if position not in self._numbers:
            self._numbers[position] = len(self._numbers)
            self._plans = [self._plan(field) for field in sorted({one.field for one in self._numbers})]
        return self._numbers[position]

    def _plan(self, field: int) -> _Plan:
        plain = Position(field, None, 1, 1)
        asked = [(number, *one[1:]) for one, number in self._numbers.items() if one.field == field]
        return _Plan(
            field,
            self._numbers.get(plain, -1),
            [(number, part, inner) for number, picked, part, inner in asked if picked is None],
            [(number, picked, part, inner) for number, picked, part, inner in asked if picked is not None],
        )

    def of(self, segment: Segment | None) -> Sequence[Value]:
        """Return the values of ``segment`` by number, worked out once; None each when there is no segment."""
        if segment is None:
            return [None] * len(self._numbers)
        found: Sequence[Value] | None = segment.picked.get(self)
        if found is None:
            found = segment.picked[self] = self._read(segment)
        return found

    def _read(self, segment: Segment) -> list[Value]:
        out: list[Value] = [None] * len(self._numbers)
        message, fields = segment.message, segment.fields
        for field, plain, parts, picked in self._plans:
            text = fields[field] if field < len(fields) else ""
            if text == "":
                continue
            # No sign that splits or escapes is a letter or a digit.
            if text.isalnum() and not picked:
                if plain >= 0:
                    out[plain] = text
                continue
            texts = [text]
            if segment.name == "MSH" and field <= _DELIMITERS:
                for number, part, inner in parts:
                    out[number] = segment.get(field, part, inner)
            else:
                texts = text.split(message.repetition) if message.repetition in text else texts
                if parts:
                    _fill(out, message, texts[0], parts)
            for number, selector, part, inner in picked:
                chosen = _chosen(message, texts, selector)
                if chosen is not None:
                    out[number] = message.part(chosen, part, inner)
        return out


def _fill(out: list[Value], message: Message, text: str, parts: list[tuple[int, int, int]]) -> None:
    """Put the ``parts`` of one repetition into ``out``."""
    if text == NULL:
        for number, part, _ in parts:
            out[number] = DELETE if part == 1 else None
        return
    split = text.split(message.component)
    for number, part, inner in parts:
        found = split[part - 1] if part <= len(split) else ""
        if found != "":
            out[number] = found if inner == 1 and found.isalnum() else message.inner(found, inner)


def _chosen(message: Message, texts: list[str], picked: Selector) -> str | None:
    """Return the first repetition that ``picked`` lets through."""
    if picked.number:
        return texts[picked.number - 1] if picked.number <= len(texts) else None
    for text in texts:
        if message.part(text, picked.index, picked.component) == picked.value:
            return text
    return None
