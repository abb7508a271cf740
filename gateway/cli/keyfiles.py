"""Private keys of clients as files: a JWK each, mode 0600, never in the database.

In: a folder and a client id. Out: the key. Refuses to overwrite, and to read a file that others may read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import orjson

from gateway.fhir.problem import Problem

MODE = 0o600
FOLDER_MODE = 0o700
# A JWK of RSA 4096 has 3.3 KiB (design default).
MAX_BYTES = 64 * 1024


def path_of(folder: Path, client_id: str) -> Path:
    """Return where the key of ``client_id`` lies. Raises Problem("SEC-105") for what is no client id."""
    from security.state.checks import CLIENT_ID

    if not CLIENT_ID.fullmatch(client_id):
        raise Problem("SEC-105", where="client.id")
    return folder / f"{client_id}.json"


def write(path: Path, private: dict[str, Any]) -> None:
    """Write the key to a new file. Raises Problem("CLI-004") when there is one, OSError."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    except FileExistsError:
        raise Problem("CLI-004", path=str(path)) from None
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, MODE)  # the umask may have taken bits from it
        file.write(orjson.dumps(private, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read(path: Path, client_id: str) -> dict[str, Any]:
    """Return the key. Raises Problem CLI-005 (absent), CLI-003 (others may read it, or it is no JWK)."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise Problem("CLI-005", client=client_id, path=str(path)) from None
    with os.fdopen(fd, "rb") as file:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        data = file.read(MAX_BYTES)
    if mode & 0o077:
        raise Problem("CLI-003", path=str(path), reason=f"mode {mode:04o}, chmod 600 {path}")
    return _jwk(data, path)


def read_jwks(path: Path) -> dict[str, Any]:
    """Return a JWKS that a client's owner handed in; one bare JWK counts as a set. Raises Problem("CLI-003")."""
    with path.open("rb") as file:
        found = _jwk(file.read(MAX_BYTES), path)
    return found if "keys" in found else {"keys": [found]}


def _jwk(data: bytes, path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not {"kty", "keys"} & found.keys():
        raise Problem("CLI-003", path=str(path), reason="not a JSON web key")
    return found
