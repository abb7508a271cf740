"""One installation in a folder of its own and its `yiyang serve`, started and ended as a service manager would.

In: a folder. Out: doors at fixed ports, a process that can be killed at named points, and what it said in its log.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.app.rooms import install, open_rooms
from gateway.config import Settings
from gateway.store.postgres.embedded_process import live_server
from security.caller import Role, Tier
from security.oauth.client import generate, public_jwks
from security.state import MllpSender, Organisation
from tests.chaos.entry import children_of, clock_of
from tests.chaos.load import CENTRE, DOCTOR, HIS, HOSPITAL, STATION
from tests.chaos.points import CLOCK, STRIKE, Strike, struck

CHECKOUT = Path(__file__).resolve().parents[2]
READY_S = 180.0
"""A start that takes longer is a hang: it recovers a database of some megabytes."""
POLL_S = 0.02
_CLIENTS: Mapping[str, tuple[Role, str, tuple[str, ...], tuple[str, ...]]] = {
    HIS: (Role.HISFEED, HOSPITAL, (), ("json-discharge", "sharing-consent")),
    DOCTOR: (Role.CENTRE_DOCTOR, CENTRE, ("system/*.rs", "system/Task.u"), ("assessment", "care-plan")),
}


async def until(happened: Callable[[], object], *, within_s: float, why: str = "it did not happen") -> None:
    """Wait until ``happened()``, which looks at another process; fail after ``within_s`` seconds."""
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, why
        await asyncio.sleep(POLL_S)


class House:
    """An installation and its server."""

    def __init__(self, home: Path, *, beside: Path, database_url: str = "", words: Sequence[str] = ()) -> None:
        """Use ``home``, and ``beside`` for the harness and the log; ``words`` go to `serve` as well."""
        self.settings = Settings(home=home, database_url=database_url, port=_free_port(), mllp_port=_free_port())
        self.clients: dict[str, dict[str, Any]] = {}
        self.words = tuple(words)
        self.clock = beside / "clock"
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0
        self._strike = beside / "strike"
        self._log = beside / "serve.log"

    async def set_up(self) -> None:
        """Initialise, register the chain, its clients and the HL7 system."""
        await install(self.settings)
        async with open_rooms(self.settings) as rooms:
            for place in (
                Organisation(HOSPITAL, "示范市人民医院", Tier.HOSPITAL),
                Organisation(CENTRE, "柳荫街道医养服务中心", Tier.CENTRE, HOSPITAL),
                Organisation(STATION, "柳荫社区医养服务站", Tier.STATION, CENTRE),
            ):
                await rooms.registry.add_organisation(place)
            for name, (role, organisation, scopes, feeds) in _CLIENTS.items():
                self.clients[name] = generate()
                wanted = [*scopes, *(f"intake/{feed}.c" for feed in feeds)]
                await rooms.registry.add_client(
                    name, name, role=role, organisation=organisation, jwks=public_jwks(self.clients[name]),
                    scopes=wanted, feeds=feeds,
                )  # fmt: skip
            await rooms.registry.add_sender(MllpSender("his-a03", HOSPITAL, "adt-a03", "HIS", HOSPITAL, "127.0.0.0/8"))

    async def start(self) -> None:
        """Start the server and wait until it says that it is ready."""
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.chaos.entry", "serve", "--port", str(self.settings.port), "--mllp-port",
                str(self.settings.mllp_port), "--json", *self.words,
                cwd=CHECKOUT, env=self._environment(), stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self.starts += 1
        await self._ready(self.process)

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async with asyncio.timeout(READY_S):
            line = await process.stdout.readline()
        assert line, f"the server ended with {await process.wait()}: {self.last_words()}"
        answer = json.loads(line)
        assert answer["ok"], answer

    async def ended(self) -> int:
        """Wait for the server's end and return its code."""
        assert self.process is not None
        return await self.process.wait()

    def now(self) -> datetime:
        """Return the time by the clock of the house, as its clients have it, too: with another they get no token."""
        return clock_of(self.clock)

    async def stop(self) -> int:
        """Stop the server in order and return its code."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()

    async def end(self) -> None:
        """Kill what is left of the server, and wait until its database has ended, too."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await until(lambda: not self.database(), within_s=READY_S, why="the database outlives its gateway")

    async def where(self) -> str:
        """Return where the server's tasks wait."""
        before = len(self.log())
        for pid in [self.process.pid, *children_of(self.process.pid)] if self.process else []:
            if _can_tell(pid):
                os.kill(pid, signal.SIGUSR1)
        await asyncio.sleep(1)
        return self.log()[before:]

    def aim(self, strike: Strike) -> None:
        """Let ``strike`` happen from now on."""
        self._strike.with_name("strike.struck").unlink(missing_ok=True)
        strike.write(self._strike)

    async def struck(self, *, within_s: float) -> None:
        """Wait until the strike has happened. Fails when its point was not reached."""
        why = f"not reached: {Strike.read(self._strike)}"
        await until(struck(self._strike).exists, within_s=within_s, why=why)

    async def yiyang(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run another word of the command line beside the server; return its code and what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.cli", *words, "--json",
            cwd=CHECKOUT, env=self._environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
        return process.returncode or 0, json.loads(out)

    def database(self) -> int:
        """Return the pid of the embedded server, 0 when it does not run."""
        server = live_server(self.settings.database_dir)
        return server.pid if server else 0

    async def database_back(self) -> None:
        """Wait until the embedded server takes connections."""
        await until(self._answers, within_s=READY_S, why=f"the database is not back: {self.last_words()}")

    def _answers(self) -> bool:
        server = live_server(self.settings.database_dir)
        return server is not None and server.is_ready

    def database_processes(self) -> list[int]:
        """Return the embedded server and all its children."""
        first = self.database()
        return [first, *children_of(first)] if first else []

    def last_words(self, lines: int = 30) -> str:
        """Return the end of the server's log, without its lines of single requests."""
        told = [line for line in self.log().splitlines() if '"http.request"' not in line]
        return "\n".join(told[-lines:])

    def log(self) -> str:
        """Return what the server wrote on stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("YIYANG_", "COV_"))}
        own = {
            "YIYANG_HOME": str(self.settings.home),
            STRIKE: str(self._strike),
            CLOCK: str(self.clock),
            "PYTHONPATH": f"{CHECKOUT / 'tests' / 'chaos' / 'hook'}:{CHECKOUT}",
        }
        url = {"YIYANG_DATABASE_URL": self.settings.database_url} if self.settings.database_url else {}
        return {**kept, **own, **url, "LC_ALL": "C.UTF-8"}


def _can_tell(pid: int) -> bool:
    """Tell whether ``pid`` can tell where it waits: the server or a worker, not its database's keeper."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"tests.chaos.entry" in words or b"gateway.cli.worker" in words
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
