"""The two authenticated ciphers behind one shape: AES-256-GCM (suite 1) and SM4-GCM (suite 2).

In: nonce, bytes, associated data. Out: text and 16-byte tag. Raises `InvalidTag` for anything altered.
Source: NIST SP 800-38D; GB/T 32907-2016 and GB/T 36624-2018 for SM4-GCM; security.md CRY-04.
"""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AES_256_GCM = 1
SM4_GCM = 2
# 96 bits, the length that GCM takes without hashing it (SP 800-38D 5.2.1.1).
NONCE_BYTES = 12
TAG_BYTES = 16
_SM4_KEY_BYTES = 16


class Aead(Protocol):
    """Encrypt and decrypt; the tag is the last 16 bytes of the text."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the text and its tag."""
        ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the plain bytes; InvalidTag when text, nonce or associated data differ."""
        ...


class Sm4Gcm:
    """SM4 in GCM: `cryptography` offers it as a mode only, so the tag is handled here."""

    def __init__(self, key: bytes) -> None:
        """Take a key of 16 bytes."""
        self._cipher = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the text and its tag."""
        context = Cipher(self._cipher, modes.GCM(nonce)).encryptor()
        context.authenticate_additional_data(associated_data or b"")
        return context.update(data) + context.finalize() + context.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the plain bytes; InvalidTag when text, nonce or associated data differ."""
        if len(data) < TAG_BYTES:
            raise InvalidTag
        text, tag = data[:-TAG_BYTES], data[-TAG_BYTES:]
        context = Cipher(self._cipher, modes.GCM(nonce, tag)).decryptor()
        context.authenticate_additional_data(associated_data or b"")
        return context.update(text) + context.finalize()


def aead(suite: int, key: bytes) -> Aead:
    """Return the cipher of ``suite`` under ``key`` (32 bytes; SM4 uses the first 16). ValueError: no such suite."""
    if suite == AES_256_GCM:
        return AESGCM(key)
    if suite == SM4_GCM:
        return Sm4Gcm(key[:_SM4_KEY_BYTES])
    raise ValueError("no such suite")
