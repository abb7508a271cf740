"""Lossless edits of a resource's bytes: only ``id`` and ``meta`` change, every other byte stays as sent.

In: UTF-8 JSON of one object without duplicate keys (what `gate.accept` let through). Out: bytes. Numbers keep
their literals (``72.50`` is not ``72.5``), strings their escapes, members their order. Source: architecture
decision 3. Also a pair of parse and dump for whoever must rebuild a document without losing a digit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

import msgspec
import orjson

Json = dict[str, Any]
Changes = dict[str, bytes | None]

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class _Member(NamedTuple):
    """One member of an object: where its key and its value stand in the bytes (half-open offsets)."""

    name: str
    start: int
    value: int
    end: int


def patch_meta(
    body: bytes,
    *,
    id: str | None = None,  # noqa: A002 - the element's name
    security: Sequence[Json] | None = None,
    profile: Sequence[str] | None = None,
    tag: Sequence[Json] | None = None,
) -> bytes:
    """Return ``body`` with ``id`` and the given members of ``meta`` replaced; None leaves one, empty removes it."""
    given = {"profile": profile, "security": security, "tag": tag}
    changes = {name: orjson.dumps(list(v)) if v else None for name, v in given.items() if v is not None}
    body = _edit_meta(body, changes) if changes else body
    return body if id is None else _set(body, "id", orjson.dumps(id))


def stamp(body: bytes, version: int | str, updated: datetime) -> bytes:
    """Return ``body`` with ``meta.versionId`` and ``meta.lastUpdated`` (milliseconds, UTC) set; ValueError if naive."""
    if updated.tzinfo is None:
        raise ValueError("the time of a version needs an offset")
    instant = f"{updated.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{updated.microsecond // 1000:03d}Z"
    return _edit_meta(body, {"versionId": orjson.dumps(str(version)), "lastUpdated": orjson.dumps(instant)})


def unstamped(body: bytes) -> bytes:
    """Return ``body`` without ``meta.versionId`` and ``meta.lastUpdated``: equal bytes mean an unchanged resource."""
    return _edit_meta(body, {"versionId": None, "lastUpdated": None})


def parse_exact(raw: bytes | str) -> Json:
    """Return the object in ``raw`` with every number that `float` or `int` would alter kept as its literal.

    Raises ValueError when it is not one JSON object.
    """
    found = json.loads(raw, parse_float=Number, parse_int=_whole, parse_constant=_no_constant)
    if not isinstance(found, dict):
        raise TypeError("a JSON object is expected")
    return found


def dump_exact(document: Any) -> bytes:
    """Return compact UTF-8 JSON of ``document`` with the number literals of `parse_exact`."""
    return _ENCODER.encode(document)


class Number(Decimal):
    """A decimal that remembers how it was written (``1E3``, ``7.50``)."""

    literal: str

    def __new__(cls, text: str) -> Number:
        """Read ``text``, a JSON number."""
        self = super().__new__(cls, text)
        self.literal = text
        return self


def _whole(text: str) -> int | Number:
    return Number(text) if text == "-0" else int(text)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _encode_other(value: object) -> object:
    if isinstance(value, Number):
        return msgspec.Raw(value.literal.encode())
    raise TypeError(f"{type(value).__name__} is not JSON")


def _edit_meta(body: bytes, changes: Changes) -> bytes:
    """Apply ``changes`` to the members of ``meta``; one that ends up empty is removed, a missing one comes first."""
    meta = _find(body, "meta")
    inner = _edit(b"{}" if meta is None else body[meta.value : meta.end], changes)
    return _set(body, "meta", inner if inner[1:-1].strip() else None)


def _edit(text: bytes, changes: Changes) -> bytes:
    """Return the object ``text`` with the changed members first, in their order, and every other byte in place."""
    members = list(_members(text))
    first = members[0].start if members else text.index(b"{") + 1
    last = members[-1].end if members else first
    added = [b'"%b":%b' % (name.encode(), value) for name, value in changes.items() if value is not None]
    kept = [(at, member) for at, member in enumerate(members) if member.name not in changes]
    parts = [text[:first], b",".join(added), b"," if added and kept else b""]
    for at, member in kept:
        following = members[at + 1].start if at + 1 < len(members) else last
        parts.append(text[member.start : following] if member is not kept[-1][1] else text[member.start : member.end])
    return b"".join((*parts, text[last:]))


def _set(body: bytes, name: str, value: bytes | None) -> bytes:
    """Set the top-level member ``name`` of the object ``body``, or remove it when ``value`` is None."""
    member = _find(body, name)
    if member is None:
        return body if value is None else _insert(body, 0, b'"%b":%b' % (name.encode(), value))
    if value is None:
        return _remove(body, member)
    return body[: member.value] + value + body[member.end :]


def _find(body: bytes, name: str) -> _Member | None:
    # A letter of a key may be spelled \u00xx; without such an escape the plain bytes decide.
    if b'"%b"' % name.encode() not in body and b"\\u00" not in body:
        return None
    return next((member for member in _members(body) if member.name == name), None)


def _members(body: bytes) -> Iterator[_Member]:
    """Yield the top-level members of the object ``body`` in order."""
    depth, key, start, value, end = 0, "", 0, -1, 0
    for token in _TOKEN.finditer(body):
        mark = body[token.start()]
        if depth == 1 and mark in b",}" and value >= 0:
            yield _Member(key, start, value, end)
            value = -1
        elif depth == 1 and mark == _COLON:
            value = -2
        elif depth == 1 and value == -1 and mark == _QUOTE:
            key, start = json.loads(token.group()), token.start()
        elif value == -2:
            value = token.start()
        depth += (mark in b"{[") - (mark in b"}]")
        end = token.end()


def _insert(body: bytes, at: int, member: bytes) -> bytes:
    """Put ``member`` first into the object that opens at or after ``at``."""
    inside = body.index(b"{", at) + 1
    comma = b"" if body[inside:].lstrip()[:1] == b"}" else b","
    return body[:inside] + member + comma + body[inside:]


def _remove(body: bytes, member: _Member) -> bytes:
    """Cut ``member`` with the one comma that belongs to it."""
    rest = body[member.end :]
    following = rest.lstrip()
    if following[:1] == b",":
        return body[: member.start] + following[1:]
    before = body[: member.start].rstrip()
    return before.removesuffix(b",") + rest


_COLON, _QUOTE = b":"[0], b'"'[0]
_ENCODER = msgspec.json.Encoder(enc_hook=_encode_other, decimal_format="number")
