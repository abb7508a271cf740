"""Keyed hashes: index keys, digests, blinded words and minted ids. None of them can be computed without the keys.

The space of identity numbers is small (about 10^10), so nothing here is ever an unkeyed hash.
Source: security-engine.md section 4 (blind index); the ids' form is a design default.
"""

from __future__ import annotations

import hmac
import unicodedata
from hashlib import blake2b

# blake2b's person field keeps the four uses apart under one key.
_INDEX, _DIGEST, _BLIND = b"yy-index", b"yy-digest", b"yy-blind"
BLIND_PREFIX = "bx1:"


def index_key(key: bytes, text: str) -> int:
    """Return the signed 64-bit keyed hash of ``text``, taken as it is (normalising is the index's business)."""
    hashed = blake2b(text.encode(), digest_size=8, key=key, person=_INDEX).digest()
    return int.from_bytes(hashed, "big", signed=True)


def digest(key: bytes, data: bytes) -> bytes:
    """Return the keyed 32-byte digest of ``data``."""
    return blake2b(data, digest_size=32, key=key, person=_DIGEST).digest()


def blind(key: bytes, text: str) -> str:
    """Return ``bx1:`` and 32 hex characters for ``text``; width, case and outer blanks make no difference."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    return BLIND_PREFIX + blake2b(plain.encode(), digest_size=16, key=key, person=_BLIND).hexdigest()


def make_id(key: bytes, kind: str, parts: tuple[str, ...]) -> str:
    """Return the id for ``parts``: 32 hex characters in the shape of a UUID, the same for the same parts.

    Every part carries its length, so ("a", "bc") and ("ab", "c") differ.
    """
    message = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in (kind, *parts)))
    text = hmac.digest(key, message, "sha256").hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"
