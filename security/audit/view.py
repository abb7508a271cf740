"""Render an entry as R4 AuditEvent in the shape of IHE BALP 1.1.5, when somebody reads it.

Refusals keep the shape of their interaction but claim no profile: BALP has none for failures, and its AuthZconsent
cannot say "denied, no consent on file" (security.md section 5, traps a and e).
Source: IHE ITI BasicAudit; FHIR R4 auditevent.html; RFC 9068 for the jti.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any, NamedTuple

from security.audit.record import SUCCESS, Entry
from security.audit.writer import EPOCH

BALP = "https://profiles.ihe.net/ITI/BALP"
_TERM = "http://terminology.hl7.org/CodeSystem"
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_BASE = "https://yiyang-gateway.example/fhir"
Json = dict[str, Any]


def _coding(system: str, code: str, display: str = "") -> Json:
    return {"system": system, "code": code, **({"display": display} if display else {})}


_APPLICATION = _coding(_DCM, "110150", "Application")
_DESTINATION = _coding(_DCM, "110152", "Destination Role ID")
_SOURCE = _coding(_DCM, "110153", "Source Role ID")
_CUSTODIAN = _coding(f"{_TERM}/provenance-participant-type", "custodian", "Custodian")
_REST = _coding(f"{_TERM}/audit-event-type", "rest", "RESTful Operation")
_USER_READS = _coding(f"{_TERM}/v3-ParticipationType", "IRCP", "information recipient")
_USER_WRITES = _coding(f"{_TERM}/v3-ParticipationType", "AUT", "author (originator)")


class Shape(NamedTuple):
    """How BALP draws one interaction: profile, AuditEvent.action, and the types of client, server and user."""

    profile: str
    action: str
    client: Json
    server: Json
    user: Json


_READ = Shape("Read", "R", _DESTINATION, _SOURCE, _USER_READS)
_QUERY = Shape("Query", "E", _SOURCE, _DESTINATION, _USER_READS)
_SHAPES = {
    "read": _READ,
    "vread": _READ,
    "history": _READ,
    "search": _QUERY,
    "create": Shape("Create", "C", _SOURCE, _DESTINATION, _USER_WRITES),
    "update": Shape("Update", "U", _SOURCE, _DESTINATION, _USER_WRITES),
    "delete": Shape("Delete", "D", _APPLICATION, _CUSTODIAN, _USER_WRITES),
}
# What BALP does not know is executed by the client at the server.
_OTHER = Shape("", "E", _SOURCE, _DESTINATION, _USER_READS)
# type and subtype of what is no REST interaction (DICOM PS3.16 CID 400).
_TYPES = {
    "token": _coding(_DCM, "110114", "User Authentication"),
    "login": _coding(_DCM, "110114", "User Authentication"),
    "start": _coding(_DCM, "110120", "Application Start"),
    "stop": _coding(_DCM, "110121", "Application Stop"),
    "export": _coding(_DCM, "110106", "Export"),
    "ingest": _coding(_DCM, "110107", "Import"),
    "refuse": _coding(_DCM, "110107", "Import"),
    "replay": _coding(_DCM, "110107", "Import"),
    "admin": _coding(_DCM, "110113", "Security Alert"),
    "unreadable": _coding(_DCM, "110113", "Security Alert"),
}
# BALP leaves history out of its Read profile; vread belongs to it.
_PROFILED = frozenset({"read", "vread", "search", "create", "update", "delete"})


def render(entry: Entry, *, observer: str = "yiyang-gateway") -> Json:
    """Return the AuditEvent of ``entry`` as seen by the gateway ``observer``; its logical id is the entry's."""
    shape = _SHAPES.get(entry.action, _OTHER)
    made = {
        "resourceType": "AuditEvent",
        "id": entry.event,
        "meta": _meta(entry, shape),
        "type": _TYPES.get(entry.action, _REST),
        "subtype": [_subtype(entry)],
        "action": shape.action,
        "recorded": recorded(entry),
        "outcome": str(entry.outcome),
        "outcomeDesc": _outcome(entry),
        "purposeOfEvent": _purpose(entry),
        "agent": _agents(entry, shape, observer),
        "source": {
            "observer": {"identifier": {"value": observer}},
            "type": [_coding(f"{_TERM}/security-source-type", "4", "Application Server")],
        },
        "entity": _entities(entry),
    }
    return {name: value for name, value in made.items() if value}


def recorded(entry: Entry) -> str:
    """Return the entry's instant, in UTC with microseconds."""
    return (EPOCH + timedelta(microseconds=entry.at)).isoformat(timespec="microseconds")


def _meta(entry: Entry, shape: Shape) -> Json:
    if entry.outcome != SUCCESS or entry.action not in _PROFILED or not entry.client:
        return {}
    if shape is not _QUERY and not entry.entity:
        return {}
    patient = "Patient" if entry.elder else ""
    return {"profile": [f"{BALP}/StructureDefinition/IHE.BasicAudit.{patient}{shape.profile}"]}


def _subtype(entry: Entry) -> Json:
    if entry.action in _TYPES:
        return _coding(f"{_BASE}/CodeSystem/yy-audit-action", entry.action)
    codes = {"search": "search-type", "history": "history-instance", "validate": "operation"}
    return _coding("http://hl7.org/fhir/restful-interaction", codes.get(entry.action, entry.action))


def _outcome(entry: Entry) -> str:
    parts = (("reasons", " ".join(entry.reasons)), ("rule", entry.rule))
    return "; ".join(f"{name} {text}" for name, text in parts if text)


def _purpose(entry: Entry) -> list[Json]:
    return [{"coding": [_coding(f"{_TERM}/v3-ActReason", entry.purpose)]}] if entry.purpose else []


def _agents(entry: Entry, shape: Shape, observer: str) -> list[Json]:
    network = {"address": entry.address or "unknown", "type": "2" if entry.address else "5"}
    client = {
        "type": {"coding": [shape.client]},
        "who": {"identifier": {"value": entry.client or "unknown"}},
        "requestor": not entry.role,
        "network": network,
    }
    server = {
        "type": {"coding": [shape.server]},
        "who": {"identifier": {"value": observer}},
        "requestor": False,
        "network": {"address": observer, "type": "1"},
    }
    return [client, server, *([_user(entry, shape)] if entry.role else [])]


def _user(entry: Entry, shape: Shape) -> Json:
    """The party that acted: the role at its organisation, with the policies that decided."""
    policies = (
        f"urn:ietf:params:oauth:jti:{entry.token}" if entry.token else "",
        f"{_BASE}/policy/{entry.rule}" if entry.rule else "",
        f"urn:sha256:{entry.policy}" if entry.policy else "",
        f"{_BASE}/Consent/{entry.consent}" if entry.consent else "",
    )
    user: Json = {
        "type": {"coding": [shape.user]},
        "role": [{"coding": [_coding(f"{_BASE}/CodeSystem/yy-role", entry.role)]}],
        "who": _organisation(entry),
        "requestor": True,
        "policy": [policy for policy in policies if policy],
        "purposeOfUse": _purpose(entry),
    }
    return {name: value for name, value in user.items() if value not in ([], None)}


def _organisation(entry: Entry) -> Json:
    if entry.organisation:
        return {"reference": f"Organization/{entry.organisation}"}
    return {"identifier": {"value": entry.client}}


def _entities(entry: Entry) -> list[Json]:
    found = (_query(entry), _data(entry), _patient(entry), _request(entry))
    return [entity for entity in found if entity]


def _query(entry: Entry) -> Json:
    """The search, blinded: BALP's raw request would put identifiers into the journal (AUD-09)."""
    if entry.action != "search":
        return {}
    request = f"{entry.kind}?{entry.query}"
    return {
        "type": _coding(f"{_TERM}/audit-entity-type", "2", "System Object"),
        "role": _coding(f"{_TERM}/object-role", "24", "Query"),
        "description": request,
        "query": base64.b64encode(request.encode()).decode(),
    }


def _data(entry: Entry) -> Json:
    if not entry.entity:
        return {}
    version = f"/_history/{entry.version}" if entry.version else ""
    data: Json = {
        "what": {"reference": f"{entry.entity}{version}"},
        "type": _coding(f"{_TERM}/audit-entity-type", "2", "System Object"),
        "role": _coding(f"{_TERM}/object-role", "4", "Domain Resource"),
    }
    if entry.level:
        data["securityLabel"] = [_coding(f"{_BASE}/CodeSystem/yy-data-level", f"L{entry.level}")]
    return data


def _patient(entry: Entry) -> Json:
    if not entry.elder:
        return {}
    return {
        "what": {"reference": f"Patient/{entry.elder}"},
        "type": _coding(f"{_TERM}/audit-entity-type", "1", "Person"),
        "role": _coding(f"{_TERM}/object-role", "1", "Patient"),
    }


def _request(entry: Entry) -> Json:
    if not (entry.request or entry.interface):
        return {}
    asked: Json = {"type": _coding(f"{BALP}/CodeSystem/BasicAuditEntityType", "XrequestId")}
    if entry.request:
        asked["what"] = {"identifier": {"value": entry.request}}
    if entry.interface:
        asked["detail"] = [{"type": "interface", "valueString": entry.interface}]
    return asked
