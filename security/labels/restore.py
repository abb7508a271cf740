"""Put back what a view hid, when its reader sends the resource back; refuse a change of what was hidden.

A PUT replaces the whole resource, so an element that the writer could not see must neither be lost nor be set.
"""

from __future__ import annotations

from typing import Any

from gateway.fhir.problem import Problem
from security.labels.view import View

Doc = dict[str, Any]


def restore(view: View, stored: Doc, incoming: Doc) -> Doc:
    """Return ``incoming`` with everything put back that ``view`` does not show of ``stored``.

    Raises Problem("SEC-405", where=element) for an element that was hidden and is sent, whether it was there or not
    (the answer must not tell), and for a masked one that comes back different.
    """
    kind, shown = str(stored["resourceType"]), view.show(stored)
    for key, value in incoming.items():
        if key != "resourceType" and view.hides(key, value):
            raise Problem("SEC-405", where=f"{kind}.{key}", element=f"{kind}.{key}")
    whole = {key: value for key, value in incoming.items() if key != "meta"}
    for key in [*whole, *(key for key in stored if key not in whole)]:
        if key not in ("resourceType", "meta") and shown.get(key) != stored.get(key):
            whole[key] = _element(f"{kind}.{key}", shown.get(key), stored.get(key), incoming.get(key))
    if "meta" in incoming:
        whole["meta"] = _meta(incoming["meta"])
    return {key: value for key, value in whole.items() if value is not None}


def _element(where: str, shown: Any, stored: Any, incoming: Any) -> Any:
    """Return the value to store for one masked element."""
    if incoming == shown:
        return stored
    if isinstance(shown, list) and isinstance(stored, list) and isinstance(incoming, list):
        return _list(where, shown, stored, incoming)
    raise Problem("SEC-405", where=where, element=where)


def _list(where: str, shown: list[Any], stored: list[Any], incoming: list[Any]) -> list[Any]:
    """Return ``incoming`` with each item that came back as shown put back; additions are kept.

    Items are matched by place, which is only sure while the mask left every item in its place.
    """
    if len(shown) != len(stored) or incoming[: len(shown)] != shown:
        raise Problem("SEC-405", where=where, element=where)
    return [*stored, *incoming[len(shown) :]]


def _meta(meta: Doc) -> Doc:
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != "SUBSETTED"]
    rest = {key: value for key, value in meta.items() if key != "tag"}
    return {**rest, "tag": tags} if tags else rest
