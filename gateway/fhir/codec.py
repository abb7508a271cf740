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
from functools import lru_cache
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
    if isinstance(body, Settled):
        return body[: body.at] + body.before + _stamp(version, updated) + body.after + body[body.at :]
    found = _STAMPED.match(body)
    if found is None:
        return _edit_meta(body, {"versionId": orjson.dumps(str(version)), "lastUpdated": _instant(updated)})
    start, end = found.span(1)
    return b"%b%b%b%b" % (body[:start], _stamp(version, updated), b"," if found.end(2) > end else b"", body[end:])


def unstamped(body: bytes) -> bytes:
    """Return ``body`` without ``meta.versionId`` and ``meta.lastUpdated``: equal bytes mean an unchanged resource."""
    if isinstance(body, Settled):
        return body
    found = _STAMPED.match(body)
    if found is None or found.end(2) == found.end(1):
        return _edit_meta(body, {"versionId": None, "lastUpdated": None})
    start, end = found.span(1)
    return body if start == end else body[:start] + body[end:]


class Settled(bytes):
    """A resource whose ``meta`` holds no version and no time, and where `stamp` puts them. Made by `settle` alone.

    At the offset ``at`` of its bytes come ``before``, the stamp and ``after``.
    """

    at: int
    before: bytes
    after: bytes


def settle(body: bytes, *, id: str, security: Sequence[Json]) -> Settled:  # noqa: A002 - the element's name
    """Return ``body`` with ``id`` and ``meta.security`` set and no stamp: the content, whatever version it becomes.

    The bytes of `unstamped` of `patch_meta`, of which `stamp` makes what it makes of any such; one look, not three.
    """
    found = _SETTLING.match(body) if security else None
    named = orjson.dumps(id)
    parts = (found and _around_labels(body, found, named)) or (_apart(body, named) if security else None)
    if parts is None:
        return _found_place(unstamped(patch_meta(body, id=id, security=security)))
    head, tail = parts
    return _settled(b'%b"security":%b%b' % (head, orjson.dumps(list(security)), tail), len(head), b"", b",")


def _around_labels(body: bytes, found: re.Match[bytes], id: bytes) -> tuple[bytes, bytes] | None:  # noqa: A002
    """Return what comes before and behind ``meta.security``; None where ``id`` or meta stand elsewhere."""
    (start, end), (meta, kept) = found.span(1), found.span(2)
    if (start < 0 and _has(body, "id")) or (meta < 0 and _has(body, "meta")):
        return None
    if meta < 0:
        if start < 0:
            return b'{"id":%b,"meta":{' % id, b"},%b" % body[1:]
        return b'{"meta":{', b"},%b%b%b" % (body[1:start], id, body[end:])
    tail = b",%b" % body[kept:] if found.end(3) > kept else body[kept:]
    if start < 0:
        return b'{"id":%b,%b' % (id, body[1:meta]), tail
    return b"%b%b%b" % (body[:start], id, body[end:meta]), tail


def _apart(body: bytes, id: bytes) -> tuple[bytes, bytes] | None:  # noqa: A002
    """Return the same as `_around_labels` of a resource without blanks, wherever its members stand; else None."""
    found = _spread(body)
    meta = None if found is None else _spread(found.get("meta", b"{}"))
    if found is None or meta is None:
        return None
    found = found if "meta" in found else {"meta": b"", **found}
    found = {**found, "id": id} if "id" in found else {"id": id, **found}
    kept = [_member(name, value) for name, value in meta.items() if name not in _OURS]
    names = [*found]
    at = names.index("meta")
    before = [_member(name, found[name]) for name in names[:at]]
    behind = [_member(name, found[name]) for name in names[at + 1 :]]
    head = b",".join((*before, b'"meta":{'))
    return b"{" + head, b",".join((b"".join(b"," + each for each in kept) + b"}", *behind)) + b"}"


def _spread(text: bytes) -> dict[str, bytes] | None:
    """Return the members of an object that is written without blanks and escapes in its keys; else None."""
    try:
        found = {name: bytes(value) for name, value in _MEMBERS.decode(text).items()}
    except msgspec.DecodeError:
        return None
    return found if b"{%b}" % b",".join([_member(*each) for each in found.items()]) == text else None


def _member(name: str, value: bytes) -> bytes:
    return b'"%b":%b' % (name.encode(), value)


def _settled(content: bytes, at: int, before: bytes, after: bytes) -> Settled:
    made = Settled(content)
    made.at, made.before, made.after = at, before, after
    return made


def _found_place(content: bytes) -> Settled:
    """Return ``content``, which has no stamp, with the place for one found the long way."""
    meta = members.find(content, "meta")
    if meta is None:
        at = content.index(b"{") + 1
        return _settled(content, at, b'"meta":{', b"}" if members.is_closed(content, at) else b"},")
    # An empty meta would have been removed.
    first = next(members.members(content[meta.value : meta.end]))
    return _settled(content, meta.value + first.start, b"", b",")


@lru_cache(maxsize=256)
def _stamp(version: int | str, updated: datetime) -> bytes:
    """Return the two members of a stamp; the new resources of a commit share one."""
    return b'"versionId":%b,"lastUpdated":%b' % (orjson.dumps(str(version)), _instant(updated))


def _instant(moment: datetime) -> bytes:
    """Return ``moment``, aware, in JSON to the millisecond."""
    return b'"%bZ"' % moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00").encode()


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
        if _has(body, "meta"):
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
    return b",".join([_member(name, value) for name, value in changes.items() if value is not None])


def _set_id(body: bytes, value: bytes) -> bytes:
    found = _ID_IN_HEAD.match(body)
    if found is not None:
        return body if found[1] == value else body[: found.start(1)] + value + body[found.end(1) :]
    if _has(body, "id"):
        return members.set_member(body, "id", value)
    return members.insert(body, b'"id":' + value)


def _has(body: bytes, name: str) -> bool:
    r"""Tell whether the resource has a member ``name``, however it is spelled; True also where only `members` can tell.

    The bytes alone may tell of another object's, and a letter of a key may be spelled ``\u00xx``.
    """
    if b'"%b"' % name.encode() not in body and not (b"\\" in body and b"\\u00" in body):
        return False
    try:
        return name in _MEMBERS.decode(body)
    except msgspec.DecodeError:
        return True


# Only texts stand before it, so it is a member of the resource itself; neither blanks nor escapes, so what is read of
# it and written again is the same bytes. `meta` holds texts, lists of texts, and lists of codings.
_TEXTS_BEFORE = rb'\{(?:"(?!%b")[^"\\]*+":"[^"\\]*+",)*+"%b":'
_TEXT = rb'"[^"\\]*+"'
_CODING = rb'\{"[^"\\]*+":(?:"[^"\\]*+"|true|false)(?:,"[^"\\]*+":(?:"[^"\\]*+"|true|false))*+\}'
_LIST = rb"\[(?:%b|%b)(?:,(?:%b|%b))*+\]" % (_TEXT, _CODING, _TEXT, _CODING)
_MEMBER = rb'"[^"\\]*+":(?:%b|%b)' % (_TEXT, _LIST)
_META_IN_HEAD = re.compile(_TEXTS_BEFORE % (b"meta", b"meta") + rb"(\{%b(?:,%b)*+\})" % (_MEMBER, _MEMBER))
# What the gateway puts into meta stands first: it is cut in one piece (group 1, group 2 of `_SETTLING`); the members
# behind it, up to the brace, are others.
_NEXT = rb'(?:,(?=")|(?=\}))'
_STAMP = rb'(?:"versionId":%b%b)?+(?:"lastUpdated":%b%b)?+' % (_TEXT, _NEXT, _TEXT, _NEXT)
_OTHERS = rb'((?:"(?!%b)[^"\\]*+":(?:%b|%b)%b)*+)\}'
_STAMPED = re.compile(
    _TEXTS_BEFORE % (b"meta", b"meta")
    + rb"\{(%b)" % _STAMP
    + _OTHERS % (b'(?:versionId|lastUpdated)"', _TEXT, _LIST, _NEXT)
)
_ID_IN_HEAD = re.compile(_TEXTS_BEFORE % (b"id", b"id") + rb'("[^"\\]*+")')
_SETTLING = re.compile(
    rb'\{(?=")(?:"resourceType":%b,)?+(?:"id":(%b),)?+(?:"resourceType":%b,)?+' % (_TEXT, _TEXT, _TEXT)
    + rb'(?:"meta":\{(%b(?:"security":%b%b)?+)' % (_STAMP, _LIST, _NEXT)
    + _OTHERS % (b'(?:versionId|lastUpdated|security)"', _TEXT, _LIST, _NEXT)
    + rb")?+"
)
_OURS = frozenset({"versionId", "lastUpdated", "security"})
_MINUS_ZERO = re.compile(rb"-0[\s,}\]]")
_MINUS_ZERO_TEXT = re.compile(r"-0[\s,}\]]")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_DECODER = msgspec.json.Decoder(float_hook=number)
_ENCODER = msgspec.json.Encoder(enc_hook=_encode_other, decimal_format="number")
