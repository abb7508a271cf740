"""The links of a page: what was asked, written so that no identity number stands in it, and the way to the next page.

The next link carries the query and the store's cursor sealed and bound to the caller and the place: nobody else can
open it, nobody can read it in a log. Source: issue, "identifiers blinded in logs, audit and links"; security.md CRY-07.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

import orjson

from gateway.fhir import base64url
from gateway.fhir.modifiers import WORDS
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query
from gateway.hub.interaction import Blinder
from security.audit.record import mask
from security.caller import Caller

PAGE = "_page"
"""Our parameter of a next link; opaque, as R4 http.html#paging asks."""
MAX_PAGE_CHARS = 8192
"""A longer one was not made here."""
Pairs = Sequence[tuple[str, str]]
_SAFE = "|:/,.*$"
_AS_IT_IS = re.compile(r"[A-Za-z0-9_.\-~:|/,*$]*")
"""What `quote` would leave as it is."""


def resume(keys: Blinder, caller: Caller, where: str, pairs: Pairs) -> tuple[Pairs, str]:
    """Return the pairs that were first asked and the store's cursor; (``pairs``, "") on a first page.

    Raises Problem("HUB-009") for a page that was not made for this caller and place.
    """
    token = next((value for name, value in pairs if name == PAGE), None)
    if token is None:
        return pairs, ""
    if len(token) > MAX_PAGE_CHARS:
        raise Problem("HUB-009")
    try:
        asked, cursor = orjson.loads(keys.open(base64url.read(token), _bound(caller, where)))
    except (Problem, ValueError):
        raise Problem("HUB-009") from None
    return tuple((name, value) for name, value in asked), cursor


def onward(keys: Blinder, caller: Caller, where: str, asked: Pairs, *, cursor: str) -> str:
    """Return the query string of the next page, "" where there is none."""
    if not cursor:
        return ""
    sealed = keys.seal(orjson.dumps([list(asked), cursor]), _bound(caller, where))
    return f"{PAGE}={base64url.write(sealed)}"


def written(pairs: Iterable[tuple[str, str]]) -> str:
    """Return ``pairs`` as a query string."""
    return "&".join([f"{_quoted(name, ':')}={_quoted(value, _SAFE)}" for name, value in pairs])


def _quoted(text: str, safe: str) -> str:
    # Names and most values need nothing; to find that out costs a tenth of quoting.
    if _AS_IT_IS.fullmatch(text) and (safe is _SAFE or text.isalnum()):
        return text
    return quote(text, safe=safe)


def blinded(pairs: Pairs, query: Query, blind: Callable[[str], str]) -> str:
    """Return ``pairs`` as a query string in which whatever may name a person is blinded.

    Dates, references, ids, codes and result parameters stay readable; identifiers keep their system.
    """
    plain = _plain(query)
    return written((name, _shown(name, value, plain, blind)) for name, value in pairs)


def _shown(name: str, value: str, plain: frozenset[str], blind: Callable[[str], str]) -> str:
    readable = name.partition(":")[0] in plain or (name.startswith("_") and name not in WORDS)
    if readable and mask(value) == value:
        return value
    system, bar, code = value.rpartition("|")
    return f"{system}{bar}{blind(code)}"


PERSONAL = frozenset({"identifier", "telecom", "phone", "email", "name", "family", "given", "address"})
"""Parameters that name a person whatever their type."""


def _plain(query: Query) -> frozenset[str]:
    """Return the parameters of ``query`` whose values may be shown."""
    return frozenset(
        clause.param
        for clause in query.clauses
        if clause.chain is None
        and clause.type not in ("identifier", "string", "composite")
        and clause.modifier not in ("text", "identifier")
        and clause.param not in PERSONAL
    )


def _bound(caller: Caller, where: str) -> bytes:
    return "|".join(("page", where, caller.client, caller.role, caller.organisation)).encode()
