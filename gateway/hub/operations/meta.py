"""$meta, $meta-add, $meta-delete: tags and profiles of one resource (FHIR R4 resource-operation-meta).

To look is a read, to change an update of what the caller sees, against the version that was read: both decide, mask,
restore and leave their entry as ever. Security labels are the gateway's: to set or take one is refused (CLS-07).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.fhir import codec
from gateway.fhir.problem import Problem
from gateway.hub import read, update
from gateway.hub.demands import Demand
from gateway.hub.interaction import Tools
from gateway.hub.values import Doc, Written
from security.caller import Caller

_OURS = ("tag", "profile")


async def change(tools: Tools, caller: Caller, kind: str, id: str, *, given: Doc | None, add: bool) -> Written:  # noqa: A002
    """Add the tags and profiles of the Meta ``given``, or take them away; what changes nothing keeps the version.

    Raises TRM-005 without a Meta, TRM-007 for other members of it, and what a read and an update raise.
    """
    async with tools.interaction(caller, "operation", kind=kind, id=id) as it:
        it.note({"interface": f"FHIR {kind}/$meta-{'add' if add else 'delete'}"})
        _demand_ours(given or {})
        seen = await read.read(tools, caller, kind, id)
        meta = codec.parse_exact(seen.body).get("meta", {})
        changed = {name: _changed(meta.get(name, ()), (given or {}).get(name, ()), add=add) for name in _OURS}
        body = codec.patch_meta(seen.body, profile=changed["profile"], tag=changed["tag"])
        return await update.update(tools, caller, kind, id, body=body, demand=Demand(version=seen.version))


def _demand_ours(given: Doc) -> None:
    if not given:
        raise Problem("TRM-005", name="meta")
    if other := next((name for name in given if name not in _OURS), ""):
        text = ("由网关管理，不可更改", "it is the gateway's and cannot be changed")
        raise Problem("TRM-007", name=f"meta.{other}" if other == "security" else "meta", what=text[0], what_en=text[1])


def _changed(known: Iterable[Any], given: Iterable[Any], *, add: bool) -> list[Any]:
    named = {_key(one): one for one in given}
    if add:
        return [*known, *(one for key, one in named.items() if key not in {_key(each) for each in known})]
    return [one for one in known if _key(one) not in named]


def _key(one: Any) -> tuple[str, str]:
    """Return what makes a tag or profile that one: system and code, or the url."""
    return (str(one.get("system", "")), str(one.get("code", ""))) if isinstance(one, dict) else ("", str(one))
