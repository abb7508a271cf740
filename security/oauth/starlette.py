"""The Starlette adapter: three routes around `OAuth`. Reads forms strictly, decides nothing.

Refuses other content types, forms beyond 32 KiB, and parameters that come twice (RFC 6749 §3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from security.oauth.endpoints import OAuth, Reply

# An assertion of 8 KiB, a scope of 4 KiB and the rest, percent-encoded.
MAX_FORM_BYTES: Final = 32 * 1024
MAX_FIELDS: Final = 16
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
# Clients may keep keys and discovery for as long as a token lives.
_PUBLIC: Final = {"Cache-Control": "public, max-age=300"}


def routes(
    oauth: OAuth,
    *,
    token: str = "/oauth/token",  # noqa: S107 - a path
    jwks: str = "/oauth/jwks",
    configuration: str = "/fhir/.well-known/smart-configuration",
    request_id: Callable[[Request], str] = lambda request: "",
) -> list[Route]:
    """Return the routes at the given paths; ``request_id`` names the request for the journal."""

    async def post_token(request: Request) -> JSONResponse:
        about = {"request_id": request_id(request), "address": request.client.host if request.client else ""}
        form = await _form(request)
        if isinstance(form, str):
            return _response(await oauth.refuse_form(form, **about))
        return _response(await oauth.token(form, request.headers, **about))

    async def get_jwks(request: Request) -> JSONResponse:
        return JSONResponse(oauth.jwks(), headers=_PUBLIC)

    async def get_configuration(request: Request) -> JSONResponse:
        return JSONResponse(oauth.configuration(), headers=_PUBLIC)

    return [
        Route(token, post_token, methods=["POST"]),
        Route(jwks, get_jwks, methods=["GET"]),
        Route(configuration, get_configuration, methods=["GET"]),
    ]


async def _form(request: Request) -> dict[str, str] | str:
    """Return the form, or the name of what is wrong with it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        return "Content-Type"
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return "body"
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        return "body"
    form = dict(pairs)
    return form if len(form) == len(pairs) else "body"


def _response(reply: Reply) -> JSONResponse:
    return JSONResponse(reply.body, reply.status, headers=reply.headers)
