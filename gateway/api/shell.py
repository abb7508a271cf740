"""What surrounds every request, as pure ASGI: its id, the headers of every answer, HEAD, and the end of every fault.

A fault is anything raised that is no Problem. It becomes a bare 500 with the request's id; the log says which kind of
error and where in the code, never its text: that may hold a person's data.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api import headers
from gateway.api.answers import render
from gateway.fhir.problem import Problem

log = logging.getLogger(__name__)
FRAMES = 6
"""Innermost places that the log names of a fault (design default)."""
REQUEST_ID = "X-Request-Id"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_HSTS = "max-age=31536000; includeSubDomains"


def request_id(request: Request) -> str:
    """Return the id of ``request``, as it stands in the answer, the journal and the log."""
    return str(request.scope.get("state", {}).get("request_id", ""))


class Shell:
    """Wrap ``app``. Scopes other than HTTP pass."""

    def __init__(self, app: ASGIApp, *, new_id: Callable[[], str], secure: bool) -> None:
        """Draw ids with ``new_id``; ``secure`` when clients reach us over HTTPS."""
        self._app = app
        self._new_id = new_id
        always = {**_ALWAYS, **({"Strict-Transport-Security": _HSTS} if secure else {})}
        self._always = [(name.lower().encode(), value.encode()) for name, value in always.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id = headers.request_id(Headers(scope=scope).get(REQUEST_ID, "")) or self._new_id()  # noqa: A001
        scope.setdefault("state", {})["request_id"] = id
        named = (REQUEST_ID.lower().encode(), id.encode())
        sender = _Sender(send, [*self._always, named], head=scope["method"] == "HEAD")
        try:
            await self._app(scope, receive, sender)
        except Exception as error:  # noqa: BLE001 - the end of every fault
            log.error("http.fault", extra={"request_id": id, "error": type(error).__name__, "at": _places(error)})
            if not sender.started:
                await render(Request(scope), Problem("API-006", request=id))(scope, receive, sender)


class _Sender:
    """Send on, with the headers that every answer has, and without the body for HEAD."""

    def __init__(self, send: Send, extra: list[tuple[bytes, bytes]], *, head: bool) -> None:
        self._send = send
        self._extra = extra
        self._head = head
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            # Health data is kept by nobody on the way, unless an answer says that it holds none.
            kept = any(name == b"cache-control" for name, _ in message["headers"])
            own = self._extra if kept else [*self._extra, (b"cache-control", b"no-store")]
            message = {**message, "headers": [*message["headers"], *own]}
        elif self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
