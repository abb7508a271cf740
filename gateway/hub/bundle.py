"""A transaction bundle taken apart: its entries in the order of processing, each with the bytes of its resource.

In: the bytes of a Bundle of type transaction. Out: entries with urn:uuid references resolved. Refused: other types,
conditional interactions (not built), two entries for one resource. Source: FHIR R4 http.html#transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

import msgspec

from gateway.fhir import gate as fhir
from gateway.fhir.problem import Problem
from gateway.hub.demands import ANYTHING, Demand
from gateway.hub.values import Doc
from gateway.store.protocol import ANY_VERSION

MAX_ENTRIES = 500
"""One commit must stay short; a larger bundle is cut by its sender (design default)."""
ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3}
"""R4 http.html#trules; PATCH and HEAD are not built."""
CONDITIONAL = ("ifNoneExist", "ifNoneMatch", "ifModifiedSince")
_TARGET = re.compile(r"([A-Z][A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64}))?")
_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_REFERENCE = re.compile(rb'("reference"\s*:\s*)"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Step:
    """One entry: ``at`` its place in the bundle, ``id`` of its target (a new one for POST, "" for a search).

    ``doc`` is the resource in ``body`` as checked with the bundle; None when a reference in it was resolved since.
    """

    at: int
    method: str
    kind: str
    id: str
    body: bytes = b""
    pairs: tuple[tuple[str, str], ...] = ()
    demand: Demand = ANYTHING
    full_url: str = ""
    doc: Doc | None = None

    @property
    def where(self) -> str:
        """Return the FHIRPath of the entry."""
        return f"Bundle.entry[{self.at}]"


class _Request(msgspec.Struct, rename="camel"):
    method: str = ""
    url: str = ""
    if_match: str = ""
    if_none_exist: str = ""
    if_none_match: str = ""
    if_modified_since: str = ""


class _Entry(msgspec.Struct, rename="camel"):
    full_url: str = ""
    resource: msgspec.Raw = msgspec.Raw()
    request: _Request = msgspec.field(default_factory=_Request)


class _Bundle(msgspec.Struct):
    type: str = ""
    entry: list[_Entry] = []


_DECODER = msgspec.json.Decoder(_Bundle)


def steps(body: bytes, *, base: str, new_id: Callable[[], str]) -> tuple[Step, ...]:
    """Return the entries of ``body`` in the order of processing, references resolved.

    Raises what the fhir gate finds, HUB-010 (type), HUB-011 (too many), HUB-012 (conditional), HUB-013 (an entry that
    cannot be understood), HUB-014 (two entries for one resource).
    """
    checked = fhir.accept(body, kind="Bundle")
    bundle = _DECODER.decode(body)
    if bundle.type != "transaction":
        raise Problem("HUB-010", where="Bundle.type", type=bundle.type)
    if len(bundle.entry) > MAX_ENTRIES:
        raise Problem("HUB-011", where="Bundle.entry", limit=MAX_ENTRIES)
    docs = [each.get("resource") for each in checked.get("entry", ())]
    read = [_step(at, entry, base, new_id, docs[at]) for at, entry in enumerate(bundle.entry)]
    _distinct(read)
    resolved = _resolved(read)
    return tuple(sorted(resolved, key=lambda step: (ORDER[step.method], step.at)))


def _step(at: int, entry: _Entry, base: str, new_id: Callable[[], str], doc: Doc | None) -> Step:
    where = f"Bundle.entry[{at}].request"
    request = entry.request
    path, mark, query = request.url.removeprefix(base + "/").partition("?")
    target = _TARGET.fullmatch(path)
    if request.method not in ORDER or target is None:
        raise Problem("HUB-013", where=where)
    kind, id = target[1], target[2] or ""  # noqa: A001 - FHIR's word
    if _conditional(request, mark, id):
        raise Problem("HUB-012", where=where)
    body = bytes(entry.resource)
    if not _fits(request.method, id, body):
        raise Problem("HUB-013", where=where)
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    if request.method == "POST":
        id = new_id()  # noqa: A001
    seen = doc if doc is not None and doc.get("resourceType") == kind else None
    return Step(
        at, request.method, kind, id, body, pairs, Demand(_version(request.if_match, where)), entry.full_url, seen
    )


def _conditional(request: _Request, mark: str, id: str) -> bool:  # noqa: A002
    """Tell whether the entry asks for a condition that is not built: it would change the result, so it is refused."""
    asked = request.if_none_exist or request.if_none_match or request.if_modified_since
    return bool(asked) or (request.method != "GET" and bool(mark)) or (request.method in ("PUT", "DELETE") and not id)


def _fits(method: str, id: str, body: bytes) -> bool:  # noqa: A002
    if method == "POST":
        return bool(body) and not id
    return bool(body) == (method == "PUT")


def _version(etag: str, where: str) -> int:
    if not etag:
        return ANY_VERSION
    match = _ETAG.fullmatch(etag)
    if match is None:
        raise Problem("HUB-013", where=where)
    return int(match[1])


def _distinct(read: Sequence[Step]) -> None:
    seen: set[tuple[str, str]] = set()
    urls: set[str] = set()
    for step in read:
        key = (step.kind, step.id)
        if step.method != "GET" and key in seen:
            raise Problem("HUB-014", where=step.where)
        if step.full_url.startswith("urn:") and step.full_url in urls:
            raise Problem("HUB-014", where=f"{step.where}.fullUrl")
        urls.add(step.full_url)
        if step.method != "GET":
            seen.add(key)


def _resolved(read: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps with every literal reference to another entry's fullUrl turned into `Kind/id`."""
    known = {step.full_url: f"{step.kind}/{step.id}" for step in read if step.body and step.full_url}
    for step in read:
        body = _REFERENCE.sub(lambda match: _target(match, known), step.body) if known and step.body else step.body
        # What a reference may point to is told only now: such a resource is checked once more.
        yield step if body == step.body else replace(step, body=body, doc=None)


def _target(match: re.Match[bytes], known: Mapping[str, str]) -> bytes:
    found = known.get(match[2].decode())
    return match[0] if found is None else match[1] + b'"' + found.encode() + b'"'
