"""Reading a compact JWS strictly: bounded size, an explicit algorithm, three header words and no others.

What JOSE offers beyond that (jku, jwk, x5u, x5c, crit, b64, zip, ...) lets the sender choose the key or the rules;
it is refused, not ignored. Source: RFC 7515 §4, RFC 8725 §2, §3; security-engine.md §2.2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

# Twice the largest header that common servers take would be 16 KiB; our tokens have 0.6 KiB (security-engine §2.4).
MAX_CHARS: Final = 8 * 1024
# Seconds since 1970 that a clock may show; this leaves out NaN, infinities and numbers beyond a float.
_FIRST, _LAST = 0, 1 << 40
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class Unreadable(Exception):  # noqa: N818 - a state of the token, not a fault of ours
    """The token is not one, or its signature does not hold; ``args[0]`` is one word for the journal."""


def header(token: str) -> dict[str, str]:
    """Return the header of ``token``, not verified. Raises Unreadable."""
    if len(token) > MAX_CHARS:
        raise Unreadable("too-large")
    try:
        found = jws.extract_compact(token.encode("ascii")).headers()
    except _UNREADABLE:
        raise Unreadable("unreadable") from None
    if set(found) - _HEADER or not all(isinstance(value, str) for value in found.values()):
        raise Unreadable("header")
    return dict(found)


def claimed(token: str, name: str) -> str:
    """Return the claim ``name`` without any proof ("" unless a string): good only for choosing the key."""
    try:
        value = json.loads(jws.extract_compact(token.encode("ascii")).payload).get(name)
    except _UNREADABLE:
        raise Unreadable("unreadable") from None
    return value if isinstance(value, str) else ""


def verified(token: str, key: ECKey | RSAKey, algorithm: str) -> Mapping[str, Any]:
    """Return the claims of ``token`` if ``key`` signed it with ``algorithm``. Raises Unreadable."""
    try:
        return jwt.decode(token.encode("ascii"), key, algorithms=[algorithm]).claims
    except _UNREADABLE:
        raise Unreadable("signature") from None


def instant(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate claim in seconds, None when it is absent. Raises Unreadable when it is no finite number."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _FIRST <= value <= _LAST:
        raise Unreadable(name)
    return float(value)
