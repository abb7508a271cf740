"""The routes of operations: which there are, for which kinds and of what, read and answered alike.

In: `Kind/$name` and `Kind/id/$name` by GET and POST. Out: what the operation found, as FHIR JSON. What is no operation
of that place has no address (API-002). Source: FHIR R4 operations.html.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import bodies, bundles, headers, parameters, terms
from gateway.api.headers import MEDIA_TYPE
from gateway.api.parameters import Asked
from gateway.fhir.problem import Lang, Problem, Problems
from gateway.hub import Hub
from security.caller import Caller

Work = Callable[[Request, Caller, str, str], Awaitable[Response]]
ON_RECORDS = (
    ("Patient", "everything"),
    ("Encounter", "everything"),
    ("Observation", "lastn"),
    ("Composition", "document"),
    ("Patient", "match"),
)
ON_ALL = ("meta", "meta-add", "meta-delete")
"""Operations on records by kind and on all kinds, as the CapabilityStatement tells them."""
MAX_MATCHES = 20
"""Elders that `$match` gives when the client names no count (design default)."""
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
            ("Observation", "lastn", "type"): self._lastn,
            ("Composition", "document", "instance"): self._document,
            ("Patient", "match", "type"): self._match,
        }
        self._on_all: Mapping[str, Work] = {
            "meta": self._meta,
            "meta-add": self._meta_add,
            "meta-delete": self._meta_delete,
        }

    async def answer(self, request: Request, kind: str, name: str, *, id: str = "") -> Response:  # noqa: A002
        """Answer the operation ``name`` of ``kind`` or of the resource ``id``. Raises Problem API-002."""
        caller = self._authenticate(request)
        row = terms.QUESTIONS.get((kind, name))
        if row is not None and (not id or row.instance):
            return await self._of_terms(request, caller, kind, name, id)
        work = self._on_records.get((kind, name, "instance" if id else "type"))
        if work is None and id:
            work = self._on_all.get(name)
        if work is None:
            raise Problem("API-002")
        return await work(request, caller, kind, id)

    async def _of_terms(self, request: Request, caller: Caller, kind: str, name: str, id: str) -> Response:  # noqa: A002
        row = terms.QUESTIONS[kind, name]
        known = {name: type_ for name, type_ in row.known.items() if not id or name != "url"}
        asked = await self._asked(request, caller, known)
        place = terms.Place(id, _language(request), self._hub.operations.now())
        found = await self._hub.operations.of_terms(caller, kind, name, row.ask(asked, place))
        return Response(orjson.dumps(found), 200, media_type=MEDIA_TYPE)

    async def _everything(self, request: Request, caller: Caller, kind: str, id: str) -> Response:  # noqa: A002
        pairs = await self._pairs(request, caller, {"_since": "text", "_type": "text", "_count": "integer"})
        found = await self._hub.operations.everything(caller, kind, id, pairs=pairs)
        body = bundles.searchset(found, path=f"{kind}/{id}/$everything", base=self._base, lang=_language(request))
        return Response(body, 200, media_type=MEDIA_TYPE)

    async def _lastn(self, request: Request, caller: Caller, kind: str, id: str) -> Response:  # noqa: A002
        names = ("patient", "subject", "code", "category")
        pairs = await self._pairs(request, caller, {**dict.fromkeys(names, "text"), "max": "integer"})
        found = await self._hub.operations.lastn(caller, pairs=pairs)
        body = bundles.searchset(found, path=f"{kind}/$lastn", base=self._base, lang=_language(request))
        return Response(body, 200, media_type=MEDIA_TYPE)

    async def _document(self, request: Request, caller: Caller, kind: str, id: str) -> Response:  # noqa: A002
        asked = await self._asked(request, caller, {"persist": "boolean"})
        found = await self._hub.operations.document(caller, id, persist=asked.flag("persist"))
        body = bundles.document(found, base=self._base, id=str(uuid4()), now=self._hub.operations.now())
        return Response(body, 200, media_type=MEDIA_TYPE)

    async def _meta(self, request: Request, caller: Caller, kind: str, id: str) -> Response:  # noqa: A002
        await self._asked(request, caller, {})
        return _told_meta((await self._hub.read(caller, kind, id)).body)

    async def _meta_add(self, request: Request, caller: Caller, kind: str, id: str) -> Response:  # noqa: A002
        return await self._changed_meta(request, caller, kind, id, add=True)

    async def _meta_delete(self, request: Request, caller: Caller, kind: str, id: str) -> Response:  # noqa: A002
        return await self._changed_meta(request, caller, kind, id, add=False)

    async def _changed_meta(self, request: Request, caller: Caller, kind: str, id: str, *, add: bool) -> Response:  # noqa: A002
        _demand_post(request)
        given = (await self._asked(request, caller, {"meta": "Meta"})).value("meta")
        written = await self._hub.operations.change_meta(caller, kind, id, given=given, add=add)
        return _told_meta(b"{}" if written.released is None else written.released.body)

    async def _match(self, request: Request, caller: Caller, kind: str, id: str) -> Response:  # noqa: A002
        _demand_post(request)
        known: parameters.Known = {"resource": "resource", "onlyCertainMatches": "boolean", "count": "integer"}
        asked = await self._asked(request, caller, known)
        certain, count = asked.flag("onlyCertainMatches"), asked.number("count", MAX_MATCHES)
        found = await self._hub.operations.match(caller, asked.value("resource"), certain_only=certain, count=count)
        return Response(bundles.matches(found, base=self._base), 200, media_type=MEDIA_TYPE)

    async def _asked(self, request: Request, caller: Caller, known: parameters.Known) -> Asked:
        """Return what is asked; who is refused for it has an entry, as the hub is not asked any more."""
        try:
            return await parameters.asked(request, known, limit=self._limit)
        except (Problem, Problems) as error:
            # What the door itself notes (API-) is not noted twice.
            if isinstance(error, Problems) or not error.code.startswith("API-"):
                kind = str(request.path_params["kind"])
                await self._hub.operations.refuse(caller, kind, error)
            raise

    async def _pairs(self, request: Request, caller: Caller, known: parameters.Known) -> list[tuple[str, str]]:
        """Return what is asked as pairs; those of an address are the hub's to understand, a page among them."""
        if request.method == "GET":
            return bodies.asked(request)
        asked = await self._asked(request, caller, known)
        return [(name, str(value)) for name, value in asked.values.items()]


def _told_meta(body: bytes) -> Response:
    meta = orjson.loads(body).get("meta", {})
    told = parameters.answer(("return", "valueMeta", meta or None))
    return Response(orjson.dumps(told), 200, media_type=MEDIA_TYPE)


def _demand_post(request: Request) -> None:
    """Refuse GET for what changes something or carries a resource (R4 operations.html#executing)."""
    if request.method != "POST":
        raise Problem("API-003", method=request.method, allowed="POST")


def _language(request: Request) -> Lang:
    return headers.language(request.headers.get("accept-language", ""))


def of_kind(kind: str) -> list[dict[str, str]]:
    """Return the operations of ``kind`` for the CapabilityStatement."""
    named = [name for at, name in (*terms.QUESTIONS, *ON_RECORDS) if at == kind]
    on_all = [{"name": name, "definition": f"{BASE}/Resource-{name}"} for name in ON_ALL]
    return [*({"name": name, "definition": f"{BASE}/{kind}-{name}"} for name in named), *on_all]
