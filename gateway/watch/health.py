"""Is it alive, is it ready: each part asked for itself, in time, and not more often than it bears.

In: one question a part. Out: `/livez`, `/readyz?verbose`, `/startupz`, `/version`, and `ready` for the doors. Ready is
false when a request could not be answered as it must: database gone, registry stale, journal unable to commit or sync.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.fhir.problem import Problem
from gateway.watch import lines

Ask = Callable[[], Awaitable[None]]
"""Return when the part is ready. Raises the Problem that keeps it from being so."""
PATIENCE_S: Final = 2.0
"""A part that takes longer to say so is not ready (design default; below the usual probe's 3 s)."""
FRESH_S: Final = 0.5
"""Within it the last answer is given again, so that asking costs strangers more than us (design default)."""
SLOW: Final = "STO-503"
OK: Final = "ok"
NO_STORE: Final = {"Cache-Control": "no-store"}


class Health:
    """The parts and their last answers."""

    def __init__(self, parts: Mapping[str, Ask], *, version: Mapping[str, str]) -> None:
        """Hold one question a part, and what `/version` says."""
        self.version = dict(version)
        self._parts = dict(parts)
        self._asked: asyncio.Task[dict[str, str]] | None = None
        self._at = 0.0

    async def parts(self) -> Mapping[str, str]:
        """Return "ok" or the code of what is wrong, for each part."""
        if self._asked is None or (self._asked.done() and monotonic() - self._at > FRESH_S):
            self._at = monotonic()
            self._asked = asyncio.create_task(self._ask_all(), name="health")
        return await asyncio.shield(self._asked)

    async def ready(self) -> bool:
        """Tell whether every part is."""
        return all(state == OK for state in (await self.parts()).values())

    async def _ask_all(self) -> dict[str, str]:
        states = await asyncio.gather(*(self._ask(ask) for ask in self._parts.values()))
        found = dict(zip(self._parts, states, strict=True))
        for part, state in found.items():
            if state != OK:
                lines.tell(logging.WARNING, "http.unready", part=part, problem=state)
        return found

    async def _ask(self, ask: Ask) -> str:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await ask()
        except Problem as problem:
            return problem.code
        except TimeoutError:
            return SLOW
        return OK


def health_routes(health: Health) -> list[Route]:
    """Return the routes; they say nothing about anybody and need no token."""

    async def livez(_: Request) -> Response:
        return _json({"status": OK}, 200)

    async def readyz(request: Request) -> Response:
        parts = await health.parts()
        ready = all(state == OK for state in parts.values())
        said: dict[str, object] = {"status": "ready" if ready else "unready"}
        if "verbose" in request.query_params:
            said["parts"] = parts
        return _json(said, 200 if ready else 503)

    async def startupz(_: Request) -> Response:
        return _json({"status": "started"}, 200)  # the doors open after everything else

    async def version(_: Request) -> Response:
        return _json(health.version, 200)

    return [
        Route("/livez", livez, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/startupz", startupz, methods=["GET"]),
        Route("/version", version, methods=["GET"]),
    ]


def _json(content: Mapping[str, object], status: int) -> Response:
    return JSONResponse(dict(content), status, NO_STORE)
