"""The FHIR interactions over HTTP: each reads its request, asks the hub for one thing, renders what comes back.

In: a request with a token. Out: R4 status codes and headers. Nothing that would change an answer is ignored: an
unknown parameter or condition is refused. Source: FHIR R4 http.html; docs/decisions/0071-what-a-request-may-ask.md.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Set

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.api import answers, bodies, bundles, headers
from gateway.api.headers import MEDIA_TYPE
from gateway.api.operations import Operations
from gateway.fhir import definitions
from gateway.fhir import gate as fhir
from gateway.fhir import search as parameters
from gateway.fhir.problem import Lang, Problem
from gateway.fhir.subset import Portion
from gateway.hub import Demand, Hub, Released, is_batch
from security.caller import Caller

ROOT = "/fhir"
Authenticate = Callable[[Request], Caller]
"""Return the caller of a request by its token. Raises Problem SEC-401."""
Endpoint = Callable[[Request], Awaitable[Response]]
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_CONDITIONS = ("if-none-exist", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
"""Conditions of requests (R4 http.html#ccreate, #cond-update; RFC 9110 §13); each method takes some of them."""
_OF_A_CREATE = frozenset({"if-none-exist"})
_OF_A_VERSION = frozenset({"if-match", "if-none-match", "if-unmodified-since"})


class Interactions:
    """The endpoints of the FHIR door."""

    def __init__(self, hub: Hub, *, authenticate: Authenticate, base: str, limit: int = fhir.MAX_BYTES) -> None:
        """Hold the hub; ``base`` is the FHIR base URL of links, ``limit`` the bytes of a body."""
        self._hub = hub
        self._authenticate = authenticate
        self._base = base
        self._limit = limit
        self._operations = Operations(hub, authenticate=authenticate, base=base, limit=limit)

    def routes(self) -> list[Route]:
        """Return the routes below `/fhir`, the busiest first."""
        instance = f"{ROOT}/{{kind}}/{{id}}"
        return [
            Route(instance, self._instance, methods=["GET", "PUT", "PATCH", "DELETE"]),
            Route(f"{ROOT}/{{kind}}/_search", self.search_by_form, methods=["POST"]),
            Route(f"{ROOT}/{{kind}}/$validate", self.validate, methods=["POST"]),
            Route(f"{ROOT}/_search", self.search_all, methods=["POST"]),
            Route(f"{ROOT}/{{kind}}", self._type, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route(f"{instance}/_history", self.history, methods=["GET"]),
            Route(f"{instance}/_history/{{version}}", self.vread, methods=["GET"]),
            Route(f"{instance}/$validate", self.validate, methods=["GET", "POST"]),
            Route(f"{ROOT}/{{kind}}/${{operation}}", self.operation, methods=["POST"]),
            Route(f"{instance}/${{operation}}", self.operation, methods=["GET", "POST"]),
            Route(f"{ROOT}/Patient/{{id}}/{{kind}}", self.search_compartment, methods=["GET"]),
            Route(f"{ROOT}/Patient/{{id}}/{{kind}}/_search", self.search_compartment, methods=["POST"]),
            Route(ROOT, self._whole, methods=["GET", "POST"]),
            Route(f"{ROOT}/", self._whole, methods=["GET", "POST"]),
        ]

    async def read(self, request: Request) -> Response:
        """Answer `GET Kind/id`; 304 for a version that the client has, unless this view of it is masked."""
        caller, kind, id = self._about(request)  # noqa: A001 - FHIR's word
        portion = bodies.portion(request, kind)
        released = await self._hub.read(caller, kind, id)
        return _version(request, released, portion)

    async def vread(self, request: Request) -> Response:
        """Answer `GET Kind/id/_history/version`."""
        caller, kind, id = self._about(request)  # noqa: A001
        portion = bodies.portion(request, kind)
        version = request.path_params["version"]
        if not _VERSION.fullmatch(version):
            raise Problem("API-002")
        released = await self._hub.vread(caller, kind, id, version=int(version))
        return _version(request, released, portion)

    async def history(self, request: Request) -> Response:
        """Answer `GET Kind/id/_history`."""
        caller, kind, id = self._about(request)  # noqa: A001
        found = await self._hub.history(caller, kind, id, pairs=bodies.asked(request))
        body = bundles.history(found, path=f"{kind}/{id}/_history", base=self._base)
        return Response(body, 200, media_type=MEDIA_TYPE)

    async def search(self, request: Request) -> Response:
        """Answer `GET Kind?…`."""
        caller, kind = self._caller(request), _kind(request)
        return await self._found(request, caller, kind, bodies.asked(request))

    async def search_by_form(self, request: Request) -> Response:
        """Answer `POST Kind/_search`; parameters of the address join those of the form (R4 http.html#search)."""
        caller, kind = self._caller(request), _kind(request)
        pairs = [*bodies.asked(request), *await bodies.form(request)]
        return await self._found(request, caller, kind, pairs)

    async def search_all(self, request: Request) -> Response:
        """Answer `GET [base]?_type=…` and `POST [base]/_search`."""
        caller = self._caller(request)
        pairs = [*bodies.asked(request), *(await bodies.form(request) if request.method == "POST" else ())]
        found = await self._hub.search_all(caller, pairs=pairs, strict=_prefer(request).strict)
        body = bundles.searchset(found, path="", base=self._base, lang=_language(request))
        return Response(body, 200, media_type=MEDIA_TYPE)

    async def search_compartment(self, request: Request) -> Response:
        """Answer `GET Patient/id/Kind` and `POST Patient/id/Kind/_search` (R4 http.html#vsearch)."""
        caller, kind, elder = self._caller(request), request.path_params["kind"], _id(request)
        if kind != "*" and kind not in definitions.compartment("Patient"):
            raise Problem("API-002")
        pairs = [*bodies.asked(request), *(await bodies.form(request) if request.method == "POST" else ())]
        found = await self._hub.compartment(caller, elder, kind, pairs=pairs, strict=_prefer(request).strict)
        path = f"Patient/{elder}/{kind}"
        body = bundles.searchset(found, path=path, base=self._base, lang=_language(request))
        return Response(body, 200, media_type=MEDIA_TYPE)

    async def create(self, request: Request) -> Response:
        """Answer `POST Kind`."""
        caller, kind = self._caller(request), _kind(request)
        bodies.demand_none(bodies.asked(request))
        _demand_no_conditions(request, but=_OF_A_CREATE)
        unless = bodies.criteria(request.headers.getlist("if-none-exist"), kind=kind)
        body = await bodies.resource(request, limit=self._limit)
        written = await self._hub.create(caller, kind, body=body, unless=unless)
        return answers.write(request, written, base=self._base, returns=_prefer(request).returns or "representation")

    async def update(self, request: Request) -> Response:
        """Answer `PUT Kind/id`, against the version that the headers demand, if any."""
        caller, kind, id = self._about(request)  # noqa: A001
        bodies.demand_none(bodies.asked(request))
        demand = _demand(request)
        body = await bodies.resource(request, limit=self._limit)
        written = await self._hub.update(caller, kind, id, body=body, demand=demand)
        return answers.write(request, written, base=self._base, returns=_prefer(request).returns or "representation")

    async def update_where(self, request: Request) -> Response:
        """Answer `PUT Kind?criteria`."""
        caller, kind = self._caller(request), _kind(request)
        criteria, demand = bodies.asked(request), _demand(request)
        body = await bodies.resource(request, limit=self._limit)
        written = await self._hub.update_where(caller, kind, criteria=criteria, body=body, demand=demand)
        return answers.write(request, written, base=self._base, returns=_prefer(request).returns or "representation")

    async def patch(self, request: Request) -> Response:
        """Answer `PATCH Kind/id`, against the version that the headers demand, if any."""
        caller, kind, id = self._about(request)  # noqa: A001
        bodies.demand_none(bodies.asked(request))
        demand = _demand(request)
        change = await bodies.patch(request, kind=kind, limit=self._limit)
        written = await self._hub.patch(caller, kind, id, change=change, demand=demand)
        return answers.write(request, written, base=self._base, returns=_prefer(request).returns or "representation")

    async def patch_where(self, request: Request) -> Response:
        """Answer `PATCH Kind?criteria`."""
        caller, kind = self._caller(request), _kind(request)
        criteria, demand = bodies.asked(request), _demand(request)
        change = await bodies.patch(request, kind=kind, limit=self._limit)
        written = await self._hub.patch_where(caller, kind, criteria=criteria, change=change, demand=demand)
        return answers.write(request, written, base=self._base, returns=_prefer(request).returns or "representation")

    async def delete(self, request: Request) -> Response:
        """Answer `DELETE Kind/id`."""
        caller, kind, id = self._about(request)  # noqa: A001
        bodies.demand_none(bodies.asked(request))
        written = await self._hub.delete(caller, kind, id, demand=_demand(request))
        return answers.deletion(request, (written,), returns=_prefer(request).returns or "minimal")

    async def delete_where(self, request: Request) -> Response:
        """Answer `DELETE Kind?criteria`; more than one is deleted only with `_count`."""
        caller, kind = self._caller(request), _kind(request)
        criteria, most = bodies.most(bodies.asked(request))
        demand = _demand(request)
        written = await self._hub.delete_where(caller, kind, criteria=criteria, most=most, demand=demand)
        return answers.deletion(request, written, returns=_prefer(request).returns or "minimal")

    async def validate(self, request: Request) -> Response:
        """Answer `$validate` of a kind (POST) or a resource (GET, POST): 200, whatever was found."""
        caller, kind = self._caller(request), _kind(request)
        id = _id(request) if "id" in request.path_params else ""  # noqa: A001
        query = bodies.asked(request)
        body = b"" if request.method == "GET" else await bodies.resource(request, limit=self._limit)
        asked = bodies.validated(body, kind=kind, query=query)
        if not asked.body and not id:
            raise Problem("API-008", name="resource")
        found = await self._hub.validate(caller, kind, body=asked.body, id=id, mode=asked.mode, profile=asked.profile)
        return answers.outcome(request, found or (Problem("API-010", severity="information"),))

    async def operation(self, request: Request) -> Response:
        """Answer `Kind/$name` and `Kind/id/$name`. See `gateway.api.operations`."""
        self._caller(request)
        kind, id = _kind(request), _id(request) if "id" in request.path_params else ""  # noqa: A001
        return await self._operations.answer(request, kind, request.path_params["operation"], id=id)

    async def transaction(self, request: Request) -> Response:
        """Answer `POST` of a transaction or batch Bundle at the base."""
        caller = self._caller(request)
        bodies.demand_none(bodies.asked(request))
        _demand_no_conditions(request)
        preferred = _prefer(request)
        body = await bodies.resource(request, limit=self._limit)
        alone = is_batch(body)
        carry_out = self._hub.batch if alone else self._hub.transaction
        done = await carry_out(caller, body=body, strict=preferred.strict)
        type_ = "batch-response" if alone else "transaction-response"
        whole = preferred.returns == "representation"
        answer = bundles.answers(done, type_, base=self._base, lang=_language(request), representation=whole)
        return Response(answer, 200, media_type=MEDIA_TYPE)

    async def _instance(self, request: Request) -> Response:
        if request.method == "GET" and request.path_params["id"].startswith("$"):
            # The busiest route comes first, and takes `Kind/$name` for a read.
            self._caller(request)
            name = request.path_params["id"].removeprefix("$")
            return await self._operations.answer(request, _kind(request), name)
        by_method: dict[str, Endpoint] = {"PUT": self.update, "PATCH": self.patch, "DELETE": self.delete}
        return await by_method.get(request.method, self.read)(request)

    async def _type(self, request: Request) -> Response:
        by_method: dict[str, Endpoint] = {
            "POST": self.create,
            "PUT": self.update_where,
            "PATCH": self.patch_where,
            "DELETE": self.delete_where,
        }
        return await by_method.get(request.method, self.search)(request)

    async def _whole(self, request: Request) -> Response:
        return await (self.transaction if request.method == "POST" else self.search_all)(request)

    async def _found(self, request: Request, caller: Caller, kind: str, pairs: bodies.Pairs) -> Response:
        found = await self._hub.search(caller, kind, pairs=pairs, strict=_prefer(request).strict)
        body = bundles.searchset(found, path=kind, base=self._base, lang=_language(request))
        return Response(body, 200, media_type=MEDIA_TYPE)

    def _caller(self, request: Request) -> Caller:
        return self._authenticate(request)

    def _about(self, request: Request) -> tuple[Caller, str, str]:
        """Return who asks about which resource. Who is unknown learns not even whether the address makes sense."""
        return self._caller(request), _kind(request), _id(request)


def _version(request: Request, released: Released, portion: Portion) -> Response:
    """Answer with a version, or 304 where the client has it; never of a masked one: its view may have changed."""
    known = headers.is_known(
        released.version,
        released.updated,
        none_match=request.headers.get("if-none-match", ""),
        modified_since=request.headers.get("if-modified-since", ""),
    )
    return (
        answers.not_modified(released) if known and not released.masked else answers.resource(released, portion=portion)
    )


def _kind(request: Request) -> str:
    kind: str = request.path_params["kind"]
    if not parameters.supported(kind):
        raise Problem("API-002")
    return kind


def _id(request: Request) -> str:
    id: str = request.path_params["id"]  # noqa: A001 - FHIR's word
    if not _ID.fullmatch(id):
        raise Problem("API-002")
    return id


def _demand(request: Request) -> Demand:
    """Return what the headers demand of the version that is met."""
    _demand_no_conditions(request, but=_OF_A_VERSION)
    return headers.demand(request.headers)


def _demand_no_conditions(request: Request, *, but: Set[str] = frozenset()) -> None:
    """Refuse, not ignore, conditions that mean nothing here: they would change what is written."""
    bodies.demand_none([(name, "") for name in _CONDITIONS if name in request.headers and name not in but])


def _prefer(request: Request) -> headers.Prefer:
    return headers.prefer(request.headers.getlist("prefer"))


def _language(request: Request) -> Lang:
    return headers.language(request.headers.get("accept-language", ""))
