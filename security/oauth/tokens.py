"""Access tokens: issued for five minutes, and turned into a Caller on every request.

A token seen before costs a hash and a look-up; its signature is checked again after a minute, and whatever changes in
the registry (a client disabled, a token revoked, scopes taken away) counts from that process's next snapshot on.
Refusals are never cached and never explained. Source: RFC 9068; RFC 6750; security-engine.md §2.4.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final

from joserfc import jwt

from gateway.fhir.problem import Problem
from security.caller import Caller
from security.oauth import jose
from security.oauth.jose import Unreadable
from security.oauth.scopes import narrow
from security.oauth.token_keys import ALGORITHM, TokenKeys
from security.state.records import Client
from security.state.registry import Registry
from security.state.roles import ROLES
from security.state.snapshot import Snapshot

LIFETIME_S: Final = 300
TYPE: Final = "at+jwt"
# Several processes issue and check; their clocks may differ by this much (design default).
LEEWAY_S: Final = 30
# A signature is believed this long without looking again; security-engine.md §2.4.
CACHED_S: Final = 60
# Tokens remembered, some 0.5 KB each; 20,000 clients in one minute is far beyond a county.
CACHED: Final = 20_000
_TEXTS: Final = ("sub", "client_id", "jti", "scope", "org", "role")


@dataclass(frozen=True, slots=True)
class Issued:
    """A new access token, its ``jti``, its life in seconds and the scopes that it carries."""

    token: str
    jti: str
    expires_in: int
    scopes: frozenset[str]

    def __repr__(self) -> str:
        """Name the token by its jti, never show it."""
        return f"Issued({self.jti})"


@dataclass(frozen=True, slots=True)
class _Claims:
    client: str
    organisation: str
    role: str
    scopes: frozenset[str]
    jti: str
    expires: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """A verified token: its ``claims``, believed ``until``, and the caller made of them at registry ``version``."""

    claims: _Claims
    until: float
    version: int
    caller: Caller


class Tokens:
    """Issue and check access tokens of one issuer for one audience."""

    def __init__(
        self, keys: TokenKeys, registry: Registry, *, issuer: str, audience: str, now: Callable[[], datetime]
    ) -> None:
        """Sign with ``keys``; ``audience`` is the FHIR base that the tokens are for."""
        self._keys, self._registry, self._now = keys, registry, now
        self.issuer, self.audience = issuer, audience
        self._seen = OrderedDict[bytes, _Seen]()

    def issue(self, client: Client, scopes: Iterable[str]) -> Issued:
        """Return a token for ``client``. The caller of this has authenticated it and narrowed the scopes."""
        granted, moment, jti = frozenset(scopes), int(self._now().timestamp()), token_urlsafe(16)
        claims = {
            "iss": self.issuer,
            "sub": client.client_id,
            "client_id": client.client_id,
            "aud": self.audience,
            "jti": jti,
            "iat": moment,
            "exp": moment + LIFETIME_S,
            "scope": " ".join(sorted(granted)),
            "org": client.organisation,
            "role": client.role.value,
        }
        head = {"alg": ALGORITHM, "typ": TYPE, "kid": self._keys.kid}
        token = jwt.encode(head, claims, self._keys.active, algorithms=[ALGORITHM])
        return Issued(token, jti, LIFETIME_S, granted)

    def caller(self, token: str, request_id: str = "", address: str = "") -> Caller:
        """Return who holds ``token``, for this request. No I/O.

        Raises Problem("SEC-401") for whatever is wrong with it, ("SEC-119") when the registry is out of reach.
        """
        seen = self._look_up(token)
        known = seen.caller
        return Caller(
            known.client, known.role, known.organisation, known.tier, known.purpose, known.chain, known.scopes,
            known.clearance, known.token, request_id, address,
        )  # fmt: skip

    async def revoke(self, token: str) -> str:
        """Stop ``token`` before its time and return its jti. Raises Problem("SEC-401") when it is none of ours."""
        claims = self._verified(token, self._now().timestamp())
        await self._registry.revoke(claims.jti, datetime.fromtimestamp(claims.expires, UTC))
        return claims.jti

    def jwks(self) -> dict[str, Any]:
        """Return the public keys that verify our tokens."""
        return self._keys.jwks()

    def _look_up(self, token: str) -> _Seen:
        moment, known = self._now().timestamp(), self._registry.snapshot()
        key = _fingerprint(token)
        seen = self._seen.get(key)
        if seen is not None and moment < seen.until and seen.version == known.version:
            self._seen.move_to_end(key)
            return seen
        if seen is None or moment >= seen.until:
            claims = self._verified(token, moment)
            until = min(claims.expires, moment + CACHED_S)
        else:
            claims, until = seen.claims, seen.until
        return self._remember(key, _Seen(claims, until, known.version, _admitted(claims, known)))

    def _remember(self, key: bytes, seen: _Seen) -> _Seen:
        self._seen[key] = seen
        self._seen.move_to_end(key)
        if len(self._seen) > CACHED:
            self._seen.popitem(last=False)
        return seen

    def _verified(self, token: str, moment: float) -> _Claims:
        try:
            return self._claims(token, moment)
        except Unreadable:
            raise Problem("SEC-401") from None

    def _claims(self, token: str, moment: float) -> _Claims:
        head = jose.header(token)
        key = self._keys.find(head.get("kid"))
        if key is None or head.get("alg") != ALGORITHM or head.get("typ") != TYPE:
            raise Unreadable("header")
        claims = jose.verified(token, key, ALGORITHM)
        if claims.get("iss") != self.issuer or claims.get("aud") != self.audience:
            raise Unreadable("audience")
        return _read(claims, _alive(claims, moment))


def _fingerprint(token: str) -> bytes:
    if len(token) > jose.MAX_CHARS or not token.isascii():
        raise Problem("SEC-401")
    return sha256(token.encode()).digest()


def _alive(claims: Mapping[str, Any], moment: float) -> float:
    """Return when the token ends, if it is in force at ``moment``."""
    expires, issued = jose.instant(claims, "exp"), jose.instant(claims, "iat")
    if expires is None or expires <= moment:
        raise Unreadable("expired")
    if issued is None or issued > moment + LEEWAY_S:
        raise Unreadable("iat")
    return expires


def _read(claims: Mapping[str, Any], expires: float) -> _Claims:
    texts = [claims.get(name) for name in _TEXTS]
    if not all(isinstance(text, str) and text for text in texts) or texts[0] != texts[1]:
        raise Unreadable("claims")
    _, client, jti, scope, organisation, role = (str(text) for text in texts)
    return _Claims(client, organisation, role, frozenset(scope.split()), jti, expires)


def _admitted(claims: _Claims, known: Snapshot) -> Caller:
    """Return the caller if the client is still what it was when the token was issued, with what it may still do."""
    client = known.client(claims.client)
    organisation = known.organisation(claims.organisation)
    if client is None or organisation is None or claims.jti in known.revoked:
        raise Problem("SEC-401")
    if (client.organisation, client.role) != (claims.organisation, claims.role):
        raise Problem("SEC-401")
    return Caller(
        client=client.client_id,
        role=client.role,
        organisation=organisation.uscc,
        tier=organisation.tier,
        purpose=ROLES[client.role].purpose,
        chain=known.chain(organisation.uscc),
        scopes=narrow(claims.scopes, client.scopes),
        token=claims.jti,
    )
