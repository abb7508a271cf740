"""The references of a document: are they written as R4 asks, may they point there, do `#x` find what they name.

In: the text of a reference. Out: its `Target`. Nothing is fetched. Refused are conditional references (`Patient?...`):
R4 knows them only in transactions, and none are resolved here. Source: R4 references.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.fhir import definitions

_KIND_AND_ID = r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
RELATIVE = re.compile(_KIND_AND_ID)
"""A reference on this server; its first group is the kind."""
_ENDING = re.compile(rf"https?://\S+?/{_KIND_AND_ID}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_LOCAL = re.compile(r"#[A-Za-z0-9\-.]{0,64}")


class Target(NamedTuple):
    """Where a reference points.

    ``kind`` is "" where its text does not tell, ``local`` what follows the `#` of a contained one (None: outside).
    """

    kind: str
    local: str | None = None


def target_of(text: str) -> Target | None:
    """Return where the reference ``text`` points, None when it is malformed."""
    relative = RELATIVE.fullmatch(text)
    if relative is not None:
        return Target(relative[1]) if relative[1] in definitions.kinds() else None
    if _LOCAL.fullmatch(text):
        return Target("", text[1:])
    if not text.isprintable() or not _URI.fullmatch(text):
        return None
    absolute = _ENDING.fullmatch(text) if text.startswith("http") else None
    return Target(absolute[1] if absolute and absolute[1] in definitions.kinds() else "")


def locals_of(node: Any) -> Iterator[str]:
    """Yield every string below ``node`` that starts with `#`: references and canonical URLs to contained resources."""
    if isinstance(node, str):
        if node.startswith("#"):
            yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from locals_of(child)
