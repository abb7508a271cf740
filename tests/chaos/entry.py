"""`yiyang` with faults built in: the public functions of its rooms are wrapped, the product itself is untouched.

    YIYANG_CHAOS_STRIKE=<file> YIYANG_CHAOS_CLOCK=<file> python -m tests.chaos.entry serve ...

Workers of `serve --workers` are processes of their own; `hook/sitecustomize.py` plants the same in them.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.chaos.points import CLOCK, POINTS, STRIKE, Strike, struck

DURING_S = 0.0015
"""Some way into a statement that takes some milliseconds."""


class Striker:
    """Watch for the strike that is to come, and strike."""

    def __init__(self, path: Path) -> None:
        """Look at ``path``."""
        self._path = path
        self._seen = 0
        self._strike: Strike | None = None
        self._passed = 0

    def is_due(self, point: str) -> bool:
        """Count one passing of ``point``; tell whether this one is to be struck."""
        try:
            written = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if written != self._seen:
            self._seen, self._strike, self._passed = written, Strike.read(self._path), 0
        if self._strike is None or self._strike.point != point:
            return False
        self._passed += 1
        return self._passed >= self._strike.nth

    def fall(self) -> None:
        """Strike, unless another process was first."""
        strike = self._strike
        try:
            self._path.rename(struck(self._path))
        except FileNotFoundError:
            return
        if strike is not None:
            kill(strike.who)


def plant(path: Path) -> None:
    """Wrap the functions of all points."""
    striker = Striker(path)
    for point, (place, when) in POINTS.items():
        module, _, name = place.partition(":")
        owner: Any = importlib.import_module(module)
        *outer, last = name.split(".")
        for part in outer:
            owner = getattr(owner, part)
        function = getattr(owner, last)
        if asyncio.iscoroutinefunction(function):
            setattr(owner, last, _waited(function, point, when, striker))
        else:
            setattr(owner, last, _plain(function, point, striker))


def _plain(function: Callable[..., Any], point: str, striker: Striker) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **options: Any) -> Any:
        if striker.is_due(point):
            striker.fall()
        return function(*args, **options)

    return wrapped


def _waited(function: Callable[..., Any], point: str, when: str, striker: Striker) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapped(*args: Any, **options: Any) -> Any:
        if when == "after":
            result = await function(*args, **options)
            # A claim that found no row claimed nothing.
            if result != [] and striker.is_due(point):
                striker.fall()
            return result
        if striker.is_due(point):
            if when == "before":
                striker.fall()
            else:
                asyncio.get_running_loop().call_later(DURING_S, striker.fall)
        return await function(*args, **options)

    return wrapped


def kill(who: str) -> None:
    """Send SIGKILL to ``who``."""
    if who in ("self", "parent"):
        os.kill(os.getpid() if who == "self" else os.getppid(), signal.SIGKILL)
        signal.pause()  # a worker ends with its parent
    database = int((Path(os.environ["YIYANG_HOME"]) / "pg" / "postmaster.pid").read_text().split()[0])
    if who == "all":
        for pid in (parent_of(database), database, os.getpid()):
            os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(_backend_of(database) if who == "backend" else database, signal.SIGKILL)


def parent_of(pid: int) -> int:
    """Return the parent of ``pid``. OSError when it has ended."""
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def children_of(parent: int) -> list[int]:
    """Return the processes whose parent is ``parent``."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            if parent_of(int(path.name)) == parent:
                found.append(int(path.name))
    return found


def _backend_of(postmaster: int) -> int:
    """Return a process of the server that works for a client, else the server."""
    for pid in children_of(postmaster):
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres: yiyang"):
                return pid
    return postmaster


def clock_of(file: Path) -> datetime:
    """Return the time, wrong by the seconds that stand in ``file``."""
    ahead = float(file.read_text(encoding="ascii") or 0) if file.exists() else 0.0
    return datetime.now(UTC) + timedelta(seconds=ahead)


def shift_clock(file: Path) -> None:
    """Make this process's clock wrong by the seconds that ``file`` names at the moment."""
    from gateway.app import app, rooms

    def wrong() -> datetime:
        return clock_of(file)

    function: Any
    for function in (app.open_app, rooms.open_rooms):
        function.__wrapped__.__kwdefaults__["now"] = wrong


def tell_where(*_: object) -> None:
    """Write on stderr where every task of this process waits: for a test that hangs."""
    for task in asyncio.all_tasks():
        print(f"WAITS {task.get_name()}: {' > '.join(_frames(task.get_coro()))}", file=sys.stderr)  # noqa: T201
    sys.stderr.flush()


def _frames(waiting: Any) -> Iterator[str]:
    """Yield the places through which a coroutine waits, outermost first."""
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
        if frame is not None:
            yield f"{frame.f_code.co_qualname}:{frame.f_lineno}"
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)


def prepare() -> None:
    """Plant what the environment asks for."""
    signal.signal(signal.SIGUSR1, tell_where)
    if strike := os.environ.get(STRIKE):
        plant(Path(strike))
    if clock := os.environ.get(CLOCK):
        shift_clock(Path(clock))


if __name__ == "__main__":
    from gateway.cli import main

    prepare()
    sys.exit(main(sys.argv[1:]))
