"""Serve the gateway from this process until told to stop: granian inside our own event loop.

In: settings with real ports. Out: the doors, announced in the home folder. A process holds doors, pipeline, workflow
and journal; `workers` runs several of them (docs/decisions/0085-workers.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from starlette.types import ASGIApp

from gateway.app import App, open_app
from gateway.cli.loop import settle
from gateway.cli.ports import free_port
from gateway.cli.running import announced, doors_of
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
        return doors_of(self.settings)


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Serving]:
    """Answer at the settings' ports for the block; port 0 takes a free one.

    Raises Problem CLI-011 (a port is taken), and what `open_app` raises.
    """
    chosen = replace(
        settings,
        port=free_port(settings.host, settings.port, "--port"),
        mllp_port=free_port(settings.mllp_host, settings.mllp_port, "--mllp-port"),
    )
    if chosen.admin_port is not None:
        chosen = replace(chosen, admin_port=free_port(chosen.admin_host, chosen.admin_port, "YIYANG_ADMIN_PORT"))
    async with open_app(chosen) as app, listening(app.asgi, chosen), admin_listening(app.admin, chosen):
        settle()
        serving = Serving(chosen, app)
        with announced(chosen, serving.doors):
            yield serving


@asynccontextmanager
async def listening(asgi: ASGIApp, settings: Settings) -> AsyncIterator[None]:
    """Serve HTTP for the block at a port that is ours; granian shares it with the other workers of ours.

    Raises Problem CLI-011.
    """
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


@asynccontextmanager
async def admin_listening(admin: ASGIApp, settings: Settings) -> AsyncIterator[None]:
    """Serve metrics and health for the block at the settings' admin port, if there is one. Raises Problem CLI-011."""
    if settings.admin_port is None:
        yield
        return
    async with listening(admin, replace(settings, host=settings.admin_host, port=settings.admin_port)):
        yield


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
