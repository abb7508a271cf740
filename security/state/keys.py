"""Public keys of clients, from a JWKS as they hand it in. Private parts, shared secrets and weak keys are refused.

Out: keys by kid, only with the members that verifying needs. Source: RFC 7517; RFC 7518 §3.3, §3.4; SMART App Launch
2.2 "Asymmetric Authentication" (RS384, ES384).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from gateway.fhir.problem import Problem, Problems
from security.state.records import Jwk

# A client rotates by having the next key registered beside the present one; eight is plenty (design default).
MAX_KEYS: Final = 8
MAX_KID: Final = 128
# RFC 7518 §3.3: at least 2048; beyond 4096 a verification costs more than it is worth (design default).
RSA_BITS: Final = (2048, 4096)
_MEMBERS: Final = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}
_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def public_keys(jwks: Mapping[str, Any]) -> dict[str, Jwk]:
    """Return the keys of ``jwks`` by kid.

    Raises Problems of SEC-110 that name the place of every bad key, SEC-111 for a private part, and quote none.
    """
    rows = jwks.get("keys")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_KEYS:
        raise Problems([Problem("SEC-110", where="client.jwks.keys", reason=f"1..{MAX_KEYS} keys")])
    faults: list[Problem] = []
    found: dict[str, Jwk] = {}
    for place, row in enumerate(rows):
        where = f"client.jwks.keys[{place}]"
        problems = list(_faults(row, found, where))
        faults += problems
        if not problems:
            found[row["kid"]] = {name: row[name] for name in ("kid", *_MEMBERS[row["kty"]])}
    if faults:
        raise Problems(faults)
    return found


def algorithm_of(key: Jwk) -> str:
    """Return the one SMART algorithm that ``key`` may be used with."""
    return "ES384" if key["kty"] == "EC" else "RS384"


def _faults(row: object, found: Mapping[str, Jwk], where: str) -> Iterator[Problem]:
    if not isinstance(row, dict):
        yield Problem("SEC-110", where=where, reason="not a JSON web key")
        return
    if _SECRET & set(row):
        yield Problem("SEC-111", where=where)
        return
    kid = row.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID or not kid.isprintable():
        yield Problem("SEC-110", where=f"{where}.kid", reason="kid is required")
    elif kid in found:
        yield Problem("SEC-110", where=f"{where}.kid", reason="the same kid twice")
    if row.get("use", "sig") != "sig":
        yield Problem("SEC-110", where=f"{where}.use", reason="use is not sig")
    if not _is_strong(row):
        yield Problem("SEC-110", where=where, reason="EC P-384 or RSA 2048..4096 bits")


def _is_strong(row: Mapping[str, Any]) -> bool:
    members = _MEMBERS.get(str(row.get("kty")), ())
    if not members or not all(isinstance(row.get(name), str) for name in members):
        return False
    plain: dict[str, str | list[str]] = {name: str(row[name]) for name in members}
    try:
        if plain["kty"] == "EC":
            return plain["crv"] == "P-384" and ECKey.import_key(plain).curve_name == "P-384"
        # Measured first: the library only warns of a weak key, and builds an enormous one.
        return RSA_BITS[0] <= _bits(row["n"]) <= RSA_BITS[1] and RSAKey.import_key(plain).public_key.key_size > 0
    except (JoseError, ValueError, TypeError):
        return False


def _bits(modulus: str) -> int:
    """Return the size of a base64url number; ValueError when it is none."""
    return int.from_bytes(urlsafe_b64decode(f"{modulus}==")).bit_length()
