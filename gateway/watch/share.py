"""What the processes of one installation tell each other: each keeps a small file of its counts, any may read all.

In: this process's snapshot, now and then. Out: the sum. Counts of a process that died stay in the sum, so that no
counter runs backwards; a new start, when nobody else runs, begins at nothing. See docs/decisions/0101.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from gateway.watch.tally import Key, Snapshot

PRIVATE: Final = 0o700
_SUFFIX: Final = ".json"
METRICS: Final = "metrics"
"""The folder's name in the home folder."""
WORDS: Final = "words"
"""The file of the command line's words: no process of its own."""


class Share:
    """The files of one installation, in ``folder``; this process is ``pid``."""

    def __init__(self, folder: Path, *, pid: int = 0) -> None:
        """Hold the folder; nothing is touched before `begin`."""
        self._folder = folder
        self._pid = pid or os.getpid()
        self._telling = threading.Lock()

    def begin(self) -> None:
        """Make the folder; forget an earlier run's counts unless one of its processes still serves."""
        self._folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        others = list(self._others())
        if not any(_is_alive(pid) for pid, _ in others):
            for pid, path in others:
                if pid:
                    path.unlink(missing_ok=True)

    def tell(self, snapshot: Snapshot) -> None:
        """Write what this process counted so far; a reader sees the old file or the new one."""
        path = self._folder / f"{self._pid}{_SUFFIX}"
        beside = path.with_suffix(".new")
        with self._telling:
            beside.write_bytes(orjson.dumps(snapshot.rows()))
            beside.replace(path)

    def add(self, key: Key) -> None:
        """Add one to a counter on behalf of a word of the command line, whose process ends at once.

        Does nothing where no gateway tells anything.
        """
        path = self._folder / f"{WORDS}{_SUFFIX}"
        if not self._folder.is_dir():
            return
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            known = Snapshot.of(orjson.loads(file.read() or b"{}"))
            known.counts[key] = known.counts.get(key, 0) + 1
            file.truncate(0)
            file.write(orjson.dumps(known.rows()))

    def sum(self, own: Snapshot) -> tuple[Snapshot, list[int]]:
        """Return everything together, ``own`` as it is now, and the processes that live."""
        total, alive = Snapshot(), [self._pid]
        total.add(own, alive=True)
        for pid, path in self._others():
            with contextlib.suppress(OSError, orjson.JSONDecodeError, ValueError):
                lives = _is_alive(pid)
                total.add(Snapshot.of(orjson.loads(path.read_bytes())), alive=lives)
                alive += [pid] if lives else []
        return total, alive

    def _others(self) -> Iterator[tuple[int, Path]]:
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            if path.stem == WORDS:
                yield 0, path
            elif path.stem.isdigit() and int(path.stem) != self._pid:
                yield int(path.stem), path


def _is_alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
