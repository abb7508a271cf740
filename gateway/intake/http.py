"""The HTTP door: `POST /intake/{feed}` and `GET /intake/{feed}/{msgId}`.

In: the envelope of domain.md §4 under a token with scope `intake/{feed}.c`. Out: the vendor envelope, always (but for
401 and 403, which the token layer answers): 200 with AA or AE, 4xx with AR.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.fhir.problem import Problem
from gateway.intake.mllp import MAX_FRAME_BYTES
from gateway.intake.reply import Reply, envelope, issue
from security.caller import Caller

Authorize = Callable[[Request, str], Awaitable[Caller]]
"""Return the caller of a request for a feed. Raises Problem SEC-401 or SEC-403."""
Render = Callable[[Request, Problem], Response]
"""Answer a 401 or 403 as the other doors do."""


class Accepts(Protocol):
    """What the door needs of `intake.service` and `intake.status`."""

    async def accept(self, feed_name: str, raw: bytes, *, sender: str, caller: Caller) -> Reply:
        """Return the reply to one message."""
        ...

    async def refuse(self, caller: Caller, feed_name: str, raw: bytes, problem: Problem) -> Reply:
        """Return AR for bytes that could not be taken."""
        ...

    async def status(self, caller: Caller, feed_name: str, message_id: str) -> Mapping[str, Any]:
        """Return where a message stands. Raises Problem IN-006."""
        ...


def routes(intake: Accepts, *, authorize: Authorize, render: Render, limit: int = MAX_FRAME_BYTES) -> list[Route]:
    """Return the two routes; ``limit`` in bytes of a body."""

    async def post(request: Request) -> Response:
        feed = request.path_params["feed"]
        try:
            caller = await authorize(request, feed)
        except Problem as problem:
            return render(request, problem)
        return await _post(request, feed, caller)

    async def _post(request: Request, feed: str, caller: Caller) -> Response:
        raw, whole = await _body(request, limit)
        try:
            if not whole:
                return _enveloped(await intake.refuse(caller, feed, raw, Problem("IN-007", limit=limit)))
            return _enveloped(await intake.accept(feed, raw, sender=caller.client, caller=caller))
        except Problem as problem:
            return _enveloped(Reply("AR", "", "refused", (problem,)))

    async def get(request: Request) -> Response:
        feed, message_id = request.path_params["feed"], request.path_params["message_id"]
        try:
            caller = await authorize(request, feed)
        except Problem as problem:
            return render(request, problem)
        try:
            data = await intake.status(caller, feed, message_id)
        except Problem as problem:
            return _json(
                {"success": "AR", "msg": problem.text("zh"), "data": {"issues": [issue(problem)]}}, problem.status
            )
        return _json({"success": "AA", "msg": "", "data": data}, 200)

    return [
        Route("/intake/{feed}", post, methods=["POST"]),
        Route("/intake/{feed}/{message_id}", get, methods=["GET"]),
    ]


async def _body(request: Request, limit: int) -> tuple[bytes, bool]:
    """Return what was sent, up to ``limit``, and whether that was all of it."""
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            return b"".join(parts), False
        parts.append(chunk)
    return b"".join(parts), True


def _enveloped(reply: Reply) -> Response:
    return _json(envelope(reply), reply.status)


def _json(body: Mapping[str, Any], status: int) -> Response:
    headers = {"Retry-After": "5"} if status == 503 else {}
    return Response(orjson.dumps(body), status, headers, "application/json")
