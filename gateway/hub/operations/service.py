"""The operations by name. Every verb takes the caller first; each leaves its entry like any interaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.fhir.problem import Problem, Problems
from gateway.hub.interaction import Tools
from gateway.hub.operations import document, everything, lastn, match, meta, terms
from gateway.hub.operations.match import Match
from gateway.hub.values import Doc, Found, Written
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

    async def lastn(self, caller: Caller, *, pairs: Pairs) -> Found:
        """Return the latest observations of each kind. See `gateway.hub.operations.lastn`."""
        return await lastn.lastn(self._tools, caller, pairs=pairs)

    async def document(self, caller: Caller, id: str, *, persist: bool) -> Found:  # noqa: A002
        """Return a composition with what it refers to. See `gateway.hub.operations.document`."""
        return await document.document(self._tools, caller, id, persist=persist)

    async def change_meta(self, caller: Caller, kind: str, id: str, *, given: Doc | None, add: bool) -> Written:  # noqa: A002
        """Add or take away tags and profiles. See `gateway.hub.operations.meta`."""
        return await meta.change(self._tools, caller, kind, id, given=given, add=add)

    async def match(self, caller: Caller, patient: Doc | None, *, certain_only: bool, count: int) -> tuple[Match, ...]:
        """Return who carries an identifier of ``patient``. See `gateway.hub.operations.match`."""
        return await match.match(self._tools, caller, patient, certain_only=certain_only, count=count)

    async def refuse(self, caller: Caller, kind: str, error: Problem | Problems) -> None:
        """Leave the entry of a request for an operation that could not be read."""
        it = self._tools.interaction(caller, "operation", kind=kind)
        await self._tools.journal.append(it.refusal(error), durable=True)

    async def loaded(self) -> Sequence[Known]:
        """Return what terminology is loaded: it is told to anybody, like the CapabilityStatement."""
        return await self._terminology.listed()
