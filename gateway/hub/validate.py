"""$validate: what the gateway would say to this resource, without keeping it (FHIR R4 resource-operation-validate).

Of a resource that is sent nothing stored is read, and any signed-in caller may ask. Of one that is stored the caller is
told about what it may see: a masked view is held to R4 alone, as its profiles may miss what was taken out.
"""

from __future__ import annotations

from typing import Final

from gateway.fhir import codec, profiles
from gateway.fhir import gate as fhir
from gateway.fhir.aside import aside
from gateway.fhir.problem import Problem, Problems
from gateway.fhir.wire import PERSONAL
from gateway.hub import delete
from gateway.hub.interaction import Interaction, Tools
from gateway.hub.values import Doc
from security.caller import Caller

CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
"""R4's own definitions of its types: what is checked anyway."""
Found = tuple[Problem, ...]


async def validate(  # noqa: PLR0913 - all that R4 lets a client ask
    tools: Tools,
    caller: Caller,
    kind: str,
    *,
    body: bytes,
    id: str = "",  # noqa: A002 - FHIR's word
    mode: str = "",
    profile: str = "",
) -> Found:
    """Return all problems of ``body`` (b"": of the stored ``id``) as a resource of ``kind``; none means valid.

    With ``id`` the resource must carry it (HUB-005). ``mode`` "delete" asks whether ``id`` could be deleted;
    ``profile`` is checked beside those that the resource claims. Raises HUB-001 and SEC-404 for a stored
    one, API-008 for a profile of a masked view.
    """
    async with tools.interaction(caller, "validate", kind=kind, id=id if not body or mode == "delete" else "") as it:
        it.note({"size": len(body)})
        if mode == "delete":
            return await _of_delete(it, kind, id)
        if not body:
            return await _of_stored(it, kind, id, profile)
        doc, problems = await aside(len(body), lambda: _checked(body, kind))
        if doc is not None and profile:
            problems = _against(doc, kind, profile)
        if doc is not None and id and doc.get("id") != id:
            problems = (Problem("HUB-005", where=f"{kind}.id"), *problems)
        return problems


def _checked(body: bytes, kind: str) -> tuple[Doc | None, Found]:
    """Return the document, None where it cannot be read, and what is wrong with it."""
    try:
        doc = fhir.accept(body, kind=kind)
    except Problems as found:
        return codec.parse_exact(body), found.problems
    except Problem as found:
        return None, (found,)
    return doc, tuple(fhir.check(doc))


def _against(doc: Doc, kind: str, profile: str) -> Found:
    """Return what breaks R4, the profiles that ``doc`` claims, or ``profile``."""
    url = profile.partition("|")[0]
    if url == CORE + kind:
        return tuple(fhir.check(doc))
    if url not in profiles.shipped().supported(kind):
        plain = profile.isascii() and profile.isprintable() and not PERSONAL.search(profile)
        return (*fhir.check(doc), Problem("FHIR-039", profile=profile[:200] if plain else "?"))
    meta = doc.get("meta")
    known = meta if isinstance(meta, dict) else {}
    claims = known.get("profile")
    claimed = [*(claims if isinstance(claims, list) else ()), profile]
    return tuple(fhir.check({**doc, "meta": {**known, "profile": claimed}}))


async def _of_stored(it: Interaction, kind: str, id: str, profile: str) -> Found:  # noqa: A002
    it.scope("read", kind)
    released = it.release(await it.tools.store.read(kind, id), "read")
    doc = codec.parse_exact(released.body)
    if not released.masked:
        return _against(doc, kind, profile or CORE + kind)
    if profile:
        raise Problem("API-008", name="profile")  # to ignore it would be to say that it holds
    try:
        fhir.accept_partial(released.body, kind=kind)
    except Problems as found:
        return found.problems
    return ()


async def _of_delete(it: Interaction, kind: str, id: str) -> Found:  # noqa: A002
    """Return why ``id`` could not be deleted. Nothing is. Raises HUB-001, SEC-404, API-008 without an id."""
    if not id:
        raise Problem("API-008", name="mode")
    try:
        await delete.prepare(it, kind, id)
    except Problem as refused:
        if refused.code in ("HUB-001", "SEC-404"):
            raise
        return (refused,)
    return ()
