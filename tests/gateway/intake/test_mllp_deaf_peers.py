"""Peers that send and never read: the line is given up, and nothing of it stays."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.intake.mllp import Cut, MllpServer, TooLarge

ANSWER = b"x" * 8 * 1024 * 1024
"""More than the socket buffers of both sides take."""
WITHIN_S = 20.0


class _Talker:
    """Answers more than anybody wants to hear, and notes how much was asked."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def frame(self, content: bytes, *, peer: str) -> bytes:
        self.asked.set()
        return ANSWER

    async def refused(self, fault: Cut | TooLarge, *, peer: str) -> bytes:
        return b""


async def _deaf(port: int) -> socket.socket:
    """Return a line on which a frame was sent and whose answer is not read."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", port))
    await asyncio.get_running_loop().sock_sendall(line, b"\x0bhello\x1c\r")
    return line


async def _sending_on(line: socket.socket) -> None:
    """Send until the line is refused."""
    while True:
        await asyncio.sleep(0.2)
        await asyncio.get_running_loop().sock_sendall(line, b"\x0bhello\x1c\r")


async def test_a_line_whose_answers_are_not_read_is_given_up() -> None:
    talker = _Talker()
    server = MllpServer(talker, reply_s=0.1, close_s=0.1)
    line = await _deaf(await server.start("127.0.0.1", 0))

    await talker.asked.wait()
    async with asyncio.timeout(WITHIN_S):
        with pytest.raises(ConnectionError):
            await _sending_on(line)

    line.close()
    await server.stop()


async def test_the_server_stops_although_a_peer_does_not_read() -> None:
    talker = _Talker()
    server = MllpServer(talker, reply_s=WITHIN_S * 10, close_s=0.1)
    line = await _deaf(await server.start("127.0.0.1", 0))

    await talker.asked.wait()
    async with asyncio.timeout(WITHIN_S):
        await server.stop()

    line.close()
