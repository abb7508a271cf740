"""Decide which elder a record is about, by exact match on verified identifiers and nothing else.

In: the Patient that a map made. Out: the Patient id, the current version if there is one, and whether a person should
review it. Refuses (parks) a record whose identifiers point at two elders. Never links on name and birth date.
Source: domain.md §0.7, §8 trap 11; security.md S1·四(二)6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import orjson

from gateway.fhir.predicate import EVERYTHING, Predicate
from gateway.fhir.problem import Problem
from gateway.fhir.query import Clause, Query, TokenTerm
from gateway.identity.keys import HOSPITAL_NUMBER, RESIDENT_ID, Key, keys_of
from gateway.store.protocol import Page, Stored

CHINA = ZoneInfo("Asia/Shanghai")


class PatientSearch(Protocol):
    """What identity needs of a store."""

    async def search(self, query: Query, restriction: Predicate) -> Page:
        """Return the Patients that carry an identifier."""
        ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who it is: ``elder`` the Patient id, ``current`` its stored version or None, ``review`` whether to queue it.

    ``review`` is true for an elder known only by one organisation's own number: unlinked until a person looks.
    """

    elder: str
    current: Stored | None
    review: bool


class Identity:
    """Resolve Patients against a store."""

    def __init__(self, store: PatientSearch, *, make_id: Callable[..., str], now: Callable[[], datetime]) -> None:
        """Hold the store, the keyed id maker and the clock."""
        self._store = store
        self._make_id = make_id
        self._now = now

    async def resolve(self, patient: Mapping[str, Any]) -> Resolution:
        """Return who ``patient`` is. At most one query a key.

        Raises Problem ID-001 (no deciding identifier), ID-002 (its identifiers belong to different elders),
        ID-003 (the hospital number is known with another identity card).
        """
        keys = keys_of(patient, today=self._now().astimezone(CHINA).date())
        if not keys:
            raise Problem("ID-001", where="Patient.identifier")
        found = await self._holders(keys)
        if len(found) > 1:
            raise Problem("ID-002", where="Patient.identifier")
        review = keys[0].system == HOSPITAL_NUMBER
        if not found:
            return Resolution(self._make_id("Patient", *keys[0].parts), None, review)
        (current,) = found.values()
        card = self._card_of(current)
        self._refuse_another_card(keys, card)
        return Resolution(current.id, current, review and not card)

    async def _holders(self, keys: tuple[Key, ...]) -> dict[str, Stored]:
        holders: dict[str, Stored] = {}
        for key in keys:
            clause = Clause("identifier", "identifier", (TokenTerm(key.system, key.value),))
            page = await self._store.search(Query("Patient", (clause,), count=20), EVERYTHING)
            for row in page.rows:
                # The store knows no assigner: the same number of another hospital is another elder.
                if key in self._keys_in(row):
                    holders[row.id] = row
        return holders

    def _keys_in(self, row: Stored) -> tuple[Key, ...]:
        return keys_of(orjson.loads(row.body), today=self._now().astimezone(CHINA).date())

    def _card_of(self, row: Stored) -> str:
        return next((key.value for key in self._keys_in(row) if key.system == RESIDENT_ID), "")

    @staticmethod
    def _refuse_another_card(keys: tuple[Key, ...], card: str) -> None:
        declared = next((key.value for key in keys if key.system == RESIDENT_ID), "")
        if card and declared and card != declared:
            raise Problem("ID-003", where="Patient.identifier")
