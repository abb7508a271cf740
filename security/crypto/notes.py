"""Signed notes: a text and one Ed25519 signature that anybody with the public key can check.

Source: C2SP signed-note v1 (text, empty line, ``— name base64(key hash | signature)``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.fhir.problem import Problem

_DASH = "\u2014 "
# Signature type of Ed25519 in a note's key hash (C2SP signed-note, "Signature types").
_ED25519 = b"\x01"
_HASH_BYTES = 4


def sign_note(text: str, *, name: str, key: Ed25519PrivateKey) -> str:
    r"""Return ``text`` (whole lines, each ended by "\n") as a note signed under ``name``."""
    if not text.endswith("\n"):
        raise ValueError("a note's text ends with a newline")
    mark = _key_hash(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n{_DASH}{name} {base64.b64encode(mark).decode()}\n"


def verify_note(note: str, *, name: str, public: bytes) -> str:
    """Return the text of ``note`` signed by ``public`` (32 raw bytes). Raises Problem("SEC-902") otherwise."""
    text, gap, rest = note.rpartition("\n\n")
    text += "\n"
    for line in rest.splitlines() if gap else ():
        if _signed(line, text, name=name, public=public):
            return text
    raise Problem("SEC-902")


def _signed(line: str, text: str, *, name: str, public: bytes) -> bool:
    signer, _, mark = line.removeprefix(_DASH).rpartition(" ")
    try:
        raw = base64.b64decode(mark, validate=True)
        if signer != name or raw[:_HASH_BYTES] != _key_hash(name, public):
            return False
        Ed25519PublicKey.from_public_bytes(public).verify(raw[_HASH_BYTES:], text.encode())
    except (binascii.Error, InvalidSignature):
        return False
    return True


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_HASH_BYTES]
