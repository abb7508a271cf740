"""The identifiers of a Patient that may decide who it is (domain.md §2.1).

Only two kinds decide: the resident identity card after its check, and the sender's own patient number, which is
unique inside the organisation that assigned it. Health-record and insurance numbers travel along and decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.identity import resident_id

RESIDENT_ID = "urn:oid:2.16.156.10011.1.3"
"""System of the resident identity card number (WS 363, data set OID)."""
RESIDENT_ID_ALIASES = frozenset({RESIDENT_ID, "urn:oid:2.16.840.1.113883.2.23.1.19.1"})
"""The same number under the name that HL7 China uses (domain.md §0.4)."""
HOSPITAL_NUMBER = "urn:oid:2.16.156.10011.2.5.1.4"
"""System of a hospital's own PatientID; unique only with its assigner."""


@dataclass(frozen=True, slots=True)
class Key:
    """One deciding identifier: ``assigner`` is "" for the identity card, else the organisation's credit code."""

    system: str
    value: str
    assigner: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Return what the Patient id is minted from."""
        return (self.system, self.assigner, self.value)


def keys_of(patient: Mapping[str, Any], *, today: date) -> tuple[Key, ...]:
    """Return the deciding keys of ``patient``, the identity card first."""
    found = sorted(_keys(patient, today), key=lambda key: key.system != RESIDENT_ID)
    return tuple(dict.fromkeys(found))


def _keys(patient: Mapping[str, Any], today: date) -> Iterator[Key]:
    for identifier in patient.get("identifier", ()):
        system, value = identifier.get("system", ""), identifier.get("value", "")
        if system in RESIDENT_ID_ALIASES:
            card = resident_id.parse(value, today=today)
            if card is not None:
                yield Key(RESIDENT_ID, card.number)
        elif system == HOSPITAL_NUMBER and value:
            assigner = assigner_of(identifier)
            if assigner:
                yield Key(system, value, assigner)


def assigner_of(identifier: Mapping[str, Any]) -> str:
    """Return the credit code of the organisation that assigned ``identifier`` ("" when it does not say)."""
    assigner = identifier.get("assigner", {})
    reference = str(assigner.get("reference", ""))
    if reference.startswith("Organization/"):
        return reference.removeprefix("Organization/")
    return str(assigner.get("identifier", {}).get("value", ""))
