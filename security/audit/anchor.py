"""The anchor: an append-only file outside the database with a copy of every signed checkpoint.

One JSON line a note, on disk when `append` returns. A tail cut in the database together with its checkpoints is found
here; the file itself belongs on another machine as soon as there is one (syslog, object store with lock, a witness).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from gateway.fhir.problem import Problem

MODE = 0o600
# Holds the newest note with room to spare: a head's line has about 150 bytes, so some hundred writers.
TAIL_BYTES = 256 * 1024


def prepare(path: Path) -> None:
    """Make sure that notes can be appended to ``path``. Raises Problem("SEC-952") when they cannot."""
    append(path, ())


def append(path: Path, notes: Iterable[str]) -> None:
    """Add ``notes`` and wait until they are on disk; processes take turns. Raises Problem("SEC-952")."""
    lines = b"".join(orjson.dumps({"note": note}, option=orjson.OPT_APPEND_NEWLINE) for note in notes)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, MODE)
        with os.fdopen(fd, "r+b", buffering=0) as file:
            fcntl.flock(fd, fcntl.LOCK_EX)
            file.write(_ended(fd) + lines)
            os.fsync(fd)
    except OSError as error:
        raise Problem("SEC-952", path=str(path), reason=error.strerror or "") from None


def read(path: Path) -> Iterator[str | None]:
    """Yield the notes in order; None for a line that is none (a write that the power cut, or a hand)."""
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield _note(line)


def last(path: Path) -> tuple[str, ...]:
    """Return the newest notes: those in the last TAIL_BYTES of the file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        notes = [_note(line) for line in file]
    return tuple(note for note in notes if note)


def _note(line: bytes) -> str | None:
    try:
        note = orjson.loads(line)["note"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return note if isinstance(note, str) else None


def _ended(fd: int) -> bytes:
    """Return the newline that a torn last line lacks, so that the next note stands on its own line."""
    size = os.fstat(fd).st_size
    return b"\n" if size and os.pread(fd, 1, size - 1) != b"\n" else b""
