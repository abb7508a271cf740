"""A gate that has learnt a small town: a hospital, two chains, an elder who has consented, and one record of each kind.

No store and no door: rows are labelled, learnt and asked about directly, so a test reads as rule and answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from gateway.fhir.compartments import elder_of
from gateway.fhir.predicate import Facts
from security.access import policy
from security.access.policy import Policies
from security.caller import Caller, Role, Tier
from security.gate import Action, Decision, Gate
from security.labels import Catalogue

HOSPITAL, CENTRE, STATION = "12410000MB00000010", "12410100MB00000028", "52410102MJ0000003J"
OTHER_CENTRE, OTHER_STATION = "12410100MB0000004E", "52410102MJ0000007Y"
ELDER = "elder"
HL7 = "http://terminology.hl7.org/CodeSystem"
CODES = "https://yiyang-gateway.example/fhir/CodeSystem"
ALL_CLASSES = ("DEMOGRAPHIC", "DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN")
TIERS = {
    HOSPITAL: Tier.HOSPITAL,
    CENTRE: Tier.CENTRE,
    STATION: Tier.STATION,
    OTHER_CENTRE: Tier.CENTRE,
    OTHER_STATION: Tier.STATION,
}
PURPOSES = {Role.STATION_CARER: "CAREMGT", Role.HISFEED: "HOPERAT", Role.AUDITOR: "HCOMPL"}
Doc = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A stored version, by the shape that `Gate.learn` asks for."""

    kind: str
    id: str
    body: bytes
    facts: Facts
    version: int = 1
    deleted: bool = False


class Clock:
    """Time that stands until a test moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **how: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**how)


@cache
def rules() -> tuple[Policies, Catalogue]:
    """Return what `Gate.load` reads, once."""
    return policy.load(), Catalogue.load()


def caller(role: Role, organisation: str, *, purpose: str = "", scopes: Sequence[str] = ("system/*.cruds",)) -> Caller:
    """Return a client of ``organisation`` with every scope unless told otherwise."""
    tier = TIERS[organisation]
    return Caller("c", role, organisation, tier, purpose or PURPOSES.get(role, "TREAT"), scopes=frozenset(scopes))


CENTRE_DOCTOR = caller(Role.CENTRE_DOCTOR, CENTRE)
CENTRE_NURSE = caller(Role.CENTRE_NURSE, CENTRE)
STATION_DOCTOR = caller(Role.STATION_DOCTOR, STATION)
CARER = caller(Role.STATION_CARER, STATION)
OTHER_CARER = caller(Role.STATION_CARER, OTHER_STATION)
OTHER_DOCTOR = caller(Role.CENTRE_DOCTOR, OTHER_CENTRE)
AUDITOR = caller(Role.AUDITOR, HOSPITAL)
HISFEED = caller(Role.HISFEED, HOSPITAL)


class Town:
    """A gate, its clock, and what was written so far."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.gate = Gate(*rules(), now=self.clock)
        self.rows: dict[tuple[str, str], Row] = {}

    def put(self, doc: Doc, *by: str, sent: Sequence[str] | None = None) -> Facts:
        """Write ``doc`` for the organisations ``by`` (the hospital), as the hub does after its commit."""
        kind, key = doc["resourceType"], doc.get("id", "x")
        prior = self.rows.get((kind, key))
        elder = key if kind == "Patient" else elder_of(doc, "http://hub.test/fhir")
        facts = self.gate.label(
            kind, doc, elder=elder, controllers=by or (HOSPITAL,), prior=prior.facts if prior else None, sent=sent
        )
        row = Row(kind, key, json.dumps(doc).encode(), facts, prior.version + 1 if prior else 1)
        self.rows[kind, key] = row
        self.gate.learn([row])
        return facts

    def remove(self, kind: str, key: str) -> None:
        """Delete a row."""
        old = self.rows.pop((kind, key))
        self.gate.learn([Row(kind, key, b"", old.facts, old.version + 1, deleted=True)])

    def ask(self, who: Caller, facts: Facts, action: Action = "read") -> Decision:
        """Ask the gate."""
        return self.gate.decide(who, action, facts)

    def sees(self, who: Caller, facts: Facts) -> bool:
        """Tell whether ``who`` may read."""
        return self.ask(who, facts).allow

    def shown(self, who: Caller, doc: Doc, facts: Facts) -> Doc | None:
        """Return ``doc`` as ``who`` reads it."""
        return self.gate.mask(who, self.ask(who, facts), doc)

    def in_care(self) -> Town:
        """Give the elder a consent, an accepted referral to the centre and a plan that names the station."""
        self.put(patient())
        self.put(consent())
        self.put(referral())
        self.put(care_plan(), CENTRE)
        return self


def patient() -> Doc:
    """Return the elder."""
    return {
        "resourceType": "Patient",
        "id": ELDER,
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "410199194303051027"}],
        "name": [{"text": "王示兰"}],
        "telecom": [{"system": "phone", "value": "13800000001"}],
        "gender": "female",
        "birthDate": "1943-03-05",
    }


def consent(
    *recipients: str,
    classes: Sequence[str] = ALL_CLASSES,
    purposes: Sequence[str] = ("TREAT", "CAREMGT"),
    period: tuple[str, str] = ("2026-03-01", "2027-02-28"),
    status: str = "active",
    number: str = "C-1",
    given: str = "2026-03-01T09:00:00+08:00",
    excluded: Sequence[Doc] = (),
) -> Doc:
    """Return a sharing consent of the elder towards ``recipients`` (the centre and the station)."""
    provision: Doc = {
        "type": "permit",
        "period": {"start": period[0], "end": period[1]},
        "actor": [_actor(code) for code in recipients or (CENTRE, STATION)],
        "purpose": [{"system": f"{HL7}/v3-ActReason", "code": code} for code in purposes],
        "class": [{"system": f"{CODES}/yy-data-class", "code": code} for code in classes],
    }
    if excluded:
        provision["provision"] = [{"type": "deny", "securityLabel": list(excluded)}]
    return {
        "resourceType": "Consent",
        "id": number,
        "identifier": [{"system": "urn:consents", "value": number}],
        "status": status,
        "patient": {"reference": f"Patient/{ELDER}"},
        "dateTime": given,
        "provision": provision,
    }


def _actor(code: str) -> Doc:
    role = {"coding": [{"system": f"{HL7}/v3-ParticipationType", "code": "IRCP"}]}
    return {"role": role, "reference": {"reference": f"Organization/{code}"}}


def referral(state: str = "accepted", owner: str = CENTRE, *, status: str = "accepted", code: str = "referral") -> Doc:
    """Return the hand-over Task of the elder."""
    return {
        "resourceType": "Task",
        "id": f"{code}-{owner}",
        "status": status,
        "businessStatus": {"coding": [{"system": f"{CODES}/yy-business-status", "code": state}]},
        "code": {"coding": [{"system": f"{CODES}/yy-task-code", "code": code}]},
        "for": {"reference": f"Patient/{ELDER}"},
        "owner": {"reference": f"Organization/{owner}"},
    }


def care_plan(*stations: str, status: str = "active", key: str = "plan") -> Doc:
    """Return a plan whose activities ``stations`` perform (the station)."""
    performers = [{"reference": f"Organization/{code}"} for code in stations or (STATION,)]
    return {
        "resourceType": "CarePlan",
        "id": key,
        "status": status,
        "subject": {"reference": f"Patient/{ELDER}"},
        "activity": [{"detail": {"status": "scheduled", "performer": performers}}],
    }


def about(kind: str, key: str = "x", **more: Any) -> Doc:
    """Return a resource of ``kind`` about the elder."""
    element = "patient" if kind in ("AllergyIntolerance", "RelatedPerson", "Consent") else "subject"
    return {"resourceType": kind, "id": key, element: {"reference": f"Patient/{ELDER}"}, **more}
