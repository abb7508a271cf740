"""MLLP: frames on a TCP stream, one after another, answered in order (HL7 v2.5.1 appendix C, MLLP release 1).

In: a stream of bytes split and joined at will. Out: to the handler, the bytes of one frame without 0x0B/0x1C0D; to the
peer, the handler's answer framed. A frame that is cut short gets no reply, only the handler's word of it; a frame over
the limit is answered by the handler's refusal and the line is closed, because its end is not known.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")
START = b"\x0b"
END = b"\x1c"
MAX_FRAME_BYTES = 4 * 1024 * 1024
"""A discharge with its texts is some 20 kB; 4 MiB is the cap of architecture §7."""
IDLE_S = 300.0
"""A silent line is closed; the sender opens a new one (design default)."""
REPLY_S = 30.0
"""A peer that does not read its answers must not hold a message in memory longer (design default)."""
CLOSE_S = 5.0
"""The last answer of a line that is closed may take so long to leave; then the line is cut (design default)."""
CHUNK_BYTES = 64 * 1024
HEAD_BYTES = 512
"""Enough of a frame that is too large to find its MSH segment."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A frame that began and never ended: what of it arrived."""

    partial: bytes


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A frame beyond the limit: its first bytes and the limit in bytes."""

    head: bytes
    limit: int


class Framer:
    """Cut a stream into frames. Bytes between frames are skipped; a start byte inside a frame belongs to it."""

    def __init__(self, limit: int = MAX_FRAME_BYTES) -> None:
        """Start outside any frame; ``limit`` in bytes of one frame's content."""
        self._limit = limit
        self._buffer = bytearray()
        self._inside = False
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes | TooLarge]:
        """Return the frames that ``data`` completes, in order; after a TooLarge the framer is of no more use."""
        self._buffer += data
        frames: list[bytes | TooLarge] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
            if isinstance(frame, TooLarge):
                break
        return frames

    def close(self) -> Cut | None:
        """Return what was left unfinished, or None when the stream ended between frames."""
        return Cut(bytes(self._buffer)) if self._inside else None

    def _next(self) -> bytes | TooLarge | None:
        if not self._inside and not self._enter():
            return None
        end = self._end()
        if max(end, 0 if end >= 0 else len(self._buffer)) > self._limit:
            return self._give_up()
        if end < 0:
            return None
        frame = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._inside, self._searched = False, 0
        return frame

    def _give_up(self) -> TooLarge:
        head = bytes(self._buffer[:HEAD_BYTES])
        self._buffer.clear()
        self._inside = False
        return TooLarge(head, self._limit)

    def _enter(self) -> bool:
        start = self._buffer.find(START)
        if start < 0:
            self._buffer.clear()
            return False
        del self._buffer[: start + 1]
        self._inside, self._searched = True, 0
        return True

    def _end(self) -> int:
        """Return where 0x1C stands that ends the frame, searching each byte once.

        0x1C ends a frame with the CR that follows it or at the end of what has arrived; the CR itself is skipped as a
        byte between frames. GB18030 trail bytes start at 0x30, UTF-8's at 0x80: neither text can hold 0x1C.
        """
        found = self._buffer.find(END, self._searched)
        self._searched = len(self._buffer) if found < 0 else found
        return found


class Handler(Protocol):
    """What is done with frames. It never raises."""

    async def frame(self, content: bytes, *, peer: str) -> bytes:
        """Return the answer to one frame, unframed."""
        ...

    async def refused(self, fault: Cut | TooLarge, *, peer: str) -> bytes:
        """Take note of a frame that never became one; return an answer, or b"" for silence."""
        ...


class MllpServer:
    """Serve MLLP on one address; order is kept per line, lines run side by side."""

    def __init__(
        self,
        handler: Handler,
        *,
        limit: int = MAX_FRAME_BYTES,
        idle_s: float = IDLE_S,
        reply_s: float = REPLY_S,
        close_s: float = CLOSE_S,
    ) -> None:
        """Hold the handler and the limits (bytes, seconds)."""
        self._handler = handler
        self._limit = limit
        self._idle_s = idle_s
        self._reply_s = reply_s
        self._close_s = close_s
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int, *, share: bool = False) -> int:
        """Listen on ``host``:``port`` (0 = any) and return the port. OSError when it is taken.

        ``share`` lets other processes of ours listen there, too: the kernel gives each new line to one of them.
        """
        self._server = await asyncio.start_server(self._line, host, port, limit=CHUNK_BYTES, reuse_port=share or None)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and end every line; a frame in work is answered first."""
        if self._server is None:
            return
        self._server.close()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        await self._server.wait_closed()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._lines.add(task)
        peer = str(writer.get_extra_info("peername", ("",))[0])
        try:
            await self._serve(reader, writer, peer)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            # The line is gone or the server stops: what was acknowledged is durable, the rest comes again.
            return
        finally:
            if task is not None:
                self._lines.discard(task)
            await self._close(writer)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        """Close the line when its last answer has left, or cut it: a peer that does not read would hold it for ever."""
        writer.close()
        try:
            await _within(self._close_s, writer.wait_closed())
        except ConnectionError:
            return
        except (TimeoutError, asyncio.CancelledError):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        framer = Framer(self._limit)
        try:
            while data := await _within(self._idle_s, reader.read(CHUNK_BYTES)):
                for frame in framer.feed(data):
                    if isinstance(frame, TooLarge):
                        await self._answer(writer, self._handler.refused(frame, peer=peer))
                        return
                    # A reply in work is finished even when the server stops: the sender may hold the only copy.
                    await asyncio.shield(self._answer(writer, self._handler.frame(frame, peer=peer)))
        finally:
            if (cut := framer.close()) is not None:
                await asyncio.shield(self._handler.refused(cut, peer=peer))

    async def _answer(self, writer: asyncio.StreamWriter, pending: Awaitable[bytes]) -> None:
        reply = await pending
        if reply:
            writer.write(START + reply + END + b"\r")
            await _within(self._reply_s, writer.drain())


async def _within(seconds: float, awaited: Awaitable[T]) -> T:
    """Return what ``awaited`` gives. TimeoutError after ``seconds``.

    Not `asyncio.wait_for`: in Python 3.11 it can swallow a cancellation that meets the result.
    """
    async with asyncio.timeout(seconds):
        return await awaited


async def send(host: str, port: int, message: bytes, *, timeout_s: float = 10.0) -> bytes:
    """Send one message over a new line and return the answer without framing: for the demo and the tests.

    Raises TimeoutError after ``timeout_s`` seconds, ConnectionError when the line is closed without an answer.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(START + message + END + b"\r")
        await writer.drain()
        framer = Framer()
        while data := await _within(timeout_s, reader.read(CHUNK_BYTES)):
            for frame in framer.feed(data):
                if isinstance(frame, bytes):
                    return frame
        raise ConnectionError("the line was closed without an answer")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
