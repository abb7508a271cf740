"""Assertions and tokens as an attacker, or a careless client, would write them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

Key = ECKey | RSAKey | OctKey


def signed(head: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """Return a compact JWS with exactly this header and these claims."""
    registry = jws.JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
    return jws.serialize_compact(dict(head), json.dumps(claims).encode(), key, registry=registry)


def signed_anyhow(head: Mapping[str, Any], claims: Mapping[str, Any], key: ECKey) -> str:
    """Return a compact JWS with a true ES256 signature under any header, as a library would not write it."""
    text = f"{_part(head)}.{_part(claims)}"
    signature = jws.JWSRegistry().get_alg("ES256").sign(text.encode(), key)
    return f"{text}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def unsigned(head: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """Return a compact JWS whose signature is empty."""
    return f"{_part(head)}.{_part(claims)}."


def _part(value: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
