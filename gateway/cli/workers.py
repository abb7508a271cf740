"""Several workers on one database and one pair of ports, and a parent that keeps them alive.

In: settings and a number. Out: doors that all workers share. The parent owns the database (unless it is another's) and
holds the ports; it serves nothing itself. A worker that dies is started again; one that never gets ready any more ends
the whole with one line. Source: docs/decisions/0085-workers.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from gateway.app.database import open_database
from gateway.cli.ports import reserved
from gateway.cli.running import announced, doors_of
from gateway.config import Settings
from gateway.fhir.problem import Problem, Problems

log = logging.getLogger("yiyang.workers")
READY_S: Final = 120.0
"""A worker that is not ready by then hangs (design default)."""
SETTLED_S: Final = 30.0
"""Who lived that long did not die of its start: the next pause is the shortest again (design default)."""
PAUSE_S: Final = 0.1
MAX_PAUSE_S: Final = 5.0
GIVE_UP_AFTER: Final = 10
"""Starts in a row that never got ready, the database answering: some 40 s (design default)."""
STOP_S: Final = 30.0
"""A worker finishes its commits and signs its last checkpoint; who takes longer is killed (design default)."""
_DOWN: Final = 503
_SAID: Final = ("home", "database_url", "host", "port", "mllp_host", "mllp_port", "admin_host", "admin_port")


@dataclass(slots=True)
class _Life:
    """How one life of a worker went: whether it got ready, what it said when it did not."""

    ready: bool = False
    problems: tuple[Problem, ...] = ()
    code: int = 0

    def end_fields(self) -> dict[str, Any]:
        """Return how it ended, as fields of a line of the log."""
        if self.problems:
            return {"problem": self.problems[0].code}
        return {"signal": -self.code} if self.code < 0 else {"exit_code": self.code}

    def end(self) -> str:
        """Return how it ended, in a few words."""
        if self.problems:
            return str(self.problems[0])
        return f"signal {-self.code}" if self.code < 0 else f"exit code {self.code}"


class Workers:
    """Keep ``count`` workers alive until stopped."""

    def __init__(self, settings: Settings, count: int) -> None:
        """Work by ``settings``, whose ports and database are real and held by the caller."""
        self._settings = settings
        self._processes: dict[int, Process] = {}
        self._ready = {number: asyncio.Event() for number in range(1, count + 1)}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._begun = False

    @property
    def pids(self) -> list[int]:
        """Return the workers that run now."""
        return [self._processes[number].pid for number in sorted(self._processes)]

    async def start(self) -> None:
        """Start all and return when every one answers. Raises the problem of one that cannot."""
        self._tasks = [asyncio.create_task(self._keep(number), name=f"worker {number}") for number in self._ready]
        ready = asyncio.create_task(self._all_ready(), name="workers ready")
        try:
            done, _ = await asyncio.wait((ready, *self._tasks), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        for task in done:
            task.result()
        self._begun = True

    async def broken(self) -> None:
        """Return never, but raise the Problem for which a worker was given up."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Tell all to stop, wait until they have, and kill who does not."""
        self._stopping.set()
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
            await asyncio.wait(self._tasks)

    async def _all_ready(self) -> None:
        for event in self._ready.values():
            await event.wait()

    async def _keep(self, number: int) -> None:
        unready, pause = 0, PAUSE_S
        while not self._stopping.is_set():
            began = time.monotonic()
            life = await self._live(number)
            if self._stopping.is_set():
                return
            unready = 0 if life.ready or _is_away(life) else unready + 1
            if not life.ready and (not self._begun or unready >= GIVE_UP_AFTER):
                raise _given_up(number, life)
            pause = PAUSE_S if time.monotonic() - began > SETTLED_S else min(MAX_PAUSE_S, pause * 2)
            log.warning("worker.ended", extra={"worker": number, **life.end_fields()})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _live(self, number: int) -> _Life:
        """Run one worker until it ends; on cancellation kill it."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli.worker"), stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        self._processes[number] = process
        life = _Life()
        try:
            told = await self._told(process, number)
            life.ready, life.problems = bool(told.get("ready")), _problems(told)
            if life.ready:
                self._ready[number].set()
            life.code = await process.wait()
        finally:
            del self._processes[number]
            _signal(process, signal.SIGKILL)
            await process.wait()
        return life

    async def _told(self, process: Process, number: int) -> Mapping[str, Any]:
        """Hand the worker its order and return the one line that it says; empty when it died or hangs."""
        assert process.stdin is not None  # noqa: S101 - both are pipes of ours
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(ConnectionError):
            process.stdin.write(orjson.dumps(self._order(number), option=orjson.OPT_APPEND_NEWLINE))
            await process.stdin.drain()
        if self._stopping.is_set():
            _signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(READY_S):
                line = await process.stdout.readline()
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            return {}
        return orjson.loads(line) if line.endswith(b"\n") else {}

    def _order(self, number: int) -> dict[str, Any]:
        order: dict[str, Any] = {name: getattr(self._settings, name) for name in _SAID}
        return {**order, "home": str(self._settings.home), "parent": os.getpid()}


@dataclass(frozen=True, slots=True)
class ServingMany:
    """A gateway of several workers that answers: its ``settings`` name the real ports."""

    settings: Settings
    workers: Workers
    database_pid: int

    @property
    def doors(self) -> dict[str, Any]:
        """Return where it answers, for people and scripts."""
        return doors_of(self.settings)


@asynccontextmanager
async def serve_many(settings: Settings, count: int) -> AsyncIterator[ServingMany]:
    """Answer at the settings' ports by ``count`` workers for the block; port 0 takes a free one.

    Raises Problem CLI-011 (a port is taken), CFG-002 (not initialised), and what a worker's `open_app` raises.
    """
    if not settings.key_file.exists():
        raise Problem("CFG-002")
    with (
        reserved(settings.host, settings.port, "--port") as port,
        reserved(settings.mllp_host, settings.mllp_port, "--mllp-port") as mllp_port,
        _reserved_admin(settings) as admin_port,
    ):
        chosen = replace(settings, port=port, mllp_port=mllp_port, admin_port=admin_port)
        async with open_database(chosen) as (dsn, pid):
            workers = Workers(replace(chosen, database_url=dsn), count)
            try:
                await workers.start()
                serving = ServingMany(chosen, workers, pid)
                with announced(chosen, serving.doors):
                    yield serving
            finally:
                await workers.stop()


@contextmanager
def _reserved_admin(settings: Settings) -> Iterator[int | None]:
    if settings.admin_port is None:
        yield None
        return
    with reserved(settings.admin_host, settings.admin_port, "YIYANG_ADMIN_PORT") as port:
        yield port


def _given_up(number: int, life: _Life) -> Problem | Problems:
    if life.problems:
        return life.problems[0] if len(life.problems) == 1 else Problems(life.problems)
    return Problem("CLI-018", number=number, reason=life.end())


def _is_away(life: _Life) -> bool:
    """Tell whether the worker could not start because the database does not answer: that passes."""
    return any(problem.status == _DOWN for problem in life.problems)


def _problems(told: Mapping[str, Any]) -> tuple[Problem, ...]:
    rows = told.get("problems", ())
    return tuple(Problem(row["code"], where=row["where"], source=row["source"], **row["detail"]) for row in rows)


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
