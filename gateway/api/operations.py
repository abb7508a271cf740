"""The routes of operations: which there are, for which kinds and of what, read and answered alike.

In: `Kind/$name` and `Kind/id/$name` by GET and POST. Out: what the operation found, as FHIR JSON. What is no operation
of that place has no address (API-002). Source: FHIR R4 operations.html.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import bodies, bundles, headers, parameters, terms
from gateway.api.headers import MEDIA_TYPE
from gateway.fhir.problem import Lang, Problem
from gateway.hub import Hub
from security.caller import Caller

Work = Callable[[Request, Caller, str, str], Awaitable[Response]]
ON_RECORDS = (("Patient", "everything"), ("Encounter", "everything"))
"""Operations on records by kind, as the CapabilityStatement tells them."""
BASE = "http://hl7.org/fhir/OperationDefinition"


class Operations:
    """The endpoints of operations."""

    def __init__(self, hub: Hub, *, authenticate: Callable[[Request], Caller], base: str, limit: int) -> None:
        """Ask ``hub``; ``base`` is the FHIR base URL of links, ``limit`` the bytes of a body."""
        self._hub = hub
        self._authenticate = authenticate
        self._limit = limit
        self._base = base
        self._on_records: Mapping[tuple[str, str, str], Work] = {
            ("Patient", "everything", "instance"): self._everything,
            ("Encounter", "everything", "instance"): self._everything,
        }

    async def answer(self, request: Request, kind: str, name: str, *, id: str = "") -> Response:  # noqa: A002
        """Answer the operation ``name`` of ``kind`` or of the resource ``id``. Raises Problem API-002."""
        caller = self._authenticate(request)
        row = terms.QUESTIONS.get((kind, name))
        if row is not None and (not id or row.instance):
            return await self._of_terms(request, caller, kind, name, id)
        work = self._on_records.get((kind, name, "instance" if id else "type"))
        if work is None:
            raise Problem("API-002")
        return await work(request, caller, kind, id)

    async def _of_terms(self, request: Request, caller: Caller, kind: str, name: str, id: str) -> Response:  # noqa: A002
        row = terms.QUESTIONS[kind, name]
        known = {name: type_ for name, type_ in row.known.items() if not id or name != "url"}
        asked = await parameters.asked(request, known, limit=self._limit)
        place = terms.Place(id, _language(request), self._hub.operations.now())
        found = await self._hub.operations.of_terms(caller, kind, name, row.ask(asked, place))
        return Response(orjson.dumps(found), 200, media_type=MEDIA_TYPE)

    async def _everything(self, request: Request, caller: Caller, kind: str, id: str) -> Response:  # noqa: A002
        pairs = await self._pairs(request, {"_since": "text", "_type": "text", "_count": "integer"})
        found = await self._hub.operations.everything(caller, kind, id, pairs=pairs)
        body = bundles.searchset(found, kind=f"{kind}/{id}/$everything", base=self._base, lang=_language(request))
        return Response(body, 200, media_type=MEDIA_TYPE)

    async def _pairs(self, request: Request, known: parameters.Known) -> list[tuple[str, str]]:
        """Return what is asked as pairs; those of an address are the hub's to understand, a page among them."""
        if request.method == "GET":
            return bodies.asked(request)
        asked = await parameters.asked(request, known, limit=self._limit)
        return [(name, str(value)) for name, value in asked.values.items()]


def _language(request: Request) -> Lang:
    return headers.language(request.headers.get("accept-language", ""))


def of_kind(kind: str) -> list[dict[str, str]]:
    """Return the operations of ``kind`` for the CapabilityStatement."""
    named = [name for at, name in (*terms.QUESTIONS, *ON_RECORDS) if at == kind]
    return [{"name": name, "definition": f"{BASE}/{kind}-{name}"} for name in named]
