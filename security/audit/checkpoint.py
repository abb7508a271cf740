"""The checkpoint: one signed note over the heads of all writers at one moment.

Text, in the manner of C2SP tlog-checkpoint: origin, number of rows, root over the heads, then one line a fact:
``number``, ``time``, and for every writer ``head <writer> <seq> <chain> <tree root>``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from security.audit.chain import Tree


@dataclass(frozen=True, slots=True)
class WriterHead:
    """One writer's row count, chain value and tree root."""

    writer: str
    seq: int
    chain: bytes
    root: bytes

    def line(self) -> str:
        """Return the line of the note."""
        return f"head {self.writer} {self.seq} {_text(self.chain)} {_text(self.root)}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a note says. ``time`` is its ISO 8601 instant; ``heads`` are in the order of the writers' names."""

    origin: str
    number: int
    time: str
    heads: tuple[WriterHead, ...]

    def text(self) -> str:
        """Return the note's text, ready to be signed."""
        size = sum(head.seq for head in self.heads)
        lines = (self.origin, str(size), _text(_root(self.heads)), f"number {self.number}", f"time {self.time}")
        return "".join(f"{line}\n" for line in (*lines, *(head.line() for head in self.heads)))


def make(origin: str, number: int, *, at: datetime, heads: Iterable[WriterHead]) -> Checkpoint:
    """Return the checkpoint ``number`` of ``heads``, taken ``at`` (aware)."""
    ordered = tuple(sorted(heads, key=lambda head: head.writer))
    return Checkpoint(origin, number, at.isoformat(), ordered)


def parse(text: str) -> Checkpoint:
    """Return what ``text`` says, its signature unchecked. ValueError when it is not exactly a checkpoint's text."""
    origin, _, _, number, time, *heads = text.splitlines()
    found = Checkpoint(
        origin,
        int(number.removeprefix("number ")),
        time.removeprefix("time "),
        tuple(_head(line) for line in heads),
    )
    if found.text() != text:
        raise ValueError("not the text of a checkpoint")
    return found


def _head(line: str) -> WriterHead:
    _, writer, seq, chain, root = line.split(" ")
    return WriterHead(writer, int(seq), base64.b64decode(chain, validate=True), base64.b64decode(root, validate=True))


def _root(heads: Iterable[WriterHead]) -> bytes:
    tree = Tree()
    for head in heads:
        tree.append(head.line().encode())
    return tree.root()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
