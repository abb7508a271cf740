"""Bundles of the answers: searchset, history, transaction-response.

Bodies are spliced in as bytes; they are read again only where a part of each was asked for.

In: pages and answers of the hub. Out: JSON bytes. Source: FHIR R4 bundle.html; http.html#search, #history,
#transaction-response.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from gateway.api.answers import etag, location, part
from gateway.fhir.problem import Lang, to_outcome
from gateway.fhir.subset import Portion
from gateway.hub import Answer, Found, Released, Written

_REASONS = {200: "200 OK", 201: "201 Created", 204: "204 No Content"}


def searchset(found: Found, *, kind: str, base: str, lang: Lang) -> bytes:
    """Return the page of a search; ignored parameters stand in an OperationOutcome entry (R4 search.html#errors)."""
    entries = [
        _entry(_full_url(row, base), part(row.body, found.portion), search=b'{"mode":"match"}') for row in found.rows
    ]
    if found.warnings:
        told = orjson.dumps(to_outcome(found.warnings, lang))
        entries.append(_entry("", told, search=b'{"mode":"outcome"}'))
    return _bundle("searchset", entries, total=found.total, links=_links(found, f"{base}/{kind}"))


def history(found: Found, *, path: str, base: str) -> bytes:
    """Return a page of versions; ``path`` is `Kind/id/_history`."""
    # A count alone is wanted: the versions stay behind (R4 search.html#summary).
    rows = () if found.portion.summary == "count" else found.rows
    entries = (_version(row, base, found.portion) for row in rows)
    return _bundle("history", entries, total=found.total, links=_links(found, f"{base}/{path}"))


def transaction(answers: Sequence[Answer], *, base: str, lang: Lang, representation: bool) -> bytes:
    """Return what became of each entry; ``representation`` adds the resources that were written."""
    entries = (_answer(answer, base=base, lang=lang, representation=representation) for answer in answers)
    return _bundle("transaction-response", entries)


def _answer(answer: Answer, *, base: str, lang: Lang, representation: bool) -> bytes:
    outcome = answer.outcome
    if isinstance(outcome, Found):
        body = searchset(outcome, kind=answer.step.kind, base=base, lang=lang)
        return _entry("", body, response={"status": _REASONS[200]})
    if isinstance(outcome, Released):
        return _entry(_full_url(outcome, base), outcome.body, response=_response(200, outcome))
    if answer.step.method == "DELETE":
        return _entry("", b"", response={"status": _REASONS[204], "etag": etag(outcome)})
    return _written(outcome, base, representation=representation)


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
    return {"status": _REASONS[status], "etag": etag(version), "lastModified": updated}


def _entry(
    full_url: str,
    body: bytes,
    *,
    search: bytes = b"",
    request: dict[str, str] | None = None,
    response: dict[str, str] | None = None,
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
