"""What a commit tells the journal that it did: a word for each version it made and each message it settled.

The journal is chained and anchored outside the database; so a version that is lost, put back or made past the store
is found by comparing the words with what is stored (`gateway.store.postgres.fsck`). Pure.
Source: docs/decisions/0060-the-journal-tells-every-version.md.
"""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass
from datetime import datetime

_MARK_CHARS = 11
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
MARK_BYTES = 8
"""Of a keyed digest: enough to bind it, short enough to be told for every version (design default)."""


def version(kind: str, id: str, number: int, digest: bytes) -> str:  # noqa: A002 - FHIR's word
    """Return the word for a version; ``digest`` is the store's keyed digest of its facts and content."""
    return f"{kind}/{id}/{number}/{_short(digest)}"


def indexed(kind: str, id: str, number: int) -> str:  # noqa: A002
    """Return the word for a current version whose row was written again without a new version: indexed anew."""
    return f"{kind}/{id}/{number}"


def message(digest: bytes) -> str:
    """Return the word for a message that is stored now; ``digest`` is the inbox's keyed digest of its bytes."""
    return f"message/{_short(digest)}"


def _short(digest: bytes) -> str:
    # Not hex: eleven decimal digits in a row would make the journal look for phone numbers.
    return b2a_base64(digest[:MARK_BYTES], newline=False)[:_MARK_CHARS].translate(_URL_SAFE).decode()


@dataclass(frozen=True, slots=True)
class Told:
    """What one entry of the journal tells of the store.

    ``place`` names the entry, ``at`` is its time, ``wrote`` are the words of its commit, ``arrived`` is the word of a
    message that was taken in ("" for none).
    """

    place: str
    at: datetime
    wrote: tuple[str, ...] = ()
    arrived: str = ""
