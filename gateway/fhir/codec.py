"""Lossless edits of a resource's bytes: only ``id`` and ``meta`` change, every other byte stays as sent.

In: UTF-8 JSON of one object without duplicate keys (what `gate.accept` let through). Out: bytes. Numbers keep
their literals (``72.50`` is not ``72.5``), strings their escapes, members their order. Source: architecture
decision 3. Also a pair of parse and dump for whoever must rebuild a document without losing a digit.

Edits take a short way where the bytes stand as this program writes them, and `members` for every other layout; both
give the same bytes (docs/decisions/0012-a-short-way-for-what-is-usual.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

import msgspec
import orjson

from gateway.fhir import members
from gateway.fhir.members import Changes

Json = dict[str, Any]


def patch_meta(
    body: bytes,
    *,
    id: str | None = None,  # noqa: A002 - the element's name
    security: Sequence[Json] | None = None,
    profile: Sequence[str] | None = None,
    tag: Sequence[Json] | None = None,
) -> bytes:
    """Return ``body`` with ``id`` and the given members of ``meta`` replaced; None leaves one, empty removes it.

    About 4 µs for 1 kB.
    """
    given = {"profile": profile, "security": security, "tag": tag}
    changes = {name: orjson.dumps(list(v)) if v else None for name, v in given.items() if v is not None}
    body = _edit_meta(body, changes) if changes else body
    return body if id is None else _set_id(body, orjson.dumps(id))


def stamp(body: bytes, version: int | str, updated: datetime) -> bytes:
    """Return ``body`` with ``meta.versionId`` and ``meta.lastUpdated`` (milliseconds, UTC) set; ValueError if naive."""
    if updated.tzinfo is None:
        raise ValueError("the time of a version needs an offset")
    instant = updated.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return _edit_meta(body, {"versionId": orjson.dumps(str(version)), "lastUpdated": b'"%bZ"' % instant.encode()})


def unstamped(body: bytes) -> bytes:
    """Return ``body`` without ``meta.versionId`` and ``meta.lastUpdated``: equal bytes mean an unchanged resource."""
    return _edit_meta(body, {"versionId": None, "lastUpdated": None})


def parse_exact(raw: bytes | str) -> Json:
    """Return the object in ``raw`` with every number that `float` or `int` would alter kept as its literal.

    Raises ValueError when it is not one JSON object. About 5 µs for 1 kB.
    """
    try:
        found = _DECODER.decode(raw)
    except msgspec.DecodeError:
        found = None
    if found is None or (_MINUS_ZERO if isinstance(raw, bytes) else _MINUS_ZERO_TEXT).search(raw):  # type: ignore[arg-type]
        found = json.loads(raw, parse_float=number, parse_int=whole, parse_constant=_no_constant)
    if not isinstance(found, dict):
        raise TypeError("a JSON object is expected")
    return found


def dump_exact(document: Any) -> bytes:
    """Return compact UTF-8 JSON of ``document`` with the number literals of `parse_exact`."""
    return _ENCODER.encode(document)


class Number(Decimal):
    """A decimal that remembers how it was written, where `Decimal` would write it otherwise (``1E3``, ``-0``)."""

    literal: str

    def __new__(cls, text: str) -> Number:
        """Read ``text``, a JSON number."""
        self = super().__new__(cls, text)
        self.literal = text
        return self


def number(text: str) -> Decimal:
    """Return the JSON number ``text`` so that `dump_exact` writes the same digits."""
    plain = Decimal(text)
    return plain if str(plain) == text else Number(text)


def whole(text: str) -> int | Decimal:
    """Return the JSON integer ``text``; minus zero is no `int`."""
    return Number(text) if text == "-0" else int(text)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _encode_other(value: object) -> object:
    if isinstance(value, Number):
        return msgspec.Raw(value.literal.encode())
    raise TypeError(f"{type(value).__name__} is not JSON")


def _edit_meta(body: bytes, changes: Changes) -> bytes:
    """Apply ``changes`` to the members of ``meta``; one that ends up empty is removed, a missing one comes first."""
    found = _META_IN_HEAD.match(body)
    if found is None:
        if b'"meta"' in body or _may_spell_keys(body):
            return members.edit_meta(body, changes)
        inner = _written(changes)
        return members.insert(body, b'"meta":{%b}' % inner) if inner else body
    start, end = found.span(1)
    inner = _written(changes)
    kept = [b'"%b":%b' % (key.encode(), raw) for key, raw in _MEMBERS.decode(found[1]).items() if key not in changes]
    if kept:
        inner = b",".join((inner, *kept) if inner else kept)
    if inner:
        return b"%b{%b}%b" % (body[:start], inner, body[end:])
    return members.remove(body, members.Found("meta", start - len('"meta":'), start, end))


def _written(changes: Changes) -> bytes:
    return b",".join([b'"%b":%b' % (name.encode(), value) for name, value in changes.items() if value is not None])


def _set_id(body: bytes, value: bytes) -> bytes:
    found = _ID_IN_HEAD.match(body)
    if found is not None:
        return body if found[1] == value else body[: found.start(1)] + value + body[found.end(1) :]
    if b'"id"' in body or _may_spell_keys(body):
        return members.set_member(body, "id", value)
    return members.insert(body, b'"id":' + value)


def _may_spell_keys(body: bytes) -> bool:
    r"""Tell whether a letter of a key may be spelled ``\u00xx``."""
    return b"\\" in body and b"\\u00" in body


# Only texts stand before it, so it is a member of the resource itself; neither blanks nor escapes, so what is read of
# it and written again is the same bytes. `meta` holds texts, lists of texts, and lists of codings.
_TEXTS_BEFORE = rb'\{(?:"(?!%b")[^"\\]*+":"[^"\\]*+",)*+"%b":'
_TEXT = rb'"[^"\\]*+"'
_CODING = rb'\{"[^"\\]*+":(?:"[^"\\]*+"|true|false)(?:,"[^"\\]*+":(?:"[^"\\]*+"|true|false))*+\}'
_LIST = rb"\[(?:%b|%b)(?:,(?:%b|%b))*+\]" % (_TEXT, _CODING, _TEXT, _CODING)
_MEMBER = rb'"[^"\\]*+":(?:%b|%b)' % (_TEXT, _LIST)
_META_IN_HEAD = re.compile(_TEXTS_BEFORE % (b"meta", b"meta") + rb"(\{%b(?:,%b)*+\})" % (_MEMBER, _MEMBER))
_ID_IN_HEAD = re.compile(_TEXTS_BEFORE % (b"id", b"id") + rb'("[^"\\]*+")')
_MINUS_ZERO = re.compile(rb"-0[\s,}\]]")
_MINUS_ZERO_TEXT = re.compile(r"-0[\s,}\]]")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_DECODER = msgspec.json.Decoder(float_hook=number)
_ENCODER = msgspec.json.Encoder(enc_hook=_encode_other, decimal_format="number")
