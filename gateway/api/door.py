"""The FHIR door put together: routes, the shell around them, problems rendered, strangers noted.

In: the hub and what the assembly hands over. Out: routes, and the ASGI application that serves them. What fails
before the hub is asked (no token, no such address, an unreadable request) is noted here, as the hub never hears of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.api import answers, bodies, capability, headers
from gateway.api.headers import MEDIA_TYPE
from gateway.api.interactions import ROOT, Authenticate, Interactions
from gateway.api.packing import Packing
from gateway.api.representation import Representation
from gateway.api.shell import Shell, request_id
from gateway.fhir.problem import Problem, Problems
from gateway.hub import Hub
from gateway.terminology import Known
from security.caller import Caller
from security.oauth import OAuth
from security.oauth.starlette import routes as oauth_routes

TOKEN = "/oauth/token"  # noqa: S105 - a path
WELL_KNOWN = "/.well-known/smart-configuration"
PUBLIC = {"Cache-Control": "public, max-age=300", "Vary": "Accept, Accept-Encoding"}
"""For what says nothing about anybody (discovery, capabilities): as long as a token lives."""
_BEFORE_THE_HUB = ("API-", "SEC-401")


class Note(Protocol):
    """Leave an entry about a request that came from a stranger or could not be read."""

    async def __call__(self, address: str, interface: str, problem: Problem, *, request: str = "") -> None:
        """Write it, durably."""
        ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What the door says of itself: FHIR ``base`` URL, ``version`` of the program, ``kinds`` served, started ``at``."""

    base: str
    version: str
    kinds: Sequence[str]
    at: datetime

    @property
    def url(self) -> str:
        """Return the root URL."""
        return self.base.removesuffix(ROOT)


def by_token(caller: Callable[[str, str, str], Caller]) -> Authenticate:
    """Return the way from a request to its caller; ``caller`` is `Tokens.caller` (token, request id, address)."""

    def authenticate(request: Request) -> Caller:
        token = headers.bearer(request.headers.getlist("authorization"))
        found = caller(token, request_id(request), _address(request))
        request.scope.setdefault("state", {})["caller"] = found  # for the line that tells of this request
        return found

    return authenticate


def routes(
    hub: Hub,
    *,
    authenticate: Authenticate,
    oauth: OAuth,
    facts: Facts,
    ready: Callable[[], Awaitable[bool]],
) -> list[Route]:
    """Return all routes: FHIR, discovery, the token endpoint, health. ``ready`` tells whether the rooms answer."""
    return [
        *_public(facts, oauth, hub.operations.loaded),
        *Interactions(hub, authenticate=authenticate, base=facts.base).routes(),
        *_health(ready),
    ]


def application(routes: Sequence[BaseRoute], *, note: Note, new_id: Callable[[], str], secure: bool) -> Starlette:
    """Return the ASGI application of ``routes`` (of this and other doors), with one manner of saying no."""

    async def refuse(request: Request, error: Exception) -> Response:
        found = _http_problem(request, error) if isinstance(error, HTTPException) else error
        assert isinstance(found, Problem | Problems)  # noqa: S101 - the handlers below are for these
        unheard = request.scope.get("state", {}).get(bodies.UNHEARD, False)
        if isinstance(found, Problem) and (unheard or found.code.startswith(_BEFORE_THE_HUB)):
            try:
                await note(_address(request), _interface(request), found, request=request_id(request))
            except Problem as unnoted:
                found = unnoted
        return answers.render(request, found)

    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Shell, new_id=new_id, secure=secure),
            Middleware(Packing),
            Middleware(Representation),
        ],
        exception_handlers={Problem: refuse, Problems: refuse, HTTPException: refuse},
    )
    app.router.redirect_slashes = False
    return app


def _public(facts: Facts, oauth: OAuth, loaded: Callable[[], Awaitable[Sequence[Known]]]) -> list[Route]:
    """Return what may be read without a token (SMART App Launch 2.2 "Conformance"; R4 http.html#capabilities)."""
    stated = capability.statement(
        facts.kinds, base=facts.base, token=f"{facts.url}{TOKEN}", version=facts.version, at=facts.at
    )

    async def metadata(request: Request) -> Response:
        pairs = bodies.asked(request)
        if pairs == [("mode", "terminology")]:
            told = capability.terminology(await loaded(), base=facts.base, version=facts.version, at=facts.at)
            return Response(told, 200, PUBLIC, MEDIA_TYPE)
        bodies.demand_none([pair for pair in pairs if pair != ("mode", "full")])
        return Response(stated, 200, PUBLIC, MEDIA_TYPE)

    async def discovery(_: Request) -> Response:
        return JSONResponse(oauth.configuration(), headers=PUBLIC)

    return [
        Route(f"{ROOT}/metadata", metadata, methods=["GET"]),
        Route(WELL_KNOWN, discovery, methods=["GET"]),
        *oauth_routes(oauth, token=TOKEN, configuration=f"{ROOT}{WELL_KNOWN}", request_id=request_id),
    ]


def _health(ready: Callable[[], Awaitable[bool]]) -> list[Route]:
    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def able(_: Request) -> Response:
        answers_ = await ready()
        return JSONResponse({"status": "ready" if answers_ else "unready"}, 200 if answers_ else 503)

    return [Route("/health", alive, methods=["GET"]), Route("/ready", able, methods=["GET"])]


def _http_problem(request: Request, error: HTTPException) -> Problem:
    """Return the Problem for what the router found: no such address, or another method."""
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return Problem("API-003", method=request.method[:16], allowed=allowed)
    return Problem("API-002")


def _interface(request: Request) -> str:
    """Return the name of the operation: the route's pattern, as an address may hold what must not be kept."""
    route = request.scope.get("route")
    return f"{request.method[:16]} {getattr(route, 'path', '?')}"


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
