"""FHIRPath's functions that take collections and return one; those that take expressions are in `evaluate`.

Source: FHIRPath 2.0 (N1) §5, R4 fhirpath.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.fhir.navigate import children, descendants, resolve
from gateway.fhir.operators import FALSE, TRUE, Items, holds, key_of, truth


def _text(items: Items) -> str | None:
    value = items[0][0] if len(items) == 1 else None
    return value if isinstance(value, str) else None


def _on_text(decide: Callable[[str, str], bool]) -> Callable[..., Items]:
    def run(focus: Items, argument: Items) -> Items:
        text, other = _text(focus), _text(argument)
        return [] if text is None or other is None else truth(decide(text, other))

    return run


def _to_integer(focus: Items) -> Items:
    text = str(focus[0][0]) if len(focus) == 1 else ""
    return [(int(text), "integer")] if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else []


def _to_string(focus: Items) -> Items:
    if len(focus) != 1 or focus[0][0] is None:
        return []
    return [(getattr(focus[0][0], "literal", str(focus[0][0])), "string")]


def _substring(focus: Items, start: Items, length: Items | None = None) -> Items:
    text = _text(focus)
    if text is None or not start or not 0 <= start[0][0] < len(text):
        return []
    end = start[0][0] + length[0][0] if length else len(text)
    return [(text[start[0][0] : end], "string")]


def _index_of(focus: Items, part: Items) -> Items:
    text, other = _text(focus), _text(part)
    return [] if text is None or other is None else [(text.find(other), "integer")]


def _replace_matches(focus: Items, pattern: Items, by: Items) -> Items:
    text = _text(focus)
    return [] if text is None else [(re.sub(str(pattern[0][0]), str(by[0][0]), text), "string")]


FUNCTIONS: dict[str, Callable[..., Items]] = {
    "exists": lambda focus: TRUE if focus else FALSE,
    "empty": lambda focus: FALSE if focus else TRUE,
    "not": lambda focus: truth(None if not focus else not holds(focus)),
    "hasValue": lambda focus: truth(len(focus) == 1 and focus[0][0] is not None and focus[0][0].__class__ is not dict),
    "count": lambda focus: [(len(focus), "integer")],
    "first": lambda focus: focus[:1],
    "tail": lambda focus: focus[1:],
    "isDistinct": lambda focus: truth(len({key_of(value) for value, _ in focus}) == len(focus)),
    "trace": lambda focus, *_: focus,
    "children": children,
    "descendants": descendants,
    "resolve": resolve,
    "startsWith": _on_text(str.startswith),
    "contains": _on_text(str.__contains__),
    "matches": _on_text(lambda text, pattern: re.search(pattern, text) is not None),
    "toInteger": _to_integer,
    "toString": _to_string,
    "substring": _substring,
    "indexOf": _index_of,
    "replaceMatches": _replace_matches,
}
