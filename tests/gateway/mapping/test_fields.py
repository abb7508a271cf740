"""The values of a segment read at once are those that are read one by one."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.formats.hl7v2 import Message, Segment
from gateway.mapping import reading
from gateway.mapping.fields import Fields, Position
from gateway.mapping.ir import Selector
from tests.budget import examples

HEADS = ["MSH|^~\\&|A|B", "MSH|^~\\&|", 'MSH|"~\\&|A', "MSH#$~!%#A"]
TEXTS = st.text(st.sampled_from('a1 示^~\\&|"$#%!FTX.'), max_size=14)
SELECTORS = st.none() | st.builds(Selector, st.integers(1, 3)) | st.builds(
    Selector, st.just(0), st.integers(1, 2), st.just(1), st.sampled_from(["a", "1", "示"])
)  # fmt: skip
POSITIONS = st.builds(Position, st.integers(1, 4), SELECTORS, st.integers(1, 3), st.integers(1, 2))


def one_by_one(segment: Segment, position: Position) -> Any:
    field, picked, component, subcomponent = position
    if picked is None:
        return segment.get(field, component, subcomponent)
    texts = reading.repetitions(segment, field, picked)
    return segment.message.part(texts[0], component, subcomponent) if texts else None


@settings(max_examples=examples(400), deadline=None)
@given(st.sampled_from(HEADS), TEXTS, st.lists(POSITIONS, min_size=1, max_size=8), st.sampled_from(["PID", "MSH"]))
@example(HEADS[0], '""', [Position(1, None, 1, 2), Position(1, None, 1, 1), Position(1, None, 2, 1)], "PID")
@example(HEADS[0], 'a^""~b', [Position(1, None, 2, 1), Position(1, Selector(2), 1, 1)], "PID")
def test_values_read_at_once_are_those_read_one_by_one(
    head: str, text: str, positions: list[Position], name: str
) -> None:
    message = Message(f"{head}\rPID{head[3]}{text}")
    fields = Fields()
    numbers = [fields.number(position) for position in positions]
    segment = message.all(name)[0]

    found = fields.of(segment)

    assert [found[number] for number in numbers] == [one_by_one(segment, position) for position in positions]


def test_a_segment_that_is_not_there_has_no_values() -> None:
    fields = Fields()
    number = fields.number(Position(3, None, 1, 1))

    assert fields.of(None)[number] is None
