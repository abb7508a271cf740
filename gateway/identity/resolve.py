"""Decide which elder a record is about, by exact match on verified identifiers and nothing else.

In: the Patient that a map made. Out: the Patient id, the current version if there is one, and whether a person should
review it. Refuses (parks) a record whose identifiers point at two elders. Never links on name and birth date.
Source: domain.md §0.7, §8 trap 11; security.md S1·四(二)6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
PAGE = 100
"""Patients read at once: those of a handful of records, and of hospitals that give out the same number."""


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

    def keys(self, patient: Mapping[str, Any]) -> tuple[Key, ...]:
        """Return the identifiers that decide who ``patient`` is."""
        return keys_of(patient, today=self._now().astimezone(CHINA).date())

    async def resolve(self, patient: Mapping[str, Any]) -> Resolution:
        """Return who ``patient`` is. One query. Raises what `resolve_all` would return."""
        (found,) = await self.resolve_all((patient,))
        if isinstance(found, Problem):
            raise found
        return found

    async def resolve_all(self, patients: Sequence[Mapping[str, Any]]) -> list[Resolution | Problem]:
        """Return who each of ``patients`` is, or why nobody can tell. One query for all.

        Problem ID-001 (no deciding identifier), ID-002 (its identifiers belong to different elders), ID-003 (the
        hospital number is known with another identity card).
        """
        keys = [self.keys(patient) for patient in patients]
        held = await self._holders(tuple(dict.fromkeys(key for each in keys for key in each)))
        return [self._resolved(each, held) for each in keys]

    def _resolved(self, keys: tuple[Key, ...], held: Mapping[Key, Mapping[str, Stored]]) -> Resolution | Problem:
        if not keys:
            return Problem("ID-001", where="Patient.identifier")
        found = {id: row for key in keys for id, row in held.get(key, {}).items()}  # noqa: A001 - FHIR's word
        if len(found) > 1:
            return Problem("ID-002", where="Patient.identifier")
        review = keys[0].system == HOSPITAL_NUMBER
        if not found:
            return Resolution(self._make_id("Patient", *keys[0].parts), None, review)
        (current,) = found.values()
        card = self._card_of(current)
        if _is_another_card(keys, card):
            return Problem("ID-003", where="Patient.identifier")
        return Resolution(current.id, current, review and not card)

    async def _holders(self, keys: tuple[Key, ...]) -> dict[Key, dict[str, Stored]]:
        """Return the Patients that carry each of ``keys``, by id. One query, more only where pages follow."""
        holders: dict[Key, dict[str, Stored]] = {}
        if not keys:
            return holders
        terms = tuple(
            TokenTerm(system, value) for system, value in dict.fromkeys((key.system, key.value) for key in keys)
        )
        query = Query("Patient", (Clause("identifier", "identifier", terms),), count=PAGE)
        while True:
            page = await self._store.search(query, EVERYTHING)
            for row in page.rows:
                # The store knows no assigner: the same number of another hospital is another elder.
                for key in self._keys_in(row):
                    holders.setdefault(key, {})[row.id] = row
            if not page.next:
                return holders
            query = replace(query, cursor=page.next)

    def _keys_in(self, row: Stored) -> tuple[Key, ...]:
        return self.keys(orjson.loads(row.body))

    def _card_of(self, row: Stored) -> str:
        return next((key.value for key in self._keys_in(row) if key.system == RESIDENT_ID), "")


def _is_another_card(keys: tuple[Key, ...], card: str) -> bool:
    declared = next((key.value for key in keys if key.system == RESIDENT_ID), "")
    return bool(card and declared and card != declared)
