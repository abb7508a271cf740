"""Senders that cut the line in the middle of a frame, or never read their answers: they harm nobody but themselves."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

from tests.chaos.house import House
from tests.chaos.judge import judge
from tests.chaos.load import Message, make_load
from tests.chaos.senders import Senders
from tests.chaos.storm import EVERYTHING, SEED, housed, told

MIB = 1024 * 1024
MESSAGES = 150
DEAF = 4
"""Lines whose answers nobody reads."""
FRAMES = 2_000
"""Frames that each of them would send: more than any socket buffer takes."""
GROWTH = 160 * MIB
"""Far below what the deaf lines would pile up without back-pressure, well above what 150 records need."""


async def test_a_frame_that_is_cut_is_no_message_and_comes_again_whole(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    rng = random.Random(SEED)  # noqa: S311 - not a secret
    async with housed(tmp_path) as house:
        load = make_load(SEED + 7, MESSAGES)
        senders = Senders(house)
        await senders.gate.open_to(EVERYTHING)
        frames = [message for life in load.lives for message in life if message.by_line]
        cutting = asyncio.create_task(_cut(house, frames, rng))
        await senders.send_all(load)
        await cutting
        verdict = await judge(house, load, senders)
        await senders.close()

    tell(f"{told('lines cut in the middle of a frame', SEED + 7, [], load, verdict)} cut={len(frames)}")
    assert verdict.holds(), verdict.told()


async def _cut(house: House, frames: list[Message], rng: random.Random) -> None:
    """Send a part of each frame and close the line, half of them rudely."""
    for message in frames:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.settings.mllp_port)
        writer.write(b"\x0b" + message.body[: rng.randrange(1, len(message.body))])
        if rng.random() < 0.5:
            writer.transport.abort()
        else:
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()


async def test_senders_that_never_read_their_answers_are_held_back(tmp_path: Path, tell: Callable[[str], None]) -> None:
    async with housed(tmp_path) as house:
        load = make_load(SEED + 8, MESSAGES)
        senders = Senders(house)
        before = _memory(house)
        frame = _much_to_say(next(one for life in load.lives for one in life if one.by_line and one.expect == "AA"))
        deaf = [asyncio.create_task(_never_read(house, frame)) for _ in range(DEAF)]
        await senders.gate.open_to(EVERYTHING)
        await senders.send_all(load)
        grown = _memory(house) - before
        for line in deaf:
            line.cancel()
        ends = await asyncio.gather(*deaf, return_exceptions=True)
        verdict = await judge(house, load, senders)
        await senders.close()

    tell(f"{told('answers never read', SEED + 8, [], load, verdict)} deaf={DEAF} grown={grown // MIB}MiB")
    assert verdict.holds(), verdict.told()
    assert FRAMES not in ends, "a deaf sender could send everything"
    assert grown < GROWTH


async def _never_read(house: House, frame: bytes) -> int:
    """Send FRAMES frames and read nothing; return how many went out, when all did."""
    loop = asyncio.get_running_loop()
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.setblocking(False)
        await loop.sock_connect(line, ("127.0.0.1", house.settings.mllp_port))
        for _ in range(FRAMES):
            await loop.sock_sendall(line, frame)
    return FRAMES


def _much_to_say(like: Message) -> bytes:
    """Return a frame that is parked, with an answer of some 12 kB: it lists seventy faults."""
    wrong = "".join(f"DG1|{at}||X{at}.900^x^ICD10GB||2026134{at % 10}|F|||||||||2\r" for at in range(9, 80))
    body = like.body.decode().replace(like.id, f"DEAF-{like.id}") + wrong
    return b"\x0b" + body.encode() + b"\x1c\r"


def _memory(house: House) -> int:
    """Return what the server holds in memory, in bytes."""
    assert house.process is not None
    pages = Path(f"/proc/{house.process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
