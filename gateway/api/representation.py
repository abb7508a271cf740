"""An answer in the form that was asked for: XML instead of JSON, or indented; as pure ASGI, for every FHIR answer.

In: the finished answer, as this caller may see it. Out: the same resource, written otherwise. Nothing is added: an
answer is read again here only by who asked for another form. Source: FHIR R4 http.html#mime-type, #pretty, xml.html.
"""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api import bodies, headers
from gateway.fhir import codec, xml_writer
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem

_MARKS: Final = (b"_format", b"_pretty", b"%5")
"""One of them is in a query string that asks for a form; the last may begin an underscore."""


class Shape(NamedTuple):
    """The form of an answer."""

    format: headers.Format = "json"
    pretty: bool = False


PLAIN: Final = Shape()


class Representation:
    """Wrap ``app``. Scopes other than HTTP pass."""

    def __init__(self, app: ASGIApp) -> None:
        """Hold what answers in JSON."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        shape = _asked(scope) if scope["type"] == "http" else PLAIN
        await self._app(scope, receive, send if shape == PLAIN else _Sender(send, shape))


def _asked(scope: Scope) -> Shape:
    """Return the form that a request asks for; the plain one for a request that is refused for what it asks."""
    query, accept = scope["query_string"], Headers(scope=scope).get("accept", "")
    marked = any(mark in query for mark in _MARKS)
    if not marked and "xml" not in accept.lower():
        return PLAIN
    try:
        found = bodies.pairs(query) if marked else []
        formats = [value for name, value in found if name == "_format"]
        pretty = any(name == "_pretty" and value == "true" for name, value in found)
        return Shape(headers.demand_accepted(accept, formats), pretty)
    except Problem:
        return PLAIN


class _Sender:
    """Keep an answer in FHIR JSON until it is whole, and send it in another form."""

    def __init__(self, send: Send, shape: Shape) -> None:
        self._send = send
        self._shape = shape
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_fhir(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = b"".join(self._parts)
        if body:
            body = await aside(len(body), partial(_written, body, self._shape))
            found = MutableHeaders(scope=start)
            found["content-length"] = str(len(body))
            found["content-type"] = headers.MEDIA_TYPES[self._shape.format]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_fhir(message: Message) -> bool:
    content_type = Headers(raw=list(message["headers"])).get("content-type", "")
    return content_type.startswith(headers.FHIR_JSON)


def _written(body: bytes, shape: Shape) -> bytes:
    if shape.format == "xml":
        return xml_writer.write(codec.parse_exact(body), pretty=shape.pretty)
    return msgspec.json.format(body, indent=2)
