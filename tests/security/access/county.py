"""A county made by a seed: elders with consents, referrals, plans and records of every sort, written by six places.

In: a seed and a number of elders. Out: `Item`s in the order of writing. Odd things are common on purpose: consents that
end, exclude, contradict or are withdrawn; plans that name their own writer; hand-overs that are held.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.security.town import (
    ALL_CLASSES,
    CENTRE,
    HOSPITAL,
    OTHER_CENTRE,
    OTHER_STATION,
    STATION,
    Doc,
    about,
    care_plan,
    consent,
    referral,
)

PLACES = (HOSPITAL, CENTRE, STATION, OTHER_CENTRE, OTHER_STATION)
COMMUNITY = PLACES[1:]
ICD = "http://hl7.org/fhir/sid/icd-10"
ICD_CODES = ("I10", "I10", "F20.0", "B24", "F01.9", "F01.9", "C34.1")
EXCLUDED = ({"code": "DEM"}, {"code": "DEM"}, {"code": "TUM"}, {"code": "TUM"}, {"display": "精神卫生记录"})
STATES = ("received", "accepted", "accepted", "in-care", "completed", "rejected", "awaiting-consent", "draft")
OF_ELDERS = (
    "Encounter", "Procedure", "Composition", "Condition", "AllergyIntolerance", "MedicationRequest",
    "MedicationStatement", "MedicationAdministration", "MedicationDispense", "Observation", "QuestionnaireResponse",
    "Flag", "Goal", "CareTeam", "DocumentReference", "Provenance", "DetectedIssue", "RelatedPerson", "Coverage",
)  # fmt: skip
DIRECTORY = ("Organization", "Location", "HealthcareService", "Practitioner", "PractitionerRole")
NOBODYS = ("Binary", "Provenance", "AuditEvent", "Medication", "DocumentReference")
_ABOUT = {"Coverage": "beneficiary", "Provenance": "target", "DetectedIssue": "patient"}


class Item(NamedTuple):
    """A resource and the organisations that wrote it."""

    doc: Doc
    writers: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Return kind and id."""
        return self.doc["resourceType"], self.doc["id"]


def county(seed: int, *, elders: int = 18) -> list[Item]:
    """Return the county of ``seed``: about 35 items an elder; the same for the same seed."""
    pick = random.Random(seed)  # noqa: S311 - a repeatable test, no secret
    made = [*_directory(pick)]
    for number in range(elders):
        made += _elder(pick, f"e{number}")
    return [*made, *_excluding("e-sure")]


def _excluding(elder: str) -> Iterator[Item]:
    """Yield an elder in care who excludes dementia from sharing: rare by chance, wanted in every county."""
    patient = {"reference": f"Patient/{elder}"}
    yield Item({"resourceType": "Patient", "id": elder}, (HOSPITAL,))
    given = consent(*COMMUNITY, excluded=[{"code": "DEM"}], number=f"C-{elder}")
    yield Item({**given, "patient": patient}, (HOSPITAL,))
    for owner in (CENTRE, OTHER_CENTRE):
        yield Item({**referral("accepted", owner), "id": f"t-{elder}-{owner}", "for": patient}, (HOSPITAL,))
    yield Item({**care_plan(STATION, OTHER_STATION), "id": f"p-{elder}", "subject": patient}, (CENTRE,))
    for kind in ("Condition", "Observation", "MedicationRequest"):
        for number, code in enumerate(("F01.9", "F01.9", "I10")):
            coded = {"coding": [{"system": ICD, "code": code}]}
            yield Item({**about(kind, f"{kind.lower()}-{elder}-{number}", code=coded), "subject": patient}, (HOSPITAL,))


def _directory(pick: random.Random) -> Iterator[Item]:
    for kind in (*DIRECTORY, *NOBODYS):
        for number, place in enumerate(PLACES):
            yield Item({"resourceType": kind, "id": f"{kind.lower()}-{number}"}, (place,))
    for number in range(4):
        team = {"resourceType": "CareTeam", "id": f"team-{number}", "status": "active"}
        member = {"reference": f"Organization/{pick.choice(COMMUNITY)}"}
        yield Item({**team, "participant": [{"member": member}]}, (pick.choice(PLACES),))


def _elder(pick: random.Random, elder: str) -> Iterator[Item]:
    yield Item({"resourceType": "Patient", "id": elder}, _writers(pick))
    for number in range(pick.choice((0, 1, 2, 2, 3))):
        yield Item(_consent(pick, elder, number), (pick.choice((HOSPITAL, HOSPITAL, CENTRE)),))
    for owner in COMMUNITY:
        if pick.random() < 0.7:
            yield Item(_task(pick, elder, owner), (HOSPITAL,))
        yield Item(_request(pick, elder, owner), (pick.choice(PLACES),))
    for number in range(pick.choice((0, 1, 2, 2))):
        yield Item(_plan(pick, elder, number), _writers(pick))
    for kind in OF_ELDERS:
        for number in range(pick.choice((1, 1, 2))):
            yield Item(_record(pick, kind, elder, number), _writers(pick, joint=kind == "RelatedPerson"))


def _writers(pick: random.Random, *, joint: bool = True) -> tuple[str, ...]:
    first = pick.choice((HOSPITAL, CENTRE, STATION, *PLACES))
    return tuple(sorted({first, pick.choice(PLACES)})) if joint and pick.random() < 0.3 else (first,)


def _consent(pick: random.Random, elder: str, number: int) -> Doc:
    doc = consent(
        *pick.sample(COMMUNITY, pick.choice((1, 2, 4, 4))),
        classes=pick.sample(ALL_CLASSES, pick.choice((1, 4, 6, 6, 6))),
        purposes=pick.choice((("TREAT", "CAREMGT"), ("TREAT", "CAREMGT"), ("TREAT",), ("CAREMGT",))),
        period=pick.choice((("2026-03-01", "2027-02-28"), ("2026-03-01", "2026-03-20"), ("2026-04", "2027"))),
        status=pick.choice(("active", "active", "active", "active", "inactive")),
        given=f"2026-03-0{pick.choice((1, 1, 2, 3))}T09:00:00+08:00",
        # Two consents may share a number: then the later signature holds.
        number=f"C-{elder}-{pick.choice((0, number))}",
    )
    inner = pick.choice(((), (), _exclusion(pick), _exclusion(pick), _denied_classes(pick), _narrower(pick)))
    if inner:
        doc["provision"]["provision"] = list(inner)
    return {**doc, "id": f"c-{elder}-{number}", "patient": {"reference": f"Patient/{elder}"}}


def _exclusion(pick: random.Random) -> tuple[Doc, ...]:
    named = pick.choice((*EXCLUDED, {"code": "what-is-this"}))
    return ({"type": "deny", "securityLabel": [named]},)


def _denied_classes(pick: random.Random) -> tuple[Doc, ...]:
    return ({"type": "deny", "class": _classes(pick)},)


def _narrower(pick: random.Random) -> tuple[Doc, ...]:
    period = {"start": "2026-03-01", "end": "2028-01-01"}
    return ({"type": "permit", "class": _classes(pick), "period": period},)


def _classes(pick: random.Random) -> list[Doc]:
    system = "https://yiyang-gateway.example/fhir/CodeSystem/yy-data-class"
    return [{"system": system, "code": code} for code in pick.sample(ALL_CLASSES, 2)]


def _task(pick: random.Random, elder: str, owner: str) -> Doc:
    state = pick.choice(STATES)
    status = {"rejected": "rejected", "draft": "draft", "awaiting-consent": "on-hold"}.get(state, "accepted")
    code = pick.choice(("referral", "referral", "referral", "follow-up"))
    task = referral(state, owner, status=status, code=code)
    return {**task, "id": f"t-{elder}-{owner}", "for": {"reference": f"Patient/{elder}"}}


def _request(pick: random.Random, elder: str, performer: str) -> Doc:
    named = [{"reference": f"Organization/{performer}"}]
    found = {"resourceType": "ServiceRequest", "id": f"s-{elder}-{performer}", "performer": named}
    return {**found, "status": pick.choice(("active", "active", "draft")), "subject": {"reference": f"Patient/{elder}"}}


def _plan(pick: random.Random, elder: str, number: int) -> Doc:
    plan = care_plan(*pick.sample(COMMUNITY, pick.choice((1, 2))), status=pick.choice(("active", "active", "revoked")))
    if pick.random() < 0.3:  # named through a team that is stored, or contained
        del plan["activity"]
        plan["careTeam"] = [{"reference": f"CareTeam/team-{pick.randrange(4)}"}]
    elif pick.random() < 0.3:
        member = {"reference": f"Organization/{pick.choice(COMMUNITY)}"}
        plan["contained"] = [{"resourceType": "CareTeam", "id": "t", "participant": [{"member": member}]}]
    return {**plan, "id": f"p-{elder}-{number}", "subject": {"reference": f"Patient/{elder}"}}


def _record(pick: random.Random, kind: str, elder: str, number: int) -> Doc:
    doc: dict[str, Any] = {**about(kind), "id": f"{kind.lower()}-{elder}-{number}"}
    for name in ("subject", "patient"):
        doc.pop(name, None)
    patient = {"reference": f"Patient/{elder}"}
    element = _ABOUT.get(kind, "patient" if kind in ("AllergyIntolerance", "RelatedPerson") else "subject")
    doc[element] = [patient] if kind == "Provenance" else patient
    if kind == "Flag":
        doc["code"] = {"text": pick.choice(("跌倒风险", "欠费"))}
    elif kind not in ("RelatedPerson", "DocumentReference", "Provenance", "DetectedIssue", "Coverage"):
        doc["code"] = {"coding": [{"system": ICD, "code": pick.choice(ICD_CODES)}]}
    return doc
