"""The one place where answers are made: resources, outcomes of writes, problems in two languages.

In: what the hub hands back, or a Problem. Out: a response with the headers of FHIR R4 http.html. Bodies are sent as
they are stored. No exception text reaches a client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import format_datetime

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import headers
from gateway.api.headers import MEDIA_TYPE, Return
from gateway.fhir import codec
from gateway.fhir.problem import Problem, Problems, to_outcome
from gateway.fhir.subset import WHOLE, Portion, subset
from gateway.hub import Released, Written

RETRY_AFTER_S = 5
"""When a client may try again after 503 (design default)."""
_LANGUAGES = {"zh": "zh-CN", "en": "en"}


def render(request: Request, error: Problem | Problems) -> Response:
    """Return the OperationOutcome for ``error`` with its status, in the language that ``request`` prefers."""
    problems = error.problems if isinstance(error, Problems) else (error,)
    extra = _headers(request, error.status, problems)
    return outcome(request, problems, status=error.status, extra=extra)


def outcome(
    request: Request, problems: Sequence[Problem], *, status: int = 200, extra: Mapping[str, str] | None = None
) -> Response:
    """Return an OperationOutcome of ``problems`` with ``status``."""
    lang = headers.language(request.headers.get("accept-language", ""))
    body = orjson.dumps(to_outcome(problems, lang))
    return Response(body, status, {"Content-Language": _LANGUAGES[lang], **(extra or {})}, MEDIA_TYPE)


def resource(released: Released, *, portion: Portion = WHOLE) -> Response:
    """Return one version of a resource, or the ``portion`` of it that was asked for."""
    return Response(part(released.body, portion), 200, version_headers(released), MEDIA_TYPE)


def part(body: bytes, portion: Portion) -> bytes:
    """Return the ``portion`` of a resource as its reader may see it; the bytes as they are where all is wanted."""
    if portion.is_whole or not body:
        return body
    return codec.dump_exact(subset(codec.parse_exact(body), portion))


def write(request: Request, written: Written, *, base: str, returns: Return) -> Response:
    """Return the outcome of a create or update; a body only as far as the writer may read what it wrote."""
    status = 201 if written.created else 200
    extra = {**version_headers(written), "Location": location(written, base)}
    if returns == "OperationOutcome":
        return outcome(request, (done(),), status=status, extra=extra)
    body = written.released.body if returns == "representation" and written.released is not None else b""
    return Response(body, status, extra, MEDIA_TYPE if body else None)


def deletion(request: Request, written: Sequence[Written], *, returns: Return) -> Response:
    """Return the outcome of a delete: 204, or 200 with the outcome that was asked for; of one version its tag."""
    extra = {"ETag": etag(written[0])} if len(written) == 1 else {}
    if returns == "OperationOutcome":
        return outcome(request, (done(),), extra=extra)
    return Response(b"", 204, extra)


def not_modified(released: Released) -> Response:
    """Return 304 for a version that the client has."""
    return Response(b"", 304, version_headers(released))


def done() -> Problem:
    """Return the issue that says that all went well."""
    return Problem("API-009", severity="information")


def etag(version: Released | Written) -> str:
    """Return the weak tag of a version (R4 http.html#versioning)."""
    return f'W/"{version.version}"'


def location(version: Released | Written, base: str) -> str:
    """Return the version's own address (R4 http.html#create)."""
    return f"{base}/{version.kind}/{version.id}/_history/{version.version}"


def version_headers(version: Released | Written) -> dict[str, str]:
    """Return the headers that name a version and its time."""
    return {"ETag": etag(version), "Last-Modified": format_datetime(version.updated, usegmt=True)}


def _headers(request: Request, status: int, problems: Sequence[Problem]) -> dict[str, str]:
    if status == 401:
        # RFC 6750 §3.1: a request that showed no token learns nothing but the scheme.
        shown = ', error="invalid_token"' if "authorization" in request.headers else ""
        return {"WWW-Authenticate": f'Bearer realm="fhir"{shown}'}
    if problems[0].code == "HUB-001":
        scope = problems[0].detail["scope"]
        return {"WWW-Authenticate": f'Bearer realm="fhir", error="insufficient_scope", scope="{scope}"'}
    if status == 405:
        return {"Allow": str(problems[0].detail["allowed"])}
    return {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
