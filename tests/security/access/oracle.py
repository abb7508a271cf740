"""Who may what, written down once more and as plainly as can be, to hold the policies against.

Nothing here is shared with the policies: the sentences are those of the rules of the story and of security.md §3.4.
"""

from __future__ import annotations

from security.access.question import Question

CLINICIANS = ("centre-doctor", "centre-nurse", "station-doctor")
DOCTORS = ("centre-doctor", "station-doctor")
CARER = "station-carer"
CARE = CLINICIANS + (CARER,)  # noqa: RUF005 - reads as it is meant
SHARED = ("DEMOGRAPHIC", "DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN", "SAFETY")
WRITTEN = ("DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN", "SAFETY")
CARER_CARES_WITH = (
    "Patient", "RelatedPerson", "CarePlan", "Goal", "CareTeam", "Flag", "AllergyIntolerance", "Observation",
    "MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense",
)  # fmt: skip
CARER_OWN = (*CARER_CARES_WITH, "Task", "ServiceRequest", "Medication")


def allowed(q: Question) -> bool:
    """Tell whether the story allows it."""
    return not _forbidden(q) and (_may_read(q) or _may_write(q) or _may_hand_in(q) or _inner(q))


def _forbidden(q: Question) -> bool:
    if not q.scoped:
        return True
    if q.role == CARER and q.purpose != "CAREMGT":
        return True
    if q.role in CLINICIANS and q.purpose != "TREAT":
        return True
    if q.own or q.role == "system":
        return False
    return q.klass == "ORIGINAL" or q.level >= 5 or q.level > q.clearance or q.excluded


def _may_read(q: Question) -> bool:
    if q.role == "auditor":
        return q.kind == "AuditEvent" and q.action in ("read", "vread", "search", "history", "audit")
    if q.action not in ("read", "vread", "search", "history") or q.role not in CARE:
        return False
    return _reads_own(q) or _reads_in_care(q) or _reads_handed(q) or (q.klass == "DIRECTORY" and q.level <= 2)


def _reads_own(q: Question) -> bool:
    if not q.own:
        return False
    return q.kind in CARER_OWN if q.role == CARER else q.kind != "AuditEvent"


def _reads_in_care(q: Question) -> bool:
    if not (q.related and q.consented):
        return False
    return q.kind in CARER_CARES_WITH if q.role == CARER else q.klass in SHARED


def _reads_handed(q: Question) -> bool:
    if not (q.handed and q.consented):
        return False
    if q.klass == "CONSENT":
        return q.related and q.role != CARER
    return q.klass == "HANDOVER"


def _may_write(q: Question) -> bool:
    if q.role not in CARE:
        return False
    if q.action == "update" and q.kind == "Task" and q.handed and q.consented:
        return True
    own_record = q.own and q.mayWrite and q.klass in WRITTEN
    if q.action in ("create", "update"):
        return own_record and q.role != CARER
    return q.action == "delete" and own_record and q.role in DOCTORS


def _may_hand_in(q: Question) -> bool:
    pipeline = q.role == "system" and q.actor == "pipeline"
    if q.action != "ingest" or not q.own:
        return False
    if q.tier == "H":
        return (q.role == "hisfeed" or pipeline) and q.kind != "AuditEvent"
    if q.tier not in ("C", "S") or not (pipeline or q.role in CLINICIANS):
        return False
    if q.klass == "DIRECTORY" or (pipeline and not q.elderly and q.klass in ("ORIGINAL", "PROVENANCE")):
        return True
    return q.mayWrite and q.klass != "CONSENT" and q.kind != "AuditEvent"


def _inner(q: Question) -> bool:
    if q.role != "system":
        return False
    reading = q.action in ("read", "vread", "search", "history")
    writing = q.action in ("create", "update", "ingest")
    match q.actor:
        case "pipeline":
            return reading and q.kind != "AuditEvent"
        case "workflow":
            kept = q.kind in ("Task", "ServiceRequest", "Flag", "Provenance")
            return (reading and q.kind != "AuditEvent") or (writing and kept)
        case "app" | "cli":
            looks = (reading or q.action == "audit") and (q.klass == "DIRECTORY" or q.kind == "AuditEvent")
            return looks or (writing and q.klass == "DIRECTORY")
        case _:
            return False
