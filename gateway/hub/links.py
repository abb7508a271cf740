"""The links of a page: what was asked, written so that no identity number stands in it, and the way to the next page.

The next link carries the query and the store's cursor sealed and bound to the caller and the place: nobody else can
open it, nobody can read it in a log. Source: issue, "identifiers blinded in logs, audit and links"; security.md CRY-07.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import orjson

from gateway.fhir import base64url
from gateway.fhir.problem import Problem
from gateway.fhir.query import Query
from gateway.hub.interaction import Binding
from security.audit.record import mask
from security.caller import Caller

PAGE = "_page"
"""Our parameter of a next link; opaque, as R4 http.html#paging asks."""
LIFE = timedelta(hours=1)
"""A link is for the walk that it belongs to; each page brings a new one (design default)."""
MAX_PAGE_CHARS = 8192
"""A longer one was not made here."""
Pairs = Sequence[tuple[str, str]]
_SAFE = "|:/,.*$"
_AS_IT_IS = re.compile(r"[A-Za-z0-9_.\-~:|/,*$]*")
"""What `quote` would leave as it is."""


def resume(binding: Binding, caller: Caller, where: str, pairs: Pairs) -> tuple[Pairs, str]:
    """Return the pairs that were first asked and the store's cursor; (``pairs``, "") on a first page.

    Raises Problem("HUB-009") for a page that was not made for this caller, place and policy, "HUB-031" for an old one.
    """
    token = next((value for name, value in pairs if name == PAGE), None)
    if token is None:
        return pairs, ""
    if len(token) > MAX_PAGE_CHARS:
        raise Problem("HUB-009")
    try:
        asked, cursor, made = orjson.loads(
            binding.keys.open(base64url.read(token), _bound(caller, where, binding.policy))
        )
        made_at = datetime.fromisoformat(made)
    except (Problem, ValueError, TypeError):
        raise Problem("HUB-009") from None
    if binding.at - made_at > LIFE:
        raise Problem("HUB-031")
    return tuple((name, value) for name, value in asked), cursor


def onward(binding: Binding, caller: Caller, where: str, asked: Pairs, *, cursor: str) -> str:
    """Return the query string of the next page, "" where there is none."""
    if not cursor:
        return ""
    plain = orjson.dumps([list(asked), cursor, binding.at.isoformat()])
    sealed = binding.keys.seal(plain, _bound(caller, where, binding.policy))
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
    base = name.partition(":")[0]
    readable = base in RESULTS or (base in plain and "." not in name)
    if readable and mask(value) == value:
        return value
    system, bar, code = value.rpartition("|")
    return f"{system}{bar}{blind(code)}"


PERSONAL = frozenset({"identifier", "telecom", "phone", "email", "name", "family", "given", "address"})
"""Parameters that name a person whatever their type."""


RESULTS = frozenset(
    {
        *("_id", "_lastUpdated", "_count", "_sort", "_total", "_include", "_revinclude", "_summary", "_elements"),
        *("_type", "_list", "_tag", "_profile", "_security"),
    }
)
"""Parameters of all kinds whose values may be shown: they name resources, codes and parameters, no person."""


def _plain(query: Query) -> frozenset[str]:
    """Return the parameters of ``query`` whose values may be shown."""
    return frozenset(
        clause.param
        for clause in query.clauses
        if clause.chain is None
        and clause.type not in ("identifier", "string", "composite", "has")
        and clause.modifier not in ("text", "identifier")
        and clause.param not in PERSONAL
    )


def _bound(caller: Caller, where: str, policy: str) -> bytes:
    return "|".join(("page", where, policy, caller.client, caller.role, caller.organisation)).encode()
