"""MLLP frames survive any splitting and joining of the stream."""

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.intake.mllp import Cut, Framer, MllpServer, TooLarge, send
from tests.budget import examples

CONTENT = st.binary(max_size=200).map(lambda raw: raw.replace(b"\x1c", b" "))


@settings(max_examples=examples(200))
@given(st.lists(CONTENT, max_size=5), st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(contents: list[bytes], steps: list[int]) -> None:
    stream = b"".join(b"\x0b" + content + b"\x1c\r" for content in contents)
    framer, out, at, turn = Framer(), [], 0, 0

    while at < len(stream):
        step = steps[turn % len(steps)]
        out += framer.feed(stream[at : at + step])
        at, turn = at + step, turn + 1

    assert out == contents
    assert framer.close() is None


NOISE = st.binary(max_size=6).map(lambda raw: raw.replace(b"\x0b", b" "))


@settings(max_examples=examples(150))
@given(st.lists(st.tuples(NOISE, CONTENT, NOISE), max_size=4), st.data())
def test_one_byte_at_a_time_all_at_once_or_cut_anywhere_makes_no_difference(
    parts: list[tuple[bytes, bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(before + b"\x0b" + content + b"\x1c\r" + after for before, content, after in parts)
    cut = data.draw(st.integers(0, len(stream)))
    ways = [[stream], [stream[at : at + 1] for at in range(len(stream))], [stream[:cut], stream[cut:]]]

    heard = []
    for pieces in ways:
        framer = Framer()
        heard.append(([frame for piece in pieces for frame in framer.feed(piece)], framer.close()))

    assert heard == [([content for _, content, _ in parts], None)] * 3


@settings(max_examples=examples(150))
@given(st.binary(max_size=120), st.lists(st.integers(1, 30), min_size=1), st.integers(1, 40))
def test_any_stream_is_frames_within_the_limit_or_one_refusal(stream: bytes, steps: list[int], limit: int) -> None:
    framer, out, at, turn = Framer(limit), [], 0, 0

    while at < len(stream) and not (out and isinstance(out[-1], TooLarge)):
        out += framer.feed(stream[at : at + steps[turn % len(steps)]])
        at, turn = at + steps[turn % len(steps)], turn + 1

    whole = [frame for frame in out if isinstance(frame, bytes)]
    assert all(len(frame) <= limit and b"\x1c" not in frame for frame in whole)
    assert len(out) - len(whole) <= 1
    left = framer.close()
    assert left is None or len(left.partial) <= limit


@settings(max_examples=examples(5))
@given(st.integers(0, 2**32))
def test_one_mebibyte_of_chinese_comes_out_whole_in_pieces_of_any_size(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a repeatable test, no secret
    content = ("王示兰" * 120_000).encode()[: 1024 * 1024]
    stream, framer, out, at = b"\x0b" + content + b"\x1c\r", Framer(), [], 0

    while at < len(stream):
        step = chance.choice((1, 3, 1_000, 65_536))
        out += framer.feed(stream[at : at + step])
        at += step

    assert out == [content]


def test_one_mebibyte_of_chinese_comes_out_whole_byte_by_byte() -> None:
    content = ("示兰" * 180_000).encode("gb18030")[: 1024 * 1024]
    stream, framer = memoryview(b"\x0b" + content + b"\x1c\r"), Framer()

    out = [frame for at in range(len(stream)) for frame in framer.feed(bytes(stream[at : at + 1]))]

    assert out == [content]


def test_bytes_between_frames_are_skipped() -> None:
    frames = Framer().feed(b"\r\nnoise\x0bMSH|1\x1c\r\n\n\x0bMSH|2\x1c")

    assert frames == [b"MSH|1", b"MSH|2"]


def test_a_frame_that_never_ends_is_reported_as_cut() -> None:
    framer = Framer()

    frames = framer.feed(b"\x0bMSH|^~\\&|HIS")

    assert frames == []
    assert framer.close() == Cut(b"MSH|^~\\&|HIS")


def test_a_frame_over_the_limit_is_given_up_before_it_is_all_there() -> None:
    frames = Framer(limit=10).feed(b"\x0b" + b"x" * 11)

    assert frames == [TooLarge(b"x" * 11, 10)]


def test_a_frame_of_exactly_the_limit_passes() -> None:
    frames = Framer(limit=10).feed(b"\x0b" + b"x" * 10 + b"\x1c\r")

    assert frames == [b"x" * 10]


class Echo:
    """Answers each frame with its own bytes and remembers what never became one."""

    def __init__(self) -> None:
        self.faults: list[Cut | TooLarge] = []
        self.noticed = asyncio.Event()

    async def frame(self, content: bytes, *, peer: str) -> bytes:
        return b"ACK " + content

    async def refused(self, fault: Cut | TooLarge, *, peer: str) -> bytes:
        self.faults.append(fault)
        self.noticed.set()
        return b"NAK" if isinstance(fault, TooLarge) else b""


async def test_each_frame_of_a_joined_burst_is_answered_in_order() -> None:
    server = MllpServer(Echo())
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    writer.write(b"\x0bone\x1c\r\x0btwo\x1c\r")

    assert await reader.readexactly(20) == b"\x0bACK one\x1c\r\x0bACK two\x1c\r"
    writer.close()
    await server.stop()


async def test_one_mebibyte_of_chinese_is_answered_whole() -> None:
    server = MllpServer(Echo())
    port = await server.start("127.0.0.1", 0)
    text = ("王示兰" * 120_000).encode()

    answer = await send("127.0.0.1", port, text)

    assert answer == b"ACK " + text
    await server.stop()


async def test_a_line_cut_in_the_middle_of_a_frame_gets_no_reply_but_is_noticed() -> None:
    echo = Echo()
    server = MllpServer(echo)
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    writer.write(b"\x0bMSH|half")
    writer.write_eof()

    assert await reader.read() == b""
    await echo.noticed.wait()
    assert echo.faults == [Cut(b"MSH|half")]
    writer.close()
    await server.stop()


async def test_a_frame_too_large_is_answered_and_the_line_closed() -> None:
    echo = Echo()
    server = MllpServer(echo, limit=100)
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    writer.write(b"\x0b" + b"x" * 101)

    assert await reader.read() == b"\x0bNAK\x1c\r"
    writer.close()
    await server.stop()
