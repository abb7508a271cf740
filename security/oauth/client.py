"""The other side: what a client does to get a token. For the command line, the demo, tests and integrators to read.

In: a private JWK. Out: an assertion, or the whole form to post. Source: SMART App Launch 2.2 "Backend Services".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from secrets import token_urlsafe
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from security.oauth.endpoints import ASSERTION_TYPE, GRANT
from security.state.keys import algorithm_of

# Within the server's 300 s even if our clock is a minute ahead; authlib's own client asks for an hour and is refused.
LIFE_S: Final = 240


def generate() -> dict[str, Any]:
    """Return a new private ES384 key as a JWK; its kid is the thumbprint. Write it to a file of mode 0600 only."""
    key = ECKey.generate_key("P-384", private=True)
    return {**key.as_dict(private=True), "kid": key.thumbprint(), "use": "sig", "alg": "ES384"}


def public_jwks(private: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JWKS to register for ``private``."""
    public = _key(private).as_dict(private=False)
    return {"keys": [{**public, "kid": private["kid"], "use": "sig", "alg": algorithm_of(private)}]}


def assertion(
    private: Mapping[str, Any], client_id: str, *, token_endpoint: str, now: datetime, jti: str | None = None
) -> str:
    """Return a client assertion, good for one request within four minutes."""
    moment, algorithm = int(now.timestamp()), algorithm_of(private)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": token_endpoint,
        "jti": jti or token_urlsafe(16),
        "iat": moment,
        "exp": moment + LIFE_S,
    }
    head = {"alg": algorithm, "typ": "JWT", "kid": private["kid"]}
    return jwt.encode(head, claims, _key(private), algorithms=[algorithm])


def token_request(
    private: Mapping[str, Any], client_id: str, *, token_endpoint: str, scopes: Iterable[str], now: datetime
) -> dict[str, str]:
    """Return the form to post, as application/x-www-form-urlencoded, to ``token_endpoint``."""
    return {
        "grant_type": GRANT,
        "scope": " ".join(sorted(scopes)),
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(private, client_id, token_endpoint=token_endpoint, now=now),
    }


def _key(private: Mapping[str, Any]) -> ECKey | RSAKey:
    members = dict(private)
    return ECKey.import_key(members) if members["kty"] == "EC" else RSAKey.import_key(members)
