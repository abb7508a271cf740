"""The server's own signing key, kept in one file that only the running user may read.

In: a path. Out: the key that signs access tokens (ES256) and the public JWKS. The first key signs; all verify.
Source: RFC 7517; RFC 7638 (kid is the thumbprint); RFC 7518 §3.4. ES256 costs an eighth of ES384 to verify.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.fhir.problem import Problem

ALGORITHM: Final = "ES256"
FORMAT: Final = "yiyang-token-keys/1"
MODE: Final = 0o600
# One key has 250 bytes; a file beyond this is not one (design default).
MAX_FILE_BYTES: Final = 64 * 1024


class TokenKeys:
    """Hold the signing keys, newest first. Shows nothing secret when printed."""

    def __init__(self, keys: Sequence[ECKey]) -> None:
        """Take private P-256 keys; the first one signs."""
        self.active, self.kid = keys[0], keys[0].thumbprint()
        self._by_kid = {key.thumbprint(): key for key in keys}

    @classmethod
    def create(cls, path: Path) -> TokenKeys:
        """Draw a key and write it to a new file, durable on return. Raises Problem SEC-131 (exists), SEC-132."""
        key = ECKey.generate_key("P-256", private=True)
        shape = {"format": FORMAT, "keys": [key.as_dict(private=True)]}
        data = orjson.dumps(shape, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        try:
            _write_new(path, data)
        except FileExistsError:
            raise Problem("SEC-131", path=str(path)) from None
        except OSError as error:
            raise Problem("SEC-132", path=str(path), reason=error.strerror or "") from None
        return cls([key])

    @classmethod
    def load(cls, path: Path) -> TokenKeys:
        """Read the file. Raises Problem("SEC-132") when it is missing, readable by others, or damaged."""
        try:
            data = _read_private(path)
        except OSError as error:
            raise Problem("SEC-132", path=str(path), reason=error.strerror or "") from None
        try:
            shape = orjson.loads(data)
            keys = [ECKey.import_key(row) for row in shape["keys"]]
        except (JoseError, ValueError, TypeError, KeyError):
            raise Problem("SEC-132", path=str(path), reason="damaged") from None
        if shape["format"] != FORMAT or not keys or not all(_signs(key) for key in keys):
            raise Problem("SEC-132", path=str(path), reason="damaged")
        return cls(keys)

    def find(self, kid: object) -> ECKey | None:
        """Return the key named ``kid``, or None."""
        return self._by_kid.get(kid) if isinstance(kid, str) else None

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as they are published (RFC 7517 §5)."""
        return {"keys": [_public(kid, key) for kid, key in self._by_kid.items()]}

    def __repr__(self) -> str:
        """Name the keys, never show them."""
        return f"TokenKeys({', '.join(self._by_kid)})"


def _public(kid: str, key: ECKey) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}


def _signs(key: ECKey) -> bool:
    return key.is_private and key.curve_name == "P-256"


def _write_new(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, MODE)  # the umask may have taken bits from it
        file.write(data)
        file.flush()
        os.fsync(fd)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_private(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if stat.S_IMODE(found.st_mode) != MODE or found.st_uid != os.geteuid():
            raise PermissionError(0, f"mode {stat.S_IMODE(found.st_mode):04o}, owner {found.st_uid}")
        return file.read(MAX_FILE_BYTES)
