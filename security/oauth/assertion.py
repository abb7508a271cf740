"""Client authentication by private_key_jwt: is this assertion by that client, for us, now?

Refuses every algorithm but those given (RS384, ES384), any other header word, lives beyond five minutes. Single use of
the jti is the endpoint's to see to, after everything else holds.
Source: RFC 7523 §3; SMART App Launch 2.2 "Asymmetric Authentication"; RFC 8725.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from joserfc.jwk import ECKey, RSAKey

from security.oauth import jose
from security.oauth.jose import Unreadable
from security.state.keys import algorithm_of
from security.state.records import Client, Jwk
from security.state.snapshot import Snapshot

SMART_ALGORITHMS: Final = frozenset({"RS384", "ES384"})
# SMART App Launch 2.2: "no more than five minutes in the future".
MAX_LIFE_S: Final = 300
# How far a client's clock may be ahead of ours (design default).
LEEWAY_S: Final = 30
# RFC 7519 §4.1.7 sets no limit; a UUID has 36 characters.
MAX_JTI: Final = 255
# Keys kept imported: importing costs as much as a tenth of a verification.
_IMPORTED: Final = 1024


@dataclass(frozen=True, slots=True)
class Proven:
    """An assertion that holds: whose it is, its ``jti``, and when it ends (seconds since 1970)."""

    client: Client
    jti: str
    expires: float


def verify(text: str, known: Snapshot, *, audience: str, algorithms: frozenset[str], moment: float) -> Proven:
    """Return what ``text`` proves. Raises Unreadable with one word for the journal; nobody else may be told it.

    Args:
        text: the compact JWS from `client_assertion`.
        known: the registry now.
        audience: the one `aud` that is ours, the token endpoint's address.
        algorithms: those accepted.
        moment: now, in seconds since 1970.
    """
    head = jose.header(text)
    if head.get("typ", "JWT").upper() != "JWT":
        raise Unreadable("typ")
    client = known.client(jose.claimed(text, "iss"))
    if client is None:
        raise Unreadable("unknown-client")
    key = client.keys.get(head.get("kid", ""))
    if key is None:
        raise Unreadable("unknown-kid")
    claims = jose.verified(text, _imported(tuple(key.items())), _algorithm(head, key, algorithms))
    return _proven(client, claims, audience, moment)


def _algorithm(head: Mapping[str, str], key: Jwk, algorithms: frozenset[str]) -> str:
    """Return the algorithm of the header when it is accepted and fits the kind of key."""
    alg = head.get("alg", "")
    if alg not in algorithms or alg[:2] != algorithm_of(key)[:2]:
        raise Unreadable("algorithm")
    return alg


def _proven(client: Client, claims: Mapping[str, Any], audience: str, moment: float) -> Proven:
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise Unreadable("subject")
    if claims.get("aud") not in (audience, [audience]):
        raise Unreadable("audience")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise Unreadable("jti")
    return Proven(client, jti, _expires(claims, moment))


def _expires(claims: Mapping[str, Any], moment: float) -> float:
    expires = jose.instant(claims, "exp")
    if expires is None or expires > moment + MAX_LIFE_S:
        raise Unreadable("exp")
    if expires <= moment:
        raise Unreadable("expired")
    issued = jose.instant(claims, "iat")
    if issued is not None and not moment - MAX_LIFE_S - LEEWAY_S <= issued <= min(moment + LEEWAY_S, expires):
        raise Unreadable("iat")
    begins = jose.instant(claims, "nbf")
    if begins is not None and begins > moment + LEEWAY_S:
        raise Unreadable("nbf")
    return expires


@lru_cache(maxsize=_IMPORTED)
def _imported(key: tuple[tuple[str, str], ...]) -> ECKey | RSAKey:
    members: dict[str, str | list[str]] = dict(key)
    return ECKey.import_key(members) if members["kty"] == "EC" else RSAKey.import_key(members)
