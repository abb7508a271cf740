"""How a source value may appear in an issue or a preview: codes and times as they are, all else by its length."""

from __future__ import annotations

import re
from typing import Any, Final

from gateway.mapping.values import Bad, plain

MAX_SHOWN: Final = 24
"""Longest value shown, in characters (design default; codes and times are shorter)."""
_CODE = re.compile(r"[A-Za-z0-9.+:_/-]+", re.ASCII)
_PERSONAL = re.compile(r"(?<!\d)(1[3-9]\d{9}|\d{15}|\d{17}[\dXx])(?!\d)", re.ASCII)
"""Mobile and identity numbers, which now and then stand in a field that is meant for a code."""


def shown(value: Any, mask: str) -> str:
    """Return ``value`` if its field's ``mask`` is `none` and it looks like a code or a time, else only its length."""
    try:
        text = plain(value)
    except Bad:
        return f"[{type(value).__name__}]"
    if mask == "none" and len(text) <= MAX_SHOWN and _CODE.fullmatch(text) and not _PERSONAL.search(text):
        return text
    return f"***({len(text)})"
