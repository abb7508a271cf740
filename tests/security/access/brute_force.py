"""Who may what, once more: a plain reading of the rules over the whole set of documents, one sentence after the other.

Shares no code with the product: reads consents, referrals, plans and codes itself, keeps nothing, and is slow. In: all
documents with their writers. Out: the keys that a caller may reach by an interaction at a moment. Source: issue, story;
security.md sections 3.4, 3.5, 4; docs/decisions/0040 to 0042.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

Doc = dict[str, Any]
Key = tuple[str, str]
CHINA = timezone(timedelta(hours=8))
READING = ("read", "vread", "search", "history")
DOCTORS = ("centre-doctor", "station-doctor")
CLINICIANS = ("centre-doctor", "centre-nurse", "station-doctor")
CARER = "station-carer"
CLASS_OF = {
    "Patient": "DEMOGRAPHIC", "RelatedPerson": "DEMOGRAPHIC", "Encounter": "DISCHARGE_SUMMARY",
    "Procedure": "DISCHARGE_SUMMARY", "Composition": "DISCHARGE_SUMMARY", "Condition": "DIAGNOSIS",
    "AllergyIntolerance": "SAFETY", "Medication": "MEDICATION", "MedicationRequest": "MEDICATION",
    "MedicationStatement": "MEDICATION", "MedicationAdministration": "MEDICATION",
    "MedicationDispense": "MEDICATION", "Observation": "NURSING", "QuestionnaireResponse": "NURSING",
    "Flag": "NURSING", "CarePlan": "CARE_PLAN", "Goal": "CARE_PLAN", "CareTeam": "CARE_PLAN", "Task": "HANDOVER",
    "ServiceRequest": "HANDOVER", "Consent": "CONSENT", "Organization": "DIRECTORY", "Location": "DIRECTORY",
    "HealthcareService": "DIRECTORY", "Practitioner": "DIRECTORY", "PractitionerRole": "DIRECTORY",
    "DocumentReference": "ORIGINAL", "Binary": "ORIGINAL", "Provenance": "PROVENANCE", "AuditEvent": "AUDIT",
}  # fmt: skip
LEVEL_OF = {"Organization": 1, "Location": 1, "HealthcareService": 1, "Practitioner": 3, "PractitionerRole": 3}
SHARED = ("DEMOGRAPHIC", "DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN")
RECORDS = ("DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN", "SAFETY")
CARER_IN_CARE = (
    "Patient", "RelatedPerson", "CarePlan", "Goal", "CareTeam", "Flag", "AllergyIntolerance", "Observation",
    "MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense",
)  # fmt: skip
SENSITIVE = {"F20": ("PSY", 5), "B24": ("HIV", 5), "F01": ("DEM", 4), "C34": ("TUM", 4)}
ACCEPTED = (
    "accepted", "scheduled", "in-transit", "arrived", "treated", "in-care", "unattended", "no-show", "completed",
)  # fmt: skip
EXCLUSIONS = {"DEM": "DEM", "TUM": "TUM", "PSY": "PSY", "HIV": "HIV", "精神卫生记录": "PSY"}


@dataclass(frozen=True)
class Who:
    """Who asks, in plain words."""

    role: str
    organisation: str
    tier: str
    purpose: str
    actor: str = ""
    scopes: tuple[str, ...] = ()
    clearance: int = 4


class World:
    """All documents with their writers."""

    def __init__(self, items: Iterable[tuple[Doc, Sequence[str]]]) -> None:
        """Sort the documents by elder; nothing is concluded yet."""
        self.all: dict[Key, tuple[Doc, Sequence[str]]] = {}
        for doc, writers in items:
            self.all[doc["resourceType"], doc["id"]] = (doc, writers)
        self.of: dict[str, list[tuple[Doc, Sequence[str]]]] = defaultdict(list)
        for doc, writers in self.all.values():
            self.of[elder_of(doc)].append((doc, writers))

    def reached(self, who: Who, action: str, moment: datetime) -> set[Key]:
        """Return everything that ``who`` may do ``action`` on at ``moment``."""
        standing: dict[str, Standing] = {}
        found = set()
        for key, (doc, writers) in self.all.items():
            elder = elder_of(doc)
            if elder not in standing:
                standing[elder] = self.standing(who, elder, moment)
            if may(who, action, doc, writers, standing[elder]):
                found.add(key)
        return found

    def standing(self, who: Who, elder: str, moment: datetime) -> Standing:
        """Return what consent and relation give ``who`` towards ``elder``."""
        if not elder:
            return Standing(set(), set(), reads=False, writes=False)
        any_purpose, classes, excluded = self._consented(who, elder, moment)
        received, accepted = self._referred(who.organisation, elder)
        planned = self._planned(who.organisation, elder)
        at_centre = who.tier in ("H", "C")
        reads = any_purpose and ((at_centre and received) or (who.tier == "S" and planned))
        writes = any_purpose and ((at_centre and accepted) or (who.tier == "S" and planned))
        return Standing(classes, excluded, reads=reads, writes=writes)

    def _consented(self, who: Who, elder: str, moment: datetime) -> tuple[bool, set[str], set[str]]:
        consents = [(doc, writers) for doc, writers in self.of[elder] if doc["resourceType"] == "Consent"]
        any_purpose, classes, excluded = False, set(), set()
        for doc, writers in consents:
            if any(_later(other, doc) and _same_number(other, by, doc, writers) for other, by in consents):
                continue
            for purpose, granted, withheld in _grants(doc, who.organisation, moment):
                any_purpose = True
                if purpose == who.purpose:
                    classes |= granted | {"SAFETY", "HANDOVER", "CONSENT"}
                    excluded |= withheld
        return any_purpose, classes, excluded

    def _referred(self, organisation: str, elder: str) -> tuple[bool, bool]:
        received = accepted = False
        for doc, _ in self.of[elder]:
            if doc["resourceType"] != "Task" or doc["owner"]["reference"] != f"Organization/{organisation}":
                continue
            if doc["code"]["coding"][0]["code"] != "referral":
                continue
            if doc["status"] in ("draft", "rejected", "cancelled", "failed", "entered-in-error"):
                continue
            state = doc["businessStatus"]["coding"][0]["code"]
            accepted |= state in ACCEPTED
            received |= state in (*ACCEPTED, "received")
        return received, accepted

    def _planned(self, organisation: str, elder: str) -> bool:
        """Nobody gives a relation to oneself: a plan that it wrote alone names it in vain."""
        wanted = f"Organization/{organisation}"
        for doc, writers in self.of[elder]:
            if doc["resourceType"] == "CarePlan" and doc["status"] == "active" and list(writers) != [organisation]:
                named = set(_performers(doc))
                for team in (*doc.get("contained", ()), *self._teams(doc)):
                    named |= {each["member"]["reference"] for each in team.get("participant", ())}
                if wanted in named:
                    return True
        return False

    def _teams(self, plan: Doc) -> list[Doc]:
        keys = [tuple(each["reference"].split("/")) for each in plan.get("careTeam", ())]
        return [self.all[key][0] for key in keys if key in self.all]  # type: ignore[index]


@dataclass(frozen=True)
class Standing:
    """The classes consented to for the purpose, the labels excluded, and whether the relation reads and writes."""

    classes: set[str]
    excluded: set[str]
    reads: bool
    writes: bool


def may(who: Who, action: str, doc: Doc, writers: Sequence[str], standing: Standing) -> bool:
    """Tell whether ``who`` may do ``action`` on ``doc``."""
    inner = who.role == "system"
    own = who.organisation in writers
    if not inner and not _scoped(who.scopes, action, doc["resourceType"]):
        return False
    if who.role == CARER and who.purpose != "CAREMGT":
        return False
    if who.role in CLINICIANS and who.purpose != "TREAT":
        return False
    if not own and not inner:
        labels, level = _sensitivity(doc)
        if class_of(doc) == "ORIGINAL" or level >= 5 or level > who.clearance or labels & standing.excluded:
            return False
    if inner:
        return _inner(who, action, doc, standing, own=own)
    if who.role == "auditor":
        return doc["resourceType"] == "AuditEvent" and action in (*READING, "audit")
    if action in READING:
        return _reads(who, doc, standing, own=own)
    return _writes(who, action, doc, standing, own=own)


def _reads(who: Who, doc: Doc, standing: Standing, *, own: bool) -> bool:
    kind, klass = doc["resourceType"], class_of(doc)
    if who.role not in (*CLINICIANS, CARER):
        return False
    if own and who.role in CLINICIANS and kind != "AuditEvent":
        return True
    if own and who.role == CARER and kind in (*CARER_IN_CARE, "Task", "ServiceRequest", "Medication"):
        return True
    in_care = standing.reads and klass in standing.classes
    if in_care and who.role in CLINICIANS and klass in (*SHARED, "SAFETY"):
        return True
    if in_care and who.role == CARER and kind in CARER_IN_CARE:
        return True
    handed = who.organisation in _handed(doc)
    if handed and klass == "HANDOVER" and klass in standing.classes:
        return True
    if handed and klass == "CONSENT" and in_care and who.role in CLINICIANS:
        return True
    return klass == "DIRECTORY" and _sensitivity(doc)[1] <= 2


def _writes(who: Who, action: str, doc: Doc, standing: Standing, *, own: bool) -> bool:
    klass = class_of(doc)
    if action == "ingest":
        return _hands_in(who, doc, standing, own=own, clinical=who.role in CLINICIANS)
    if who.role not in (*CLINICIANS, CARER):
        return False
    handed = who.organisation in _handed(doc)
    if action == "update" and doc["resourceType"] == "Task" and handed and "HANDOVER" in standing.classes:
        return True
    mine = own and standing.writes and klass in RECORDS
    if action in ("create", "update"):
        return mine and who.role in CLINICIANS
    return action == "delete" and mine and who.role in DOCTORS


def _hands_in(who: Who, doc: Doc, standing: Standing, *, own: bool, clinical: bool) -> bool:
    kind, klass, pipeline = doc["resourceType"], class_of(doc), who.actor == "pipeline"
    if not own:
        return False
    if who.tier == "H":
        return (who.role == "hisfeed" or pipeline) and kind != "AuditEvent"
    if who.tier not in ("C", "S") or not (pipeline or clinical):
        return False
    if klass == "DIRECTORY":
        return True
    if pipeline and not elder_of(doc) and klass in ("ORIGINAL", "PROVENANCE"):
        return True
    return standing.writes and klass != "CONSENT" and kind != "AuditEvent"


def _inner(who: Who, action: str, doc: Doc, standing: Standing, *, own: bool) -> bool:
    kind, klass = doc["resourceType"], class_of(doc)
    writing = ("create", "update", "ingest")
    if who.actor == "pipeline":
        if action == "ingest":
            return _hands_in(who, doc, standing, own=own, clinical=False)
        return action in READING and kind != "AuditEvent"
    if who.actor == "workflow":
        kept = kind in ("Task", "ServiceRequest", "Flag", "Provenance")
        return (action in READING and kind != "AuditEvent") or (action in writing and kept)
    if who.actor in ("app", "cli"):
        looks = action in (*READING, "audit") and (klass == "DIRECTORY" or kind == "AuditEvent")
        return looks or (action in writing and klass == "DIRECTORY")
    return False


def elder_of(doc: Doc) -> str:
    """Return whom ``doc`` is about."""
    if doc["resourceType"] == "Patient":
        return str(doc["id"])
    for name in ("subject", "patient", "for", "beneficiary", "target"):
        if name in doc:
            node = doc[name][0] if isinstance(doc[name], list) else doc[name]
            return str(node["reference"].removeprefix("Patient/"))
    return ""


def class_of(doc: Doc) -> str:
    """Return the class of data that is consented to."""
    if doc["resourceType"] == "Flag" and "跌倒" in doc.get("code", {}).get("text", ""):
        return "SAFETY"
    return CLASS_OF.get(doc["resourceType"], "OTHER")


def _sensitivity(doc: Doc) -> tuple[set[str], int]:
    """Return labels and level; what keeps somebody safe carries none."""
    base = LEVEL_OF.get(doc["resourceType"], 4)
    if doc["resourceType"] == "AllergyIntolerance":
        return set(), base
    codings = doc.get("code", {}).get("coding", ())
    found = [SENSITIVE[each["code"][:3]] for each in codings if each["code"][:3] in SENSITIVE]
    return {label for label, _ in found}, max([base, *(level for _, level in found)])


def _handed(doc: Doc) -> set[str]:
    """Return to whom ``doc`` is handed over; a held one is to nobody."""
    kind = doc["resourceType"]
    named: list[Doc] = []
    if kind == "Task":
        held = doc["businessStatus"]["coding"][0]["code"] in ("awaiting-consent", "draft") or doc["status"] == "draft"
        named = [] if held else [doc["owner"]]
    elif kind == "ServiceRequest" and doc["status"] != "draft":
        named = doc["performer"]
    elif kind == "Consent" and doc["status"] == "active":
        named = [actor["reference"] for actor in doc["provision"]["actor"]]
    return {each["reference"].removeprefix("Organization/") for each in named}


def _performers(plan: Doc) -> list[str]:
    activities = plan.get("activity", ())
    return [each["reference"] for activity in activities for each in activity["detail"]["performer"]]


def _scoped(scopes: Sequence[str], action: str, kind: str) -> bool:
    if action == "ingest":
        return any(scope.startswith("intake/") for scope in scopes)
    wanted = {"create": "c", "update": "u", "delete": "d", "search": "s", "audit": "rs"}.get(action, "r")
    return all(
        any(letter in scope.split(".")[1] and scope.split(".")[0] in ("system/*", f"system/{kind}") for scope in scopes)
        for letter in wanted
    )


def _later(one: Doc, other: Doc) -> bool:
    """The latest signature holds, of equal ones the withdrawal, of equal permissions that with the greater id."""
    return _signature(one) > _signature(other)


def _signature(doc: Doc) -> tuple[str, bool, str]:
    return doc["dateTime"], doc["status"] != "active", doc["id"]


def _same_number(one: Doc, by: Sequence[str], other: Doc, writers: Sequence[str]) -> bool:
    return one["identifier"][0]["value"] == other["identifier"][0]["value"] and list(by) == list(writers)


def _grants(doc: Doc, organisation: str, moment: datetime) -> list[tuple[str, set[str], set[str]]]:
    """Return (purpose, classes, excluded labels) of what ``doc`` grants ``organisation`` at ``moment``."""
    if doc["status"] != "active":
        return []
    top = doc["provision"]
    if f"Organization/{organisation}" not in [actor["reference"]["reference"] for actor in top["actor"]]:
        return []
    inner = top.get("provision", ())
    found = []
    for part in (top, *(each for each in inner if each["type"] == "permit")):
        if not _within(part["period"], moment):
            continue
        classes, excluded = {each["code"] for each in part["class"]}, set()
        for deny in (each for each in inner if each["type"] == "deny"):
            classes -= {each["code"] for each in deny.get("class", ())}
            for label in deny.get("securityLabel", ()):
                word = label.get("code") or label.get("display")
                if word in EXCLUSIONS:
                    excluded.add(EXCLUSIONS[word])
                else:  # an exclusion that is not understood takes everything away
                    classes = set()
        if classes:
            found += [(each["code"], classes, excluded) for each in top["purpose"]]
    return found


def _within(period: Doc, moment: datetime) -> bool:
    """Tell whether ``moment`` is in the period, whose last day, month or year counts whole, in China."""
    here = moment.astimezone(CHINA).date().isoformat()
    start, end = period["start"], period["end"]
    return start <= here[: len(start)] and here[: len(end)] <= end
