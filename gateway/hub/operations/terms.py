"""Operations on codes: any caller with a scope to read the kind may ask; nothing is about an elder, nor is the entry.

Source: FHIR R4 terminology-service.html; docs/decisions/0123-operations-at-the-door.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.hub.interaction import Tools
from gateway.terminology import Terminology
from security.caller import Caller

T = TypeVar("T")


async def ask(
    tools: Tools,
    terminology: Terminology,
    caller: Caller,
    kind: str,
    name: str,
    question: Callable[[Terminology], Awaitable[T]],
) -> T:
    """Return what ``question`` finds out for the operation ``kind``/$``name``.

    Raises HUB-001 (scope) and the TRM- problems of the question.
    """
    async with tools.interaction(caller, "operation", kind=kind) as it:
        it.note({"interface": f"FHIR {kind}/${name}"})
        it.scope("read", kind)
        return await question(terminology)
