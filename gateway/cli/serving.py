"""Serve the gateway from this process until told to stop: granian inside our own event loop.

In: settings with real ports. Out: the doors, announced in the home folder. One process holds the doors, the pipeline,
the workflow and the journal (docs/decisions/0080-one-process-serves.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from starlette.types import ASGIApp

from gateway.app import App, open_app
from gateway.cli.running import announced
from gateway.config import Settings
from gateway.fhir.problem import Problem

# A start that does not listen by then has failed otherwise (design default).
LISTEN_S = 10.0
POLL_S = 0.01
BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Serving:
    """A gateway that answers: its ``settings`` name the real ports."""

    settings: Settings
    app: App

    @property
    def doors(self) -> dict[str, Any]:
        """Return where it answers, for people and scripts."""
        url = self.settings.url
        return {
            "base": self.settings.base,
            "intake": f"{url}/intake",
            "tokenEndpoint": f"{url}/oauth/token",
            "mllp": {"host": self.settings.mllp_host, "port": self.app.mllp_port},
            "port": self.settings.port,
        }


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Serving]:
    """Answer at the settings' ports for the block; port 0 takes a free one.

    Raises Problem CLI-011 (a port is taken), and what `open_app` raises.
    """
    chosen = replace(settings, port=_free(settings.host, settings.port, "--port"))
    mllp_port = _free(settings.mllp_host, settings.mllp_port, "--mllp-port")
    async with open_app(replace(chosen, mllp_port=mllp_port)) as app, _listening(app.asgi, chosen):
        serving = Serving(chosen, app)
        with announced(chosen, serving.doors):
            yield serving


@asynccontextmanager
async def _listening(asgi: ASGIApp, settings: Settings) -> AsyncIterator[None]:
    server = Server(
        asgi,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        backlog=BACKLOG,
    )
    task = asyncio.create_task(server.serve(), name="http")
    try:
        await _answering(settings, task)
        yield
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait((task,))


async def _answering(settings: Settings, task: asyncio.Task[None]) -> None:
    """Wait until the port takes connections."""
    async with asyncio.timeout(LISTEN_S):
        while not task.done():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(settings.host, settings.port)
                writer.close()
                return
            await asyncio.sleep(POLL_S)
    raise Problem("CLI-011", host=settings.host, port=settings.port, option="--port")


@contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """Give an event that SIGINT and SIGTERM set, so that everything is closed in order."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def is_free(host: str, port: int) -> bool:
    """Tell whether ``port`` can be listened on now."""
    return _bound(host, port) != 0


def _free(host: str, port: int, option: str) -> int:
    """Return ``port``, or a free one for 0. granian shares a port that is taken, so it is tried here first."""
    found = _bound(host, port)
    if not found:
        raise Problem("CLI-011", host=host, port=port, option=option)
    return found


def _bound(host: str, port: int) -> int:
    """Return the port that could be bound, 0 when it could not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])
