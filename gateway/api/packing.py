"""Large answers packed by gzip for clients that take it, as pure ASGI.

Small ones leave as they are: packing costs more than the bytes. An answer holds nothing secret of anybody but its own
caller, who cannot put text of their own beside another's: compression tells nobody anything (BREACH). Tokens are small.
Source: RFC 9110 §8.4, §12.5.3.
"""

from __future__ import annotations

import zlib
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api import headers

SMALLEST: Final = 8 * 1024
"""Bytes from which an answer is packed: a page, not a resource (design default)."""
LEVEL: Final = 1
"""A fifth of the bytes for a third of the usual level's time (design default)."""


class Packing:
    """Wrap ``app``. Scopes other than HTTP pass, and answers in several pieces."""

    def __init__(self, app: ASGIApp) -> None:
        """Hold what answers plainly."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and headers.takes_gzip(Headers(scope=scope).get("accept-encoding", "")):
            send = _Sender(send)
        await self._app(scope, receive, send)


class _Sender:
    """Hold the head of an answer until its body is seen."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            body = message.get("body", b"")
            found = MutableHeaders(raw=list(start["headers"]))
            if len(body) >= SMALLEST and not message.get("more_body") and "content-encoding" not in found:
                message = {**message, "body": _packed(body)}
                found["content-encoding"], found["content-length"] = headers.GZIP, str(len(message["body"]))
                found.add_vary_header("Accept-Encoding")
                start = {**start, "headers": found.raw}
            await self._send(start)
        await self._send(message)


def _packed(body: bytes) -> bytes:
    packing = zlib.compressobj(LEVEL, wbits=16 + zlib.MAX_WBITS)
    return packing.compress(body) + packing.flush()
