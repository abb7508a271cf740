"""Base64url without padding, read as strictly as it is written: one text for each value and no other.

The standard library skips signs outside the alphabet and ignores the last bits, so that an altered text reads as the
same value. Source: RFC 4648 §3.3, §3.5, §5; RFC 7515 §2.
"""

from __future__ import annotations

import base64


def write(data: bytes) -> str:
    """Return ``data`` as text."""
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def read(text: str) -> bytes:
    """Return what ``text`` was written from. Raises ValueError for a text that `write` never makes."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if write(data) != text:
        raise ValueError("not base64url as it is written")
    return data
