"""A transaction or batch taken apart: its entries as steps, each with the bytes of its resource.

In: the bytes of a Bundle. Out: steps in the order of their entries. Refused: other types, entries that cannot be
understood, a fullUrl that says something else than its entry. Nothing is looked up here.
Source: FHIR R4 http.html#transaction; bundle.html#references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from gateway.fhir import gate as fhir
from gateway.fhir import wire
from gateway.fhir.problem import Problem
from gateway.fhir.search import supported
from gateway.hub import placeholders
from gateway.hub.demands import ANYTHING, Demand
from gateway.hub.values import Doc
from gateway.store.protocol import ANY_VERSION

MAX_ENTRIES = 500
"""One commit must stay short; a larger bundle is cut by its sender (design default)."""
MAX_PAIRS: Final = 200
"""Parameters of one entry's address, as of a request's (design default)."""
ORDER: Final = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""R4 http.html#trules."""
READING: Final = frozenset({"GET", "HEAD"})
_TARGET = re.compile(r"([A-Z][A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64})(/_history(?:/([1-9][0-9]{0,8}))?)?)?")
_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_ABSOLUTE = re.compile(r"urn:(?:uuid|oid):\S+|https?://\S+")
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One entry: ``at`` its place in the bundle, ``id`` of its target (a new one for POST, "" where criteria name it).

    ``doc`` is the resource in ``body`` as checked, None where it must be checked still. ``pairs`` are the parameters of
    the address, ``unless`` those of `ifNoneExist`. ``history`` asks for versions, ``version`` for one (0 = none);
    ``none_match`` and ``modified_since`` are the conditions of a GET.
    """

    at: int
    method: str
    kind: str
    id: str
    body: bytes = b""
    pairs: Pairs = ()
    demand: Demand = ANYTHING
    full_url: str = ""
    doc: Doc | None = None
    unless: Pairs | None = None
    history: bool = False
    version: int = 0
    none_match: str = ""
    modified_since: str = ""

    @property
    def where(self) -> str:
        """Return the FHIRPath of the entry."""
        return f"Bundle.entry[{self.at}]"

    @property
    def criteria(self) -> Pairs | None:
        """Return by what a write names its resource instead of an id; None where it does not."""
        if self.method == "POST":
            return self.unless
        return self.pairs if self.method not in READING and not self.id else None


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry of a batch that is not understood, and why."""

    step: Step
    problem: Problem


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


class _Type(msgspec.Struct):
    type: str = ""


_DECODER = msgspec.json.Decoder(_Bundle)
_TYPE = msgspec.json.Decoder(_Type)


def is_batch(body: bytes) -> bool:
    """Tell whether ``body`` says that it is a batch."""
    try:
        return _TYPE.decode(body).type == "batch"
    except (msgspec.DecodeError, RecursionError):
        return False


def steps(body: bytes, *, base: str, new_id: Callable[[], str]) -> tuple[Step, ...]:
    """Return the entries of the transaction ``body``.

    Raises what the fhir gate finds, HUB-010 (type), HUB-011 (too many), HUB-013 (an entry that cannot be understood),
    HUB-014 (a fullUrl twice), HUB-046 (a fullUrl that is not the entry's).
    """
    # What a question means is told later: until then a reference of its kind stands for it.
    checked = fhir.accept(placeholders.unasked(body), kind="Bundle")
    bundle = _decoded(body, "transaction")
    docs = [each.get("resource") for each in checked.get("entry", ())]
    read = [_step(at, entry, base, new_id) for at, entry in enumerate(bundle.entry)]
    _demand_own_urls(read, base)
    return tuple(replace(step, doc=_sound(step, docs[step.at])) for step in read)


def batch(body: bytes, *, base: str, new_id: Callable[[], str]) -> tuple[Step | Unread, ...]:
    """Return the entries of the batch ``body``, each read by itself; their resources are not checked yet.

    Raises what the fhir gate finds in the bundle around them, HUB-010, HUB-011.
    """
    around = _bare(wire.read(body))
    if around.get("resourceType") != "Bundle":
        raise Problem("FHIR-005", where="Bundle", expected="Bundle", found=wire.shown(around.get("resourceType")))
    fhir.demand(fhir.check(around))
    bundle = _decoded(body, "batch")
    urls = {entry.full_url for entry in bundle.entry if entry.full_url.startswith("urn:")}
    return tuple(_alone(at, entry, base, new_id, urls) for at, entry in enumerate(bundle.entry))


def _decoded(body: bytes, wanted: str) -> _Bundle:
    bundle = _DECODER.decode(body)
    if bundle.type != wanted:
        raise Problem("HUB-010", where="Bundle.type", type=bundle.type)
    if len(bundle.entry) > MAX_ENTRIES:
        raise Problem("HUB-011", where="Bundle.entry", limit=MAX_ENTRIES)
    return bundle


def _bare(doc: Doc) -> Doc:
    """Return the bundle ``doc`` without the resources of its entries."""
    entries = doc.get("entry")
    if not isinstance(entries, list):
        return doc
    bare = [{**each, "resource": None} if isinstance(each, dict) else each for each in entries]
    for each in bare:
        if isinstance(each, dict):
            del each["resource"]
    return {**doc, "entry": bare}


def _alone(at: int, entry: _Entry, base: str, new_id: Callable[[], str], urls: Set[str]) -> Step | Unread:
    try:
        step = _step(at, entry, base, new_id)
        if any(f'"{url}"'.encode() in step.body for url in urls - {step.full_url}):
            raise Problem("HUB-047", where=step.where)
    except Problem as problem:
        return Unread(Step(at, "", "", ""), problem)
    return step


def _step(at: int, entry: _Entry, base: str, new_id: Callable[[], str]) -> Step:
    where = f"Bundle.entry[{at}].request"
    asked = entry.request
    path, mark, query = asked.url.removeprefix(base + "/").partition("?")
    target = _TARGET.fullmatch(path)
    if asked.method not in ORDER or target is None or not supported(target[1]):
        raise Problem("HUB-013", where=where)
    reading = asked.method in READING
    step = Step(
        at,
        asked.method,
        target[1],
        target[2] or "",
        bytes(entry.resource),
        _pairs(query, where),
        ANYTHING if reading else _demand(asked, where),
        entry.full_url,
        unless=_pairs(asked.if_none_exist.removeprefix("?"), where) if asked.if_none_exist else None,
        history=bool(target[3]) and not target[4],
        version=int(target[4] or 0),
        none_match=asked.if_none_match if reading else "",
        modified_since=asked.if_modified_since,
    )
    if not _fits(step, asked, mark):
        raise Problem("HUB-013", where=where)
    return replace(step, id=new_id()) if step.method == "POST" else step


def _fits(step: Step, asked: _Request, mark: str) -> bool:
    """Tell whether address, resource and conditions go with the method: none of them is ignored."""
    if step.method in READING:
        plain = bool(step.id) and not step.history
        conditions = bool(asked.if_none_match or asked.if_modified_since)
        return not step.body and not asked.if_match and step.unless is None and (plain or not conditions)
    if step.history or step.version or step.modified_since or (step.unless is not None and step.method != "POST"):
        return False
    if step.method == "POST":
        return bool(step.body) and not step.id and not mark and step.demand == ANYTHING
    return bool(step.body) == (step.method != "DELETE") and bool(step.id) != bool(mark)


def _pairs(query: str, where: str) -> Pairs:
    try:
        return tuple(parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS))
    except ValueError:
        raise Problem("HUB-013", where=where) from None


def _demand(asked: _Request, where: str) -> Demand:
    match = _ETAG.fullmatch(asked.if_match)
    if (asked.if_match and match is None) or asked.if_none_match not in ("", "*"):
        raise Problem("HUB-013", where=where)
    return Demand(int(match[1]) if match else ANY_VERSION, absent=bool(asked.if_none_match))


def _sound(step: Step, doc: Doc | None) -> Doc | None:
    """Return ``doc`` where it is what will be stored, as far as is known now."""
    sound = doc is not None and doc.get("resourceType") == step.kind and not placeholders.asks(step.body)
    return doc if sound else None


def _demand_own_urls(read: Sequence[Step], base: str) -> None:
    """Refuse a fullUrl that stands twice, or that names another resource than its entry is.

    References follow it, so it would turn them to something else.
    """
    urls: set[str] = set()
    for step in read:
        url = step.full_url
        if not url:
            continue
        if url in urls:
            raise Problem("HUB-014", where=f"{step.where}.fullUrl")
        urls.add(url)
        if not _ABSOLUTE.fullmatch(url) or (url.startswith("http") and not _names(step, url, base)):
            raise Problem("HUB-046", where=f"{step.where}.fullUrl")


def _names(step: Step, url: str, base: str) -> bool:
    """Tell whether the address ``url`` may be that of the resource of ``step``."""
    if step.method == "POST":
        return f"/{step.kind}/" in url and not url.startswith(f"{base}/")
    return not step.id or url.endswith(f"/{step.kind}/{step.id}")
