"""The key file: one JSON object, mode 0600, that holds everything secret of an installation.

In: a path. Out: `Material`. Refuses a file that others may read, that belongs to somebody else, or that is damaged,
and names the remedy. All keys but the KEK are wrapped by it (RFC 5649), so that a KMS can take the KEK's place.
Source: GB/T 39725-2020 10.1g; security.md CRY-05 (keys never in the database or the image).
"""

from __future__ import annotations

import base64
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson
from cryptography.hazmat.primitives import keywrap

from gateway.fhir.problem import Problem
from security.crypto import packing

FORMAT = "yiyang-keys/1"
# Only the owner reads and writes (design default, as OpenSSH demands of private keys).
MODE = 0o600
# All keys have 256 bits, but for SM4, which has 128 (GB/T 32907-2016).
KEY_BYTES = 32
# A key file of 65,000 wrapped keys is about 6 MiB; anything larger is not one.
MAX_FILE_BYTES = 8 * 1024 * 1024
_NAMES = ("index", "site", "root", "checkpoint")


@dataclass(frozen=True, slots=True)
class Dek:
    """A data key: ``suite`` that it is for, ``key``, and how many messages it has been ``reserved`` for.

    ``dictionary`` is the one with which what it seals is packed. Programs that know none read the file and not such
    bodies, so a key made before there was one keeps to none.
    """

    suite: int
    key: bytes
    reserved: int = 0
    dictionary: int = packing.PLAIN


@dataclass(frozen=True, slots=True)
class Material:
    """Everything in the key file, unwrapped. ``current`` is the id of the data key that seals new bodies."""

    installation: str
    kek: bytes
    deks: dict[int, Dek]
    current: int
    index: bytes
    site: bytes
    root: bytes
    checkpoint: bytes

    @classmethod
    def fresh(cls, suite: int) -> Material:
        """Return new random keys for a new installation whose data keys are for ``suite``."""
        draw = [os.urandom(KEY_BYTES) for _ in range(6)]
        return cls(
            str(uuid4()),
            draw[0],
            {1: Dek(suite, draw[1], dictionary=packing.NEWEST)},
            1,
            draw[2],
            draw[3],
            draw[4],
            draw[5],
        )

    def __repr__(self) -> str:
        """Show nothing secret, whatever logs it."""
        return f"Material({self.installation}, {len(self.deks)} data keys)"


def create(path: Path, material: Material) -> None:
    """Write a new key file, durable on return. Raises Problem("SEC-910") when there is one already."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    except FileExistsError:
        raise Problem("SEC-910", path=str(path)) from None
    except OSError as error:
        raise Problem("SEC-911", path=str(path), reason=error.strerror or "") from None
    _write(fd, material)
    _sync_folder(path.parent)


def read(path: Path) -> Material:
    """Return the keys. Raises Problem SEC-911 (cannot be read), SEC-912 (mode or owner), SEC-913 (damaged)."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise Problem("SEC-911", path=str(path), reason=error.strerror or "") from None
    with os.fdopen(fd, "rb") as file:
        _demand_private(os.fstat(fd), path)
        data = file.read(MAX_FILE_BYTES)
    try:
        return _decode(data)
    except (ValueError, KeyError, TypeError, AttributeError, keywrap.InvalidUnwrap):
        raise Problem("SEC-913", path=str(path)) from None


def change(path: Path, step: Callable[[Material], Material]) -> Material:
    """Replace the file by ``step(what it holds now)`` and return that; processes that share the file take turns.

    Raises Problem("SEC-903") when the folder cannot be written, and what `read` raises.
    """
    try:
        with _turn(path):
            material = step(read(path))
            _replace(path, material)
    except OSError as error:
        raise Problem("SEC-903", path=str(path), reason=error.strerror or "") from None
    return material


def _demand_private(found: os.stat_result, path: Path) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode == MODE and found.st_uid == os.geteuid():
        return
    raise Problem("SEC-912", path=str(path), mode=f"{mode:04o}", owner=found.st_uid, user=os.geteuid())


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    fd = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, MODE)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _replace(path: Path, material: Material) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    _write(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), material)
    beside.replace(path)
    _sync_folder(path.parent)


def _write(fd: int, material: Material) -> None:
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, MODE)  # the umask may have taken bits from it
        file.write(_encode(material))
        file.flush()
        os.fsync(fd)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _encode(material: Material) -> bytes:
    def wrapped(key: bytes) -> str:
        return _text(keywrap.aes_key_wrap_with_padding(material.kek, key))

    shape = {
        "format": FORMAT,
        "installation": material.installation,
        "kek": _text(material.kek),
        "current": material.current,
        "deks": [
            {"id": number, "suite": dek.suite, "reserved": dek.reserved, "key": wrapped(dek.key)}
            | ({"dictionary": dek.dictionary} if dek.dictionary else {})
            for number, dek in sorted(material.deks.items())
        ],
        "keys": {name: wrapped(getattr(material, name)) for name in _NAMES},
    }
    return orjson.dumps(shape, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _decode(data: bytes) -> Material:
    shape = orjson.loads(data)
    if shape["format"] != FORMAT:
        raise ValueError("another format")
    kek = base64.b64decode(shape["kek"], validate=True)

    def unwrapped(text: str) -> bytes:
        return keywrap.aes_key_unwrap_with_padding(kek, base64.b64decode(text, validate=True))

    deks = {
        int(row["id"]): Dek(
            int(row["suite"]), unwrapped(row["key"]), int(row["reserved"]), int(row.get("dictionary", packing.PLAIN))
        )
        for row in shape["deks"]
    }
    if not all(packing.PLAIN <= dek.dictionary <= packing.NEWEST for dek in deks.values()):
        raise ValueError("a dictionary of a later release")
    if shape["current"] not in deks:
        raise ValueError("no current data key")
    named = {name: unwrapped(shape["keys"][name]) for name in _NAMES}
    return Material(str(shape["installation"]), kek, deks, int(shape["current"]), **named)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
