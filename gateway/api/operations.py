"""The routes of operations: which there are, for which kinds and of what, read and answered alike.

In: `Kind/$name` and `Kind/id/$name` by GET and POST. Out: what the operation found, as FHIR JSON. What is no operation
of that place has no address (API-002). Source: FHIR R4 operations.html.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import headers, parameters, terms
from gateway.api.headers import MEDIA_TYPE
from gateway.fhir.problem import Problem
from gateway.hub import Hub
from security.caller import Caller

BASE = "http://hl7.org/fhir/OperationDefinition"


class Operations:
    """The endpoints of operations."""

    def __init__(self, hub: Hub, *, authenticate: Callable[[Request], Caller], limit: int) -> None:
        """Ask ``hub``; ``limit`` is the bytes of a body."""
        self._hub = hub
        self._authenticate = authenticate
        self._limit = limit

    async def answer(self, request: Request, kind: str, name: str, *, id: str = "") -> Response:  # noqa: A002
        """Answer the operation ``name`` of ``kind`` or of the resource ``id``. Raises Problem API-002."""
        caller = self._authenticate(request)
        row = terms.QUESTIONS.get((kind, name))
        if row is None or (id and not row[2]):
            raise Problem("API-002")
        known, ask, _ = row
        if id:
            known = {name: type_ for name, type_ in known.items() if name != "url"}
        asked = await parameters.asked(request, known, limit=self._limit)
        lang = headers.language(request.headers.get("accept-language", ""))
        place = terms.Place(id, lang, self._hub.operations.now())
        found = await self._hub.operations.of_terms(caller, kind, name, ask(asked, place))
        return Response(orjson.dumps(found), 200, media_type=MEDIA_TYPE)


def of_kind(kind: str) -> list[dict[str, str]]:
    """Return the operations of ``kind`` for the CapabilityStatement."""
    return [{"name": name, "definition": f"{BASE}/{at}-{name}"} for at, name in terms.QUESTIONS if at == kind]
