"""Bundles of the answers: searchset, history, what a transaction or batch did.

Bodies are spliced in as bytes; they are read again only where a part of each was asked for.

In: pages and answers of the hub. Out: JSON bytes. Source: FHIR R4 bundle.html; http.html#search, #history,
#transaction-response.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

import orjson

from gateway.api.answers import etag, location, part
from gateway.api.headers import is_known
from gateway.fhir.problem import Lang, to_outcome
from gateway.fhir.subset import Portion
from gateway.hub import Answer, Failed, Found, Released, Step, Written
from gateway.hub.operations import Match

_GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"


def searchset(found: Found, *, path: str, base: str, lang: Lang) -> bytes:
    """Return the page of a search at ``path`` ("" the base).

    Warnings stand in an OperationOutcome entry (R4 search.html#errors).
    """
    entries = [
        _entry(_full_url(row, base), part(row.body, found.portion), search=mode)
        for rows, mode in ((found.rows, b'{"mode":"match"}'), (found.included, b'{"mode":"include"}'))
        for row in rows
    ]
    if found.warnings:
        told = orjson.dumps(to_outcome(found.warnings, lang))
        entries.append(_entry("", told, search=b'{"mode":"outcome"}'))
    return _bundle("searchset", entries, total=found.total, links=_links(found, f"{base}/{path}" if path else base))


def history(found: Found, *, path: str, base: str) -> bytes:
    """Return a page of versions; ``path`` is `Kind/id/_history`."""
    # A count alone is wanted: the versions stay behind (R4 search.html#summary).
    rows = () if found.portion.summary == "count" else found.rows
    entries = (_version(row, base, found.portion) for row in rows)
    return _bundle("history", entries, total=found.total, links=_links(found, f"{base}/{path}"))


def document(found: Found, *, base: str, id: str, now: datetime) -> bytes:  # noqa: A002 - FHIR's word
    """Return a document of its composition and what comes with it (R4 documents.html); made for this answer alone."""
    entries = b",".join([_entry(_full_url(row, base), row.body) for row in found.rows])
    identifier = orjson.dumps({"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{id}"})
    moment = orjson.dumps(now.isoformat(timespec="seconds"))
    head = b'"resourceType":"Bundle","type":"document"'
    return b'{%b,"identifier":%b,"timestamp":%b,"entry":[%b]}' % (head, identifier, moment, entries)


def matches(found: Sequence[Match], *, base: str) -> bytes:
    """Return who matches, with score and grade (R4 patient-operation-match)."""
    entries = [_entry(_full_url(one.row, base), one.row.body, search=_graded(one)) for one in found]
    return _bundle("searchset", entries, total=len(entries))


def _graded(one: Match) -> bytes:
    grade = {"url": _GRADE, "valueCode": one.grade}
    return orjson.dumps({"extension": [grade], "mode": "match", "score": one.score})


def answers(done: Sequence[Answer], type_: str, *, base: str, lang: Lang, representation: bool) -> bytes:
    """Return what became of each entry as a Bundle of ``type_``; ``representation`` adds the resources written."""
    entries = (_answer(answer, base=base, lang=lang, representation=representation) for answer in done)
    return _bundle(type_, entries)


def _answer(answer: Answer, *, base: str, lang: Lang, representation: bool) -> bytes:
    outcome, step = answer.outcome, answer.step
    match outcome:
        case None:
            return _entry("", b"", response={"status": _status(204)})
        case Failed(problems, status):
            return _entry("", b"", response={"status": _status(status), "outcome": to_outcome(problems, lang)})
        case Found():
            return _entry("", _page(step, outcome, base, lang), response={"status": _status(200)})
        case Released():
            return _read(step, outcome, base)
        case _ if step.method == "DELETE":
            return _entry("", b"", response={"status": _status(204), "etag": etag(outcome)})
        case _:
            return _written(outcome, base, representation=representation)


def _page(step: Step, found: Found, base: str, lang: Lang) -> bytes:
    if step.method == "HEAD":
        return b""
    if step.history:
        return history(found, path=f"{step.kind}/{step.id}/_history", base=base)
    return searchset(found, path=step.kind, base=base, lang=lang)


def _read(step: Step, released: Released, base: str) -> bytes:
    known = is_known(released.version, released.updated, none_match=step.none_match, modified_since=step.modified_since)
    # As with a single read: the view may have changed while the version did not.
    if known and not released.masked:
        return _entry("", b"", response={"status": _status(304), "etag": etag(released)})
    body = released.body if step.method == "GET" else b""
    return _entry(_full_url(released, base), body, response=_response(200, released))


def _written(written: Written, base: str, *, representation: bool) -> bytes:
    response = _response(201 if written.created else 200, written)
    body = written.released.body if representation and written.released is not None else b""
    url = f"{base}/{written.kind}/{written.id}" if body else ""
    return _entry(url, body, response={**response, "location": location(written, base)})


def _version(row: Released, base: str, portion: Portion) -> bytes:
    path = f"{row.kind}/{row.id}"
    method = "DELETE" if row.deleted else "POST" if row.version == 1 else "PUT"
    status = {"DELETE": 204, "POST": 201, "PUT": 200}[method]
    request = {"method": method, "url": row.kind if method == "POST" else path}
    body = part(row.body, portion)
    return _entry(f"{base}/{path}", body, request=request, response=_response(status, row))


def _response(status: int, version: Released | Written) -> dict[str, str]:
    updated = version.updated.isoformat(timespec="milliseconds")
    return {"status": _status(status), "etag": etag(version), "lastModified": updated}


def _entry(
    full_url: str,
    body: bytes,
    *,
    search: bytes = b"",
    request: dict[str, str] | None = None,
    response: Mapping[str, object] | None = None,
) -> bytes:
    parts = (
        b'"fullUrl":' + orjson.dumps(full_url) if full_url else b"",
        b'"resource":' + body if body else b"",
        b'"search":' + search if search else b"",
        b'"request":' + orjson.dumps(request) if request else b"",
        b'"response":' + orjson.dumps(response) if response else b"",
    )
    return b"{" + b",".join(filter(None, parts)) + b"}"


def _bundle(
    type_: str, entries: Iterable[bytes], *, total: int | None = None, links: Sequence[dict[str, str]] = ()
) -> bytes:
    joined = b",".join(entries)
    parts = (
        b'"resourceType":"Bundle"',
        b'"type":' + orjson.dumps(type_),
        b'"total":%d' % total if total is not None else b"",
        b'"link":' + orjson.dumps(links) if links else b"",
        b'"entry":[' + joined + b"]" if joined else b"",
    )
    return b"{" + b",".join(filter(None, parts)) + b"}"


def _links(found: Found, address: str) -> list[dict[str, str]]:
    queries = (("self", found.query), *((("next", found.next),) if found.next else ()))
    return [{"relation": name, "url": f"{address}?{query}" if query else address} for name, query in queries]


def _full_url(row: Released, base: str) -> str:
    return f"{base}/{row.kind}/{row.id}"
