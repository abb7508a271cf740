"""Every HTTP request counted and told, as pure ASGI outside everything else: one line, two counters.

In: the request's scope, which the rooms inside have filled by the end: its route, its id, its caller. Out: the answer
untouched. The route is told by its pattern, as an address or a query may hold what must not be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.watch import lines
from gateway.watch.meters import Meters

UNKNOWN: Final = "none"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MS: Final = 1000.0


class Watched:
    """Wrap ``app``. Scopes other than HTTP pass; ``quiet`` routes are counted, and told at level debug only."""

    def __init__(self, app: ASGIApp, meters: Meters, *, quiet: Sequence[str] = ()) -> None:
        """Count with ``meters``."""
        self._app = app
        self._meters = meters
        self._quiet = frozenset(quiet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        status = 500

        async def sender(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        state = scope.setdefault("state", {})
        token = lines.current.set(state)
        try:
            await self._app(scope, receive, sender)
        finally:
            lines.current.reset(token)
            self._tell(scope, status, perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope["state"]
        route = getattr(scope.get("route"), "path", UNKNOWN)
        method = scope["method"] if scope["method"] in METHODS else "other"
        caller = state.get("caller")
        who = ("", "", UNKNOWN) if caller is None else (caller.client, caller.organisation, str(caller.role))
        self._meters.http(route, method, status, who[2], seconds=seconds)
        lines.answered(
            request_id=state.get("request_id"),
            method=method,
            route=route,
            status=status,
            ms=round(seconds * _MS, 2),
            who=who,
            quiet=route in self._quiet,
        )
