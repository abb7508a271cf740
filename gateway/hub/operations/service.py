"""The operations by name. Every verb takes the caller first; each leaves its entry like any interaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.hub.interaction import Tools
from gateway.hub.operations import everything, terms
from gateway.hub.values import Found
from gateway.terminology import Known, Terminology
from security.caller import Caller

T = TypeVar("T")
Pairs = Sequence[tuple[str, str]]


class Operations:
    """One a hub."""

    def __init__(self, tools: Tools, terminology: Terminology) -> None:
        """Hold the tools of every interaction, and the terminology."""
        self._tools = tools
        self._terminology = terminology
        self.now = tools.now

    async def of_terms(
        self, caller: Caller, kind: str, name: str, question: Callable[[Terminology], Awaitable[T]]
    ) -> T:
        """Return the answer to a question about codes. See `gateway.hub.operations.terms`."""
        return await terms.ask(self._tools, self._terminology, caller, kind, name, question)

    async def everything(self, caller: Caller, kind: str, id: str, *, pairs: Pairs) -> Found:  # noqa: A002 - FHIR's word
        """Return a page of an elder's or a stay's record. See `gateway.hub.operations.everything`."""
        return await everything.everything(self._tools, caller, kind, id, pairs=pairs)

    async def loaded(self) -> Sequence[Known]:
        """Return what terminology is loaded: it is told to anybody, like the CapabilityStatement."""
        return await self._terminology.listed()
