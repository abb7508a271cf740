"""What stands in a transaction's references for an id that is not known yet: another entry's fullUrl, or a question.

In: the bytes of a resource. Out: the same with `Kind/id` in their place; every other byte stays. A member's name or a
question spelled by escapes is not recognised: the fhir gate then refuses the reference as malformed.
Source: FHIR R4 http.html#trules ("Conditional references"), bundle.html#references.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

_REFERENCE: Final = re.compile(rb'("reference"\s*:\s*)("(?:[^"\\]|\\.)*")')
_QUESTION: Final = re.compile(rb'("reference"\s*:\s*")([A-Z][A-Za-z]+)\?(?:[^"\\]|\\.)*"')
_ROOT: Final = re.compile(r"(https?://\S+)/[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


def asks(body: bytes) -> bool:
    """Tell whether a reference in ``body`` is a question such as `Patient?identifier=...`."""
    return _QUESTION.search(body) is not None


def unasked(body: bytes) -> bytes:
    """Return ``body`` with a reference of the same kind in place of each question, to be checked meanwhile."""
    return _QUESTION.sub(rb'\1\2/0"', body)


def questions(body: bytes) -> frozenset[str]:
    """Return the questions that the references of ``body`` ask."""
    if not asks(body):
        return frozenset()
    return frozenset(text for match in _REFERENCE.finditer(body) if _is_question(text := json.loads(match[2])))


def filled(body: bytes, known: Mapping[str, str], *, full_url: str = "") -> bytes:
    """Return ``body`` with `Kind/id` for each reference that is in ``known``; the same object when none is.

    ``full_url`` is that of the entry itself: a relative reference of an entry from another server is one of that
    server's (R4 bundle.html#references).
    """
    if not known or b'"reference"' not in body:
        return body
    root = found[1] if (found := _ROOT.fullmatch(full_url)) else ""

    def put(match: re.Match[bytes]) -> bytes:
        text = json.loads(match[2])
        target = known.get(text) or (known.get(f"{root}/{text}") if root else None)
        return match[0] if target is None else match[1] + b'"' + target.encode() + b'"'

    made = _REFERENCE.sub(put, body)
    return body if made == body else made


def _is_question(text: str) -> bool:
    kind, mark, _ = text.partition("?")
    return bool(mark) and kind.isascii() and kind.isalpha() and kind[:1].isupper()
