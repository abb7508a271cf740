"""Seal and open bodies; hand out the keyed hashes, the derived secrets and the checkpoint signature.

In: plain bytes and the place they belong to (``context``). Out: blob = suite (1 byte) | data key id (2) | nonce (12) |
text and tag; ``context`` is bound as associated data, so a blob moved elsewhere does not open.
Source: architecture decision 15; NIST SP 800-38D.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.fhir.problem import Problem
from security.crypto import hashes, keyfile, notes, packing, suites
from security.crypto.keyfile import Dek, Material

# Random nonces: below 2^32 messages a key the chance of a repeat stays under 2^-32 (SP 800-38D 8.3); we stop at half.
MAX_MESSAGES = 2**31
# Messages reserved in the key file at a time: one small write per million bodies, and a crash wastes at most these.
RESERVE = 2**20
# The id of a data key is two bytes of the blob.
MAX_DEKS = 2**16 - 1
_HEAD_BYTES = 3
_SUITES = (bytes((suites.AES_256_GCM,)), bytes((suites.SM4_GCM,)))
_TEXT_AT = _HEAD_BYTES + suites.NONCE_BYTES


class Keys:
    """All keys of one installation, loaded from its key file. Safe to share between threads."""

    def __init__(self, path: Path, material: Material) -> None:
        """Hold ``material`` of the key file at ``path``; use `create` or `load`."""
        self._path = path
        self._lock = threading.Lock()
        self._left = 0
        self._adopt(material)

    @classmethod
    def create(cls, path: str | Path, *, suite: int = suites.AES_256_GCM) -> Keys:
        """Write a new key file and load it. Raises Problem("SEC-910") when there is one already."""
        keyfile.create(Path(path), Material.fresh(suite))
        return cls.load(path)

    @classmethod
    def load(cls, path: str | Path) -> Keys:
        """Load the key file. Raises Problem SEC-911 (absent), SEC-912 (mode or owner), SEC-913 (damaged)."""
        return cls(Path(path), keyfile.read(Path(path)))

    @property
    def installation(self) -> str:
        """Return the id of the installation, a UUID that is no secret."""
        return self._material.installation

    @property
    def origin(self) -> str:
        """Return the name under which checkpoints are signed."""
        return f"yiyang-gateway.example/{self.installation}"

    @property
    def public_key(self) -> bytes:
        """Return the 32 raw bytes of the Ed25519 key that checks checkpoints."""
        return self._signer.public_key().public_bytes_raw()

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return ``plain`` compressed and sealed for ``context``. Raises Problem("SEC-903") when keys run out."""
        head, cipher, dictionary = self._sealing()
        frame = packing.pack(plain, dictionary=dictionary)
        nonce = os.urandom(suites.NONCE_BYTES)
        return head + nonce + cipher.encrypt(nonce, frame, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the plain bytes. Raises Problem("SEC-901") when the blob was altered or moved."""
        try:
            return packing.unpack(self.authenticate(sealed, context))
        except ValueError:
            raise Problem("SEC-901") from None

    def authenticate(self, sealed: bytes, context: bytes) -> bytes:
        """Return the still packed bytes of ``sealed``: all that a checker needs. Raises Problem("SEC-901")."""
        cipher = self._ciphers.get(sealed[:_HEAD_BYTES]) or self._learned(sealed[:_HEAD_BYTES])
        try:
            return cipher.decrypt(sealed[_HEAD_BYTES:_TEXT_AT], sealed[_TEXT_AT:], context)
        except (InvalidTag, ValueError):
            raise Problem("SEC-901") from None

    def index_key(self, text: str) -> int:
        """Return the signed 64-bit keyed hash of ``text``."""
        return hashes.index_key(self._material.index, text)

    def digest(self, data: bytes) -> bytes:
        """Return a keyed 32-byte digest of ``data``."""
        return hashes.digest(self._material.index, data)

    def blind(self, text: str) -> str:
        """Return ``bx1:…``, which stands for ``text`` in logs, links and audit entries."""
        return hashes.blind(self._material.index, text)

    def make_id(self, kind: str, *parts: str) -> str:
        """Return the logical id of ``kind`` for ``parts``: UUID-shaped, the same for the same parts."""
        return hashes.make_id(self._material.site, kind, parts)

    def secret(self, name: str, *, length: int = keyfile.KEY_BYTES) -> bytes:
        """Return ``length`` bytes derived for the use ``name`` (HKDF-SHA256, RFC 5869); the same every time."""
        return HKDF(SHA256(), length, None, b"yiyang secret: " + name.encode()).derive(self._material.root)

    def sign_note(self, text: str) -> str:
        """Return ``text`` as a note signed by this installation's checkpoint key."""
        return notes.sign_note(text, name=self.origin, key=self._signer)

    def verify_note(self, note: str) -> str:
        """Return the text of a note that this installation signed. Raises Problem("SEC-902") otherwise."""
        return notes.verify_note(note, name=self.origin, public=self.public_key)

    def rotate(self, *, suite: int | None = None) -> int:
        """Make a new data key for what is sealed from now on and return its id; older blobs still open."""
        with self._lock:
            self._left = 0
            self._adopt(keyfile.change(self._path, lambda found: _with_dek(found, suite)))
            return self._material.current

    def rewrap(self) -> None:
        """Draw a new KEK and wrap every key anew; no sealed body changes."""
        with self._lock:
            self._adopt(keyfile.change(self._path, lambda found: replace(found, kek=os.urandom(keyfile.KEY_BYTES))))

    def _sealing(self) -> tuple[bytes, suites.Aead, int]:
        with self._lock:
            if self._left <= 0:
                self._adopt(keyfile.change(self._path, _reserved))
                self._left = RESERVE
            self._left -= 1
            return self._head, self._cipher, self._dictionary

    def _learned(self, head: bytes) -> suites.Aead:
        """Return the cipher of a key that another process made, from the file; SEC-901 when there is none."""
        if head[:1] not in _SUITES:
            raise Problem("SEC-901")
        with self._lock:
            left, current = self._left, self._material.current
            self._adopt(keyfile.read(self._path))
            self._left = left if self._material.current == current else 0
        return _found(self._ciphers.get(head))

    def _adopt(self, material: Material) -> None:
        ciphers = {_head(number, dek): suites.aead(dek.suite, dek.key) for number, dek in material.deks.items()}
        self._material, self._ciphers = material, ciphers
        self._head = _head(material.current, material.deks[material.current])
        self._dictionary = material.deks[material.current].dictionary
        self._cipher = ciphers[self._head]
        self._signer = Ed25519PrivateKey.from_private_bytes(material.checkpoint)


def _head(number: int, dek: Dek) -> bytes:
    return bytes((dek.suite,)) + number.to_bytes(2, "big")


def _found(cipher: suites.Aead | None) -> suites.Aead:
    if cipher is None:
        raise Problem("SEC-901")
    return cipher


def _reserved(found: Material) -> Material:
    """Reserve a block of messages for this process, on a new data key when the current one is used up."""
    dek = found.deks[found.current]
    if dek.reserved + RESERVE > MAX_MESSAGES:
        return _reserved(_with_dek(found, None))
    return replace(found, deks={**found.deks, found.current: replace(dek, reserved=dek.reserved + RESERVE)})


def _with_dek(found: Material, suite: int | None) -> Material:
    number = max(found.deks) + 1
    if number > MAX_DEKS:
        raise Problem("SEC-903", path="", reason="65535 data keys")
    before = found.deks[found.current]
    # The dictionary stays: a program beside this one may be older, and would not open what it does not know.
    dek = Dek(suite or before.suite, os.urandom(keyfile.KEY_BYTES), dictionary=before.dictionary)
    return replace(found, deks={**found.deks, number: dek}, current=number)
