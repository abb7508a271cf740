"""What a request carries besides headers: parameters of query and form, a body up to a limit.

A body comes as JSON or XML, plain or packed by gzip, and leaves as JSON.
Refused: a body that is too large before it is read, forms and query strings that are not UTF-8 or too many.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from gateway.api import headers
from gateway.fhir import subset, xml_reader
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem
from gateway.fhir.subset import NAMES, WHOLE, Portion
from gateway.fhir.wire import PERSONAL
from gateway.hub import Change, fhirpath_change, json_change

MAX_FORM_BYTES = 64 * 1024
"""A search of 32 clauses with 100 values each fits (design default)."""
MAX_PAIRS = 200
"""Parameters of one request; a search may have 32 (design default)."""
_COUNT = re.compile(r"[1-9][0-9]{0,2}")
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


def criteria(values: Sequence[str], *, kind: str) -> list[tuple[str, str]] | None:
    """Return the criteria of `If-None-Exist`, None without one. Raises Problem API-001, API-007.

    R4 http.html#ccreate: what follows `?` in a search; clients also send the `?`, or the kind before it.
    """
    if not values:
        return None
    if len(values) > 1 or not values[0].isascii():
        raise Problem("API-001", name="If-None-Exist", reason="search parameters are expected, once")
    return pairs(values[0].strip().removeprefix(kind).removeprefix("?").encode())


def most(found: Pairs) -> tuple[list[tuple[str, str]], int]:
    """Return the criteria of a conditional delete, and how many resources it may delete (`_count`, else one).

    Raises Problem("API-008") for a `_count` that is no number from 1 to 999.
    """
    counts = [value for name, value in found if name == "_count"]
    if len(counts) > 1 or not all(_COUNT.fullmatch(value) for value in counts):
        raise Problem("API-008", name="_count")
    return [pair for pair in found if pair[0] != "_count"], int(counts[0]) if counts else 1


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


async def patch(request: Request, *, kind: str, limit: int) -> Change:
    """Return the change of a ``kind`` that the body asks for, not read yet. Raises Problem API-005, API-012."""
    found = request.headers
    is_json = headers.is_json_patch(found.get("content-type", ""), found.get("content-encoding", ""))
    body = await _bytes(request, limit)
    return json_change(body) if is_json else fhirpath_change(body, kind=kind)


async def form(request: Request) -> list[tuple[str, str]]:
    """Return the parameters of the body. Raises Problem API-005, API-007, API-012, API-040."""
    _demand_content(request, form=True)
    return [pair for pair in pairs(await _bytes(request, MAX_FORM_BYTES)) if pair[0] not in _SHAPE]


class _Parameter(msgspec.Struct, rename="camel"):
    name: str = ""
    resource: msgspec.Raw = msgspec.Raw()
    value_code: str = ""
    value_uri: str = ""
    value_canonical: str = ""
    value_string: str = ""

    @property
    def text(self) -> str:
        return self.value_code or self.value_uri or self.value_canonical or self.value_string


class _Parameters(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's word
    parameter: list[_Parameter] = []


_DECODER = msgspec.json.Decoder(_Parameters)
MODES = ("", "create", "update", "delete", "profile")
"""R4's resource-validation-mode; "" where none is said."""


class Validation(NamedTuple):
    """What `$validate` is asked: of which resource (b"": of the one that is stored), for what, by which profile."""

    body: bytes
    mode: str
    profile: str


def validated(body: bytes, *, kind: str, query: Pairs) -> Validation:
    """Return what `$validate` is asked by ``body``, a resource or Parameters, and by ``query``.

    Raises Problem API-008 for a parameter that is not R4's, that comes twice, or that does not fit the others.
    """
    said = list(query)
    found = _parameters(body) if kind != "Parameters" else None
    if found is not None:
        resources = [bytes(one.resource) for one in found if one.name == "resource"]
        said += [(one.name, one.text) for one in found if one.name != "resource"]
        if len(resources) > 1 or not all(resources):
            raise Problem("API-008", name="resource")
        body = resources[0] if resources else b""
    values = dict(said)
    demand_none([pair for pair in said if pair[0] not in ("mode", "profile")])
    if len(values) != len(said) or values.get("mode", "") not in MODES:
        raise Problem("API-008", name="mode")
    if values.get("mode") == "profile" and not values.get("profile"):
        raise Problem("API-008", name="profile")
    return Validation(body, values.get("mode", ""), values.get("profile", ""))


def _parameters(body: bytes) -> list[_Parameter] | None:
    try:
        found = _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None  # the hub says what is wrong with it
    return found.parameter if found.resourceType == "Parameters" else None


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
