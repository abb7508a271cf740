"""May this sender hand in records of this elder? Asked before it is answered: after an AA only identity may park.

In: a record that was understood, the organisation it is from. Out: nothing, or IN-012 with the way on. What cannot be
decided yet is left to the pipeline: an earlier message of the elder that may bring the right, an identity in doubt.
Source: architecture §2 ("After AA only identity can still park a record").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from gateway.fhir.problem import Problem
from gateway.identity import Identity
from gateway.intake.elder import patient_of
from gateway.intake.inbox import InboxStore
from gateway.intake.service import Understood

Resource = dict[str, Any]

DECIDING = frozenset({"Patient", "Consent"})
"""The relation to the elder decides of all resources alike, and the Patient stands for them; a consent has a rule of
its own. Asking for each of them would cost a quarter of the reading of the message again."""


class Rights(Protocol):
    """What is needed of the hub."""

    def refuses(self, organisation: str, docs: Sequence[Resource], *, elder: str) -> bool:
        """Tell whether what ``organisation`` says of ``elder`` would not be let in, by what is known in memory."""
        ...

    async def catch_up(self) -> None:
        """Learn what any process has committed before this call. Raises Problem STO-503."""
        ...


class Permission:
    """Say before the answer what the commit would be refused for."""

    def __init__(self, rights: Rights, inbox: InboxStore, identity: Identity, *, order: Callable[[str], int]) -> None:
        """Hold the rooms that are asked, and ``order`` (elder id to its keyed hash)."""
        self._rights = rights
        self._inbox = inbox
        self._identity = identity
        self._order = order

    async def problems(self, found: Understood, organisation: str) -> tuple[Problem, ...]:
        """Return IN-012 when ``organisation`` may not hand in ``found``, else nothing.

        No query unless it may not. Whether the elder is known makes no difference to the answer. Raises Problem
        STO-503, and SEC-403 for an organisation that is not registered any more.
        """
        said = [proof.doc for proof in found.accepted if proof.doc["resourceType"] in DECIDING]
        if not self._rights.refuses(organisation, said, elder=found.elder):
            return ()
        patient = patient_of(found.result.resources)
        if patient is None or await self._inbox.is_open(self._order(found.elder)):
            return ()
        (resolved,) = await self._identity.resolve_all((patient,))
        if isinstance(resolved, Problem):
            return ()
        elder = resolved.elder
        if elder != found.elder and await self._inbox.is_open(self._order(elder)):
            return ()
        await self._rights.catch_up()
        if not self._rights.refuses(organisation, said, elder=elder):
            return ()
        return (Problem("IN-012"),)
