"""Keyed hashes: index keys, digests, blinded words and minted ids. None of them can be computed without the keys.

The space of identity numbers is small (about 10^10), so nothing here is ever an unkeyed hash.
Source: security-engine.md section 4 (blind index); the ids' form is a design default.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

# blake2b's person field keeps the four uses apart under one key.
_INDEX, _DIGEST, _BLIND = b"yy-index", b"yy-digest", b"yy-blind"
BLIND_PREFIX = "bx1:"
_BLOCK = 64


def index_key(key: bytes, text: str) -> int:
    """Return the signed 64-bit keyed hash of ``text``, taken as it is (normalising is the index's business)."""
    hashed = _keyed(key).copy()
    hashed.update(text.encode())
    return int.from_bytes(hashed.digest(), "big", signed=True)


def digest(key: bytes, data: bytes) -> bytes:
    """Return the keyed 32-byte digest of ``data``."""
    return blake2b(data, digest_size=32, key=key, person=_DIGEST).digest()


def blind(key: bytes, text: str) -> str:
    """Return ``bx1:`` and 32 hex characters for ``text``; width, case and outer blanks make no difference."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    return BLIND_PREFIX + blake2b(plain.encode(), digest_size=16, key=key, person=_BLIND).hexdigest()


def make_id(key: bytes, kind: str, parts: tuple[str, ...]) -> str:
    """Return the id for ``parts``: 32 hex characters in the shape of a UUID, the same for the same parts.

    It is HMAC-SHA-256, cut. Every part carries its length, so ("a", "bc") and ("ab", "c") differ.
    """
    begun, outer = _begun(key, kind)
    inner, outer = begun.copy(), outer.copy()
    for part in parts:
        raw = part.encode()
        inner.update(len(raw).to_bytes(4, "big") + raw)
    outer.update(inner.digest())
    text = outer.hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> blake2b:
    """Return what every index key begins with: a copy costs half of a new one."""
    return blake2b(digest_size=8, key=key, person=_INDEX)


@lru_cache(maxsize=512)
def _begun(key: bytes, kind: str) -> tuple[Hash, Hash]:
    """Return the two halves of HMAC with ``key`` (RFC 2104), the inner one with ``kind`` taken in.

    A record mints twenty ids, each from a copy of these.
    """
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    raw = kind.encode()
    inner = sha256(bytes(byte ^ 0x36 for byte in block) + len(raw).to_bytes(4, "big") + raw)
    return inner, sha256(bytes(byte ^ 0x5C for byte in block))
