"""What a request carries besides headers: parameters of query and form, a body up to a limit.

A body comes as JSON or XML, plain or packed by gzip, and leaves as JSON.
Refused: a body that is too large before it is read, forms and query strings that are not UTF-8 or too many.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from gateway.api import headers
from gateway.fhir import subset, xml_reader
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem
from gateway.fhir.subset import NAMES, WHOLE, Portion
from gateway.fhir.wire import PERSONAL

MAX_FORM_BYTES = 64 * 1024
"""A search of 32 clauses with 100 values each fits (design default)."""
MAX_PAIRS = 200
"""Parameters of one request; a search may have 32 (design default)."""
_SHAPE = frozenset({"_format", "_pretty"})
"""Parameters that concern the form of an answer, not what is in it."""
UNHEARD = "unheard"
"""Stands in the state of a request that was refused before the hub heard of it, whatever its code."""
Pairs = Sequence[tuple[str, str]]


def pairs(text: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query string or form. Raises Problem("API-007")."""
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except UnicodeDecodeError:
        raise Problem("API-007", reason="it is not percent-encoded UTF-8") from None
    except ValueError:
        raise Problem("API-007", reason=f"more than {MAX_PAIRS} parameters") from None


def asked(request: Request) -> list[tuple[str, str]]:
    """Return the parameters of the query that change the answer, once it is sure that a form is wanted that we have.

    Raises Problem API-004, API-007.
    """
    found = pairs(request.scope["query_string"])
    formats = [value for name, value in found if name == "_format"]
    headers.demand_accepted(request.headers.get("accept", ""), formats)
    return [(name, value) for name, value in found if name not in _SHAPE]


def portion(request: Request, kind: str) -> Portion:
    """Return how much of the resource of ``kind`` is asked for; no other parameter is understood on a read.

    Raises Problem API-004, API-007, API-008, FHIR-042.
    """
    found = asked(request)
    if not found:
        return WHOLE
    demand_none([(name, value) for name, value in found if name not in NAMES])
    with _unheard(request):
        wanted = subset.portion(found, kind)
        if wanted.summary == "count":
            raise Problem("FHIR-042", name="_summary", reason="there is nothing to count")
    return wanted


@contextmanager
def _unheard(request: Request) -> Iterator[None]:
    """Mark ``request`` where another room's Problem is raised before the hub is asked: the door must note it."""
    try:
        yield
    except Problem:
        request.scope.setdefault("state", {})[UNHEARD] = True
        raise


def demand_none(found: Pairs) -> None:
    """Raise Problem("API-008") for a parameter where none is understood: it is never ignored."""
    if found:
        name = found[0][0]
        plain = name.isascii() and name.isprintable() and not PERSONAL.search(name)
        raise Problem("API-008", name=name[:64] if plain else "?")


async def resource(request: Request, *, limit: int) -> bytes:
    """Return the body, which should be one FHIR resource, as JSON.

    Raises Problem API-005, API-012, API-040, and for XML what `xml_reader.to_json` raises.
    """
    form = _demand_content(request, form=False)
    body = await _bytes(request, limit)
    with _unheard(request):
        return await aside(len(body), lambda: xml_reader.to_json(body)) if form == "xml" else body


async def form(request: Request) -> list[tuple[str, str]]:
    """Return the parameters of the body. Raises Problem API-005, API-007, API-012, API-040."""
    _demand_content(request, form=True)
    return [pair for pair in pairs(await _bytes(request, MAX_FORM_BYTES)) if pair[0] not in _SHAPE]


class _Parameter(msgspec.Struct):
    name: str = ""
    resource: msgspec.Raw = msgspec.Raw()


class _Parameters(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's word
    parameter: list[_Parameter] = []


_DECODER = msgspec.json.Decoder(_Parameters)


def validated(body: bytes, *, kind: str) -> bytes:
    """Return the resource that `$validate` is asked about: ``body``, or the `resource` of a Parameters.

    `mode` and `profile` are refused (API-008): ignoring them would change the answer.
    """
    try:
        found = _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body  # the hub says what is wrong with it
    if found.resourceType != "Parameters" or kind == "Parameters":
        return body
    demand_none([(parameter.name, "") for parameter in found.parameter if parameter.name != "resource"])
    given = [bytes(parameter.resource) for parameter in found.parameter]
    if len(given) != 1 or not given[0]:
        raise Problem("API-008", name="resource")
    return given[0]


def _demand_content(request: Request, *, form: bool) -> headers.Format:
    found = request.headers
    return headers.demand_content(found.get("content-type", ""), found.get("content-encoding", ""), form=form)


async def _bytes(request: Request, limit: int) -> bytes:
    """Return the body, unpacked; neither what is sent nor what comes of it is more than ``limit``."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and len(announced) < 20 and int(announced) > limit:
        raise Problem("API-012", limit=limit)
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Problem("API-012", limit=limit)
        parts.append(chunk)
    body = b"".join(parts)
    return _unpacked(body, limit) if request.headers.get("content-encoding", "").lower() == headers.GZIP else body


def _unpacked(packed: bytes, limit: int) -> bytes:
    """Return what gzip packed into ``packed``; no more than ``limit`` is ever unpacked (RFC 1952)."""
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        body = unpacking.decompress(packed, limit + 1)
    except zlib.error:
        raise Problem("API-040") from None
    if len(body) > limit:
        raise Problem("API-012", limit=limit)
    if not unpacking.eof or unpacking.unused_data:
        raise Problem("API-040")
    return body
