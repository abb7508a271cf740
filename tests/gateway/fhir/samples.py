"""One good resource of every type on the path of a discharge, fictional, in the manner of our maps."""

import copy
from typing import Any

Json = dict[str, Any]

ELDER = {"reference": "Patient/e1"}
HOSPITAL = {"reference": "Organization/h1", "display": "示范县人民医院"}
DOCTOR = {"reference": "Practitioner/d1"}
TERMS = "http://terminology.hl7.org/CodeSystem"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p class="x">出院 <b>小结</b></p><img src="#pic" alt="图"/></div>'


def coded(system: str, code: str, text: str = "") -> Json:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


GOOD: dict[str, Json] = {
    "Patient": {
        "resourceType": "Patient",
        "id": "e1",
        "meta": {"versionId": "1", "lastUpdated": "2026-03-04T08:15:30.123+08:00"},
        "text": {"status": "generated", "div": DIV},
        "extension": [{"url": "https://x.example/ethnic", "valueCoding": {"system": "urn:oid:1.2.3", "code": "01"}}],
        "identifier": [
            {"system": "urn:oid:2.16.156.10011.1.3", "value": "410199194303051027", "period": {"start": "2010"}}
        ],
        "active": True,
        "name": [{"use": "official", "text": "王示兰", "family": "王", "given": ["示兰"]}],
        "telecom": [{"system": "phone", "value": "13800000001", "rank": 1}],
        "gender": "female",
        "_gender": {"extension": [{"url": "https://x.example/source-code", "valueString": "2"}]},
        "birthDate": "1943-03-05",
        "deceasedBoolean": False,
        "address": [{"use": "home", "line": ["示范路8号"], "_line": [{"id": "l1"}], "country": "CN"}],
        "maritalStatus": coded(f"{TERMS}/v3-MaritalStatus", "W"),
        "contact": [{"name": {"text": "李示"}, "relationship": [{"text": "女儿"}]}],
        "managingOrganization": HOSPITAL,
    },
    "RelatedPerson": {
        "resourceType": "RelatedPerson",
        "id": "r1",
        "patient": ELDER,
        "relationship": [{"text": "女儿"}],
        "name": [{"text": "李示"}],
    },
    "Encounter": {
        "resourceType": "Encounter",
        "id": "n1",
        "status": "finished",
        "class": {"system": f"{TERMS}/v3-ActCode", "code": "IMP"},
        "subject": ELDER,
        "period": {"start": "2026-03-04T08:00:00+08:00", "end": "2026-03-12T16:00:00+08:00"},
        "hospitalization": {"dischargeDisposition": {"text": "转社区"}},
        "serviceProvider": HOSPITAL,
    },
    "Condition": {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": coded(f"{TERMS}/condition-clinical", "active"),
        "verificationStatus": coded(f"{TERMS}/condition-ver-status", "confirmed"),
        "code": coded("urn:oid:2.16.156.10011.2.3.3.11", "I50.900x007", "心力衰竭"),
        "subject": ELDER,
        "evidence": [{"code": [{"text": "活动后气促"}]}],
        "stage": [{"summary": {"text": "心功能III级"}}],
    },
    "Procedure": {
        "resourceType": "Procedure",
        "id": "p1",
        "status": "completed",
        "code": {"text": "胸腔穿刺"},
        "subject": ELDER,
        "performedDateTime": "2026-03-05",
    },
    "Observation": {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": coded("http://loinc.org", "85354-9"),
        "subject": ELDER,
        "effectiveDateTime": "2026-03-06T07:45:00+08:00",
        "component": [
            {
                "code": coded("http://loinc.org", "8480-6"),
                "valueQuantity": {
                    "value": 152,
                    "unit": "mmHg",
                    "system": "http://unitsofmeasure.org",
                    "code": "mm[Hg]",
                },
            }
        ],
        "referenceRange": [{"high": {"value": 140}}],
    },
    "AllergyIntolerance": {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "clinicalStatus": coded(f"{TERMS}/allergyintolerance-clinical", "active"),
        "verificationStatus": coded(f"{TERMS}/allergyintolerance-verification", "confirmed"),
        "code": {"text": "青霉素"},
        "patient": ELDER,
    },
    "MedicationRequest": {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "contained": [{"resourceType": "Medication", "id": "med", "code": {"text": "呋塞米片"}}],
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "#med"},
        "subject": ELDER,
        "dosageInstruction": [
            {
                "text": "20mg 每日一次",
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseRange": {"low": {"value": 20}, "high": {"value": 40}}}],
            }
        ],
    },
    "MedicationStatement": {
        "resourceType": "MedicationStatement",
        "id": "s1",
        "status": "active",
        "medicationCodeableConcept": {"text": "自带药"},
        "subject": ELDER,
    },
    "Composition": {
        "resourceType": "Composition",
        "id": "k1",
        "status": "final",
        "type": coded("http://loinc.org", "18842-5"),
        "subject": ELDER,
        "date": "2026-03-12",
        "author": [HOSPITAL],
        "title": "出院小结",
        "section": [{"title": "诊疗经过", "entry": [{"reference": "Condition/c1"}]}],
    },
    "Consent": {
        "resourceType": "Consent",
        "id": "g1",
        "status": "active",
        "scope": coded(f"{TERMS}/consentscope", "patient-privacy"),
        "category": [{"text": "共享"}],
        "patient": ELDER,
        "dateTime": "2026-03-12",
        "policyRule": {"text": "共享告知同意"},
        "provision": {"type": "permit", "period": {"start": "2026-03-12", "end": "2027-03-11"}},
    },
    "CarePlan": {
        "resourceType": "CarePlan",
        "id": "q1",
        "status": "active",
        "intent": "plan",
        "subject": ELDER,
        "activity": [
            {
                "detail": {
                    "status": "scheduled",
                    "scheduledTiming": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "wk"}},
                }
            }
        ],
    },
    "CareTeam": {
        "resourceType": "CareTeam",
        "id": "t1",
        "subject": ELDER,
        "participant": [{"member": DOCTOR, "onBehalfOf": HOSPITAL}],
    },
    "Goal": {
        "resourceType": "Goal",
        "id": "z1",
        "lifecycleStatus": "active",
        "description": {"text": "血压低于 150/90"},
        "subject": ELDER,
        "target": [{"measure": {"text": "收缩压"}, "detailQuantity": {"value": 150}}],
    },
    "Task": {
        "resourceType": "Task",
        "id": "w1",
        "status": "requested",
        "intent": "order",
        "for": ELDER,
        "authoredOn": "2026-03-12",
        "lastModified": "2026-03-12T10:00:00+08:00",
        "owner": {"reference": "Organization/c1"},
        "restriction": {"period": {"end": "2026-03-15"}},
    },
    "ServiceRequest": {
        "resourceType": "ServiceRequest",
        "id": "v1",
        "status": "draft",
        "intent": "order",
        "code": {"text": "下转"},
        "orderDetail": [{"text": "康复"}],
        "subject": ELDER,
    },
    "Flag": {
        "resourceType": "Flag",
        "id": "f1",
        "status": "active",
        "code": {"text": "跌倒高风险"},
        "subject": ELDER,
    },
    "QuestionnaireResponse": {
        "resourceType": "QuestionnaireResponse",
        "id": "u1",
        "status": "completed",
        "questionnaire": "https://x.example/Questionnaire/gb42195|1.0",
        "subject": ELDER,
        "item": [{"linkId": "1", "answer": [{"valueInteger": 3}]}],
    },
    "Provenance": {
        "resourceType": "Provenance",
        "id": "y1",
        "target": [ELDER, {"reference": "Encounter/n1"}],
        "recorded": "2026-03-12T16:30:15+08:00",
        "agent": [{"who": HOSPITAL}],
    },
    "DocumentReference": {
        "resourceType": "DocumentReference",
        "id": "b1",
        "status": "current",
        "subject": ELDER,
        "content": [{"attachment": {"contentType": "application/json", "data": "e30=", "url": "Binary/x"}}],
    },
    "Organization": {
        "resourceType": "Organization",
        "id": "h1",
        "name": "示范县人民医院",
        "telecom": [{"system": "phone", "value": "0379-0000000", "use": "work"}],
        "address": [{"use": "work", "city": "示范市"}],
    },
    "Practitioner": {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "赵医生"}]},
    "Bundle": {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:0b6f1a2e-0c1d-4c8e-9a51-6f0c2f1f7a10",
                "resource": {"resourceType": "Organization", "name": "示范站"},
                "request": {"method": "POST", "url": "Organization"},
            }
        ],
    },
}


def good(kind: str, **changes: Any) -> Json:
    """Return a copy of the good resource of ``kind`` with top-level members replaced; None removes one."""
    doc = copy.deepcopy(GOOD[kind])
    doc.update(changes)
    return {name: value for name, value in doc.items() if value is not None}
