"""What is written into the attacked world: the feeds' sample records and R4 resources, salted with canaries.

Each function says beside the canary who may meet it (see `plan`); the elder of a resource is named by a short word.
"""

from __future__ import annotations

import base64
import copy
from typing import Any
from uuid import uuid4

from tests.attacks.plan import ALL, CENTRE_ONLY, NOBODY, NOT_THE_CARER, Plan
from tests.flows.town import CENTRE, HOSPITAL, OTHER_CENTRE, OTHER_STATION, STATION, consent, record
from tests.harness import CODES, HL7

Doc = dict[str, Any]

CARDS = {
    "home": "410101194001010021",
    "away": "410101194102030048",
    "held": "410101194204050066",
    "gone": "410101193806070086",
    "partly": "410101193908090109",
    "picky": "410101193505040166",
    "ended": "410101193307070209",
    "treated": "410101193208080225",
    "unreferred": "410101193109090241",
    "work": "410101193710110127",
    "spare": "410101193602030146",
}
"""Identity card numbers with valid check characters, of women, as the sample records ask."""
PHONES = {name: f"139111100{at:02}" for at, name in enumerate(CARDS)}
ORGANISATIONS = {"home": (CENTRE, STATION), "away": (OTHER_CENTRE, OTHER_STATION)}
_SWAPPED = {CENTRE: OTHER_CENTRE, STATION: OTHER_STATION}


def feeds(plan: Plan, elder: str, chain: str) -> dict[str, Doc]:
    """Return the four messages of an elder's story: consent, discharge, assessment and care plan, salted."""
    story = {
        "sharing-consent": consent(consentNo=f"TY-{elder}"),
        "json-discharge": record("04_discharge.json"),
        "assessment": record("07_ability_assessment.json"),
        "care-plan": record("08_care_plan.json"),
    }
    shared = _person(plan, elder, chain)
    for name, message in story.items():
        message["msgId"] = f"{name}-{elder}-{uuid4()}"
        message["data"]["patient"] |= copy.deepcopy(shared)
        for path, seen_by in _PLACES[name].items():
            _put(message["data"], path, plan.word(chain, f"{elder}.{name}.{path}", seen_by))
        if chain == "away":
            story[name] = _swapped(message)
    # The one elder excludes psychiatry, the other nothing: there the level alone decides.
    story["sharing-consent"]["data"]["excluded"] = [] if chain == "away" else ["精神卫生记录"]
    story["json-discharge"]["data"]["encounter"]["receivingOrgCode"] = ORGANISATIONS[chain or "home"][0]
    return story


_PLACES: dict[str, dict[str, str]] = {
    "sharing-consent": {"noticeText": NOBODY, "recipients.0.contact": NOBODY},
    "json-discharge": {
        "encounter.deptName": NOT_THE_CARER,
        "encounter.wardName": CENTRE_ONLY,
        "encounter.inpatNo": CENTRE_ONLY,
        # A Practitioner is a person of the hospital and stays with it.
        "encounter.attending.name": NOBODY,
        "diagnoses.0.name": NOT_THE_CARER,
        "procedures.0.name": NOT_THE_CARER,
        "allergies.0.substance": ALL,
        "medications.0.name": ALL,
        "nursing.dietGuide": NOT_THE_CARER,
        "courseText": CENTRE_ONLY,
        "orderText": NOT_THE_CARER,
    },
    "assessment": {"assessors.0.name": ALL, "informant.name": NOT_THE_CARER},
    "care-plan": {
        "planNo": NOT_THE_CARER,
        "problems.0.name": NOT_THE_CARER,
        "goals.1.text": ALL,
        "services.3.name": ALL,
    },
}
"""Of each feed: the field of its data, and who meets it."""


def _person(plan: Plan, elder: str, chain: str) -> Doc:
    card = CARDS[elder]
    return {
        "patId": plan.word(chain, f"{elder}.mrn", CENTRE_ONLY),
        "idCardNo": plan.number(chain, f"{elder}.card", CENTRE_ONLY, card),
        "name": "王示兰" + plan.word(chain, f"{elder}.name", ALL),
        "birthDate": f"{card[6:10]}-{card[10:12]}-{card[12:14]}",
        "phone": plan.number(chain, f"{elder}.phone", ALL, PHONES[elder]),
        "healthRecordNo": health_record(elder),
    }


def health_record(elder: str) -> str:
    """Return the number of the elder's health record: one has one, whoever writes it."""
    return f"4101991010010{list(CARDS).index(elder):04}"


def held(plan: Plan) -> Doc:
    """Return a discharge whose elder consented to nothing: nobody but its sender sees anything of it."""
    return feeds(plan, "held", "")["json-discharge"]


def _put(data: Doc, path: str, value: str) -> None:
    node: Any = data
    *steps, last = path.split(".")
    for step in steps:
        node = node[int(step) if step.isdigit() else step]
    assert last in node, path
    node[last] = value


def _swapped(node: Any) -> Any:
    """Return ``node`` with the organisations of the other chain in place of those of the samples."""
    if isinstance(node, dict):
        return {key: _swapped(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_swapped(value) for value in node]
    return _SWAPPED.get(node, node) if isinstance(node, str) else node


class Salt:
    """Makes R4 resources of one elder, each element with a canary of its own."""

    def __init__(self, plan: Plan, elder: str, chain: str, patient: str) -> None:
        self._plan, self._elder, self._chain = plan, elder, chain
        self._subject = {"reference": f"Patient/{patient}"}

    def word(self, place: str, seen_by: str) -> str:
        """Return a canary of this elder; without a chain nobody meets it."""
        return self._plan.word(self._chain, f"{self._elder}.{place}", seen_by)

    def _start(self, kind: str, name: str, text: str) -> Doc:
        narrative = self.word(f"{name}.text", text)
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{narrative}</p></div>'
        return {
            "resourceType": kind,
            "id": f"{self._elder}-{name}",
            "text": {"status": "additional", "div": div},
        }

    def _extension(self, name: str, seen_by: str) -> list[Doc]:
        return [{"url": "http://example.org/remark", "valueString": self.word(f"{name}.extension", seen_by)}]

    def condition(self, name: str = "condition") -> Doc:
        """Return a diagnosis with canaries in code, note, narrative, extension, display and a contained resource."""
        return {
            **self._start("Condition", name, NOT_THE_CARER),
            "contained": [
                {
                    "resourceType": "Patient",
                    "id": "who",
                    "identifier": [{"system": "urn:x", "value": self.word(f"{name}.contained", CENTRE_ONLY)}],
                }
            ],
            "extension": self._extension(name, NOT_THE_CARER),
            "clinicalStatus": _concept(f"{HL7}/condition-clinical", "active"),
            "code": {
                "coding": [{"system": "urn:oid:2.16.156.10011.2.3.3.11", "code": "I63.900"}],
                "text": self.word(f"{name}.code", NOT_THE_CARER),
            },
            "subject": self._subject,
            "encounter": {"reference": f"Encounter/{self._elder}-encounter"},
            "asserter": {"reference": "#who", "display": self.word(f"{name}.asserter", NOT_THE_CARER)},
            "recordedDate": "2026-03-12",
            "note": [{"text": self.word(f"{name}.note", NOT_THE_CARER)}],
        }

    def observation(self, name: str = "observation") -> Doc:
        """Return a measurement; the carer sees its value, and nothing that tells of what is withheld."""
        return {
            **self._start("Observation", name, NOT_THE_CARER),
            "contained": [
                {
                    "resourceType": "Condition",
                    "id": "why",
                    "subject": self._subject,
                    "code": {"text": self.word(f"{name}.contained", NOT_THE_CARER)},
                }
            ],
            "extension": self._extension(name, NOT_THE_CARER),
            "identifier": [{"system": "urn:x", "value": self.word(f"{name}.identifier", NOT_THE_CARER)}],
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
            "subject": self._subject,
            "focus": [
                {"reference": f"Condition/{self._elder}-condition", "display": self.word(f"{name}.focus", "DNS")},
                {"reference": "#why"},
            ],
            "encounter": {"reference": f"Encounter/{self._elder}-encounter"},
            "effectiveDateTime": "2026-03-12T08:00:00+08:00",
            "valueString": self.word(f"{name}.value", ALL),
            "note": [{"text": self.word(f"{name}.note", NOT_THE_CARER)}],
        }

    def encounter(self) -> Doc:
        """Return a stay: the centre sees why and where, the station's doctor that it was."""
        return {
            **self._start("Encounter", "encounter", CENTRE_ONLY),
            "identifier": [{"system": "urn:x", "value": self.word("encounter.identifier", CENTRE_ONLY)}],
            "status": "finished",
            "class": {"system": f"{HL7}/v3-ActCode", "code": "IMP"},
            "serviceType": {"text": self.word("encounter.serviceType", NOT_THE_CARER)},
            "subject": self._subject,
            "period": {"start": "2026-03-02T09:00:00+08:00", "end": "2026-03-12T10:00:00+08:00"},
            "reasonCode": [{"text": self.word("encounter.reasonCode", CENTRE_ONLY)}],
            "serviceProvider": {"reference": f"Organization/{HOSPITAL}"},
        }

    def medication(self) -> Doc:
        """Return a prescription: what to take is for whoever gives it, why is not."""
        return {
            **self._start("MedicationRequest", "medication", NOT_THE_CARER),
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": self.word("medication.medication", ALL)},
            "subject": self._subject,
            "authoredOn": "2026-03-12",
            "reasonCode": [{"text": self.word("medication.reasonCode", NOT_THE_CARER)}],
            "note": [{"text": self.word("medication.note", NOT_THE_CARER)}],
            "dosageInstruction": [{"text": self.word("medication.dosage", ALL)}],
        }

    def allergy(self) -> Doc:
        """Return an allergy: whole for everybody in care (the care-safety rule)."""
        return {
            **self._start("AllergyIntolerance", "allergy", NOT_THE_CARER),
            "clinicalStatus": _concept(f"{HL7}/allergyintolerance-clinical", "active"),
            "code": {"text": self.word("allergy.code", ALL)},
            "patient": self._subject,
            "note": [{"text": self.word("allergy.note", ALL)}],
        }

    def composition(self) -> Doc:
        """Return a discharge summary: its advice for the station's doctor, its course for the centre only."""
        return {
            **self._start("Composition", "composition", CENTRE_ONLY),
            "status": "final",
            "type": {"text": "出院小结"},
            "subject": self._subject,
            "date": "2026-03-12T10:00:00+08:00",
            "author": [{"reference": f"Organization/{HOSPITAL}"}],
            "title": self.word("composition.title", NOT_THE_CARER),
            "section": [
                self._section("8648-8", "composition.course", CENTRE_ONLY),
                self._section("69730-0", "composition.advice", NOT_THE_CARER),
            ],
        }

    def _section(self, code: str, place: str, seen_by: str) -> Doc:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{self.word(place, seen_by)}</div>'
        coded = {"coding": [{"system": "http://loinc.org", "code": code}]}
        return {"title": "小结", "code": coded, "text": {"status": "additional", "div": div}}

    def questionnaire(self) -> Doc:
        """Return an assessment's answers."""
        answer = {"valueString": self.word("questionnaire.answer", NOT_THE_CARER)}
        return {
            "resourceType": "QuestionnaireResponse",
            "id": f"{self._elder}-questionnaire",
            "status": "completed",
            "subject": self._subject,
            "item": [{"linkId": "1", "answer": [answer]}],
        }

    def relative(self) -> Doc:
        """Return a relative: name and telephone for everybody, where she lives not for the carer."""
        return {
            **self._start("RelatedPerson", "relative", CENTRE_ONLY),
            "identifier": [{"system": "urn:x", "value": self.word("relative.identifier", CENTRE_ONLY)}],
            "patient": self._subject,
            "name": [{"text": self.word("relative.name", ALL)}],
            "address": [{"text": self.word("relative.address", NOT_THE_CARER)}],
        }

    def practitioner(self) -> Doc:
        """Return a person of the hospital, who stays with it."""
        return {
            "resourceType": "Practitioner",
            "id": f"{self._elder}-practitioner",
            "name": [{"text": self.word("practitioner.name", NOBODY)}],
        }

    def document(self) -> list[Doc]:
        """Return an original and its bytes: they never leave the sender."""
        reference = {
            "resourceType": "DocumentReference",
            "id": f"{self._elder}-document",
            "status": "current",
            "subject": self._subject,
            "description": self.word("document.description", NOBODY),
            "content": [{"attachment": {"url": f"Binary/{self._elder}-binary"}}],
        }
        binary = {
            "resourceType": "Binary",
            "id": f"{self._elder}-binary",
            "contentType": "text/plain",
            "securityContext": self._subject,
            "data": base64.b64encode(self.word("binary.data", NOBODY).encode()).decode(),
        }
        return [reference, binary]

    def depression(self) -> Doc:
        """Return a diagnosis of level 5: it stays with the hospital."""
        found = self._plain("depression", NOBODY)
        found["code"] |= {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "F32.900"}]}
        return found

    def tumour(self, seen_by: str = NOT_THE_CARER) -> Doc:
        """Return a diagnosis that a consent may exclude."""
        found = self._plain("tumour", seen_by)
        found["code"] |= {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C34.900"}]}
        return found

    def versions(self) -> list[Doc]:
        """Return two versions of a diagnosis: the first is of level 5, the second is not."""
        first = self._plain("versions", NOBODY)
        second = self._plain("versions-now", NOT_THE_CARER)
        first["code"]["text"] += " 抑郁发作"
        return [first, {**second, "id": first["id"]}]

    def erased(self) -> Doc:
        """Return a diagnosis that is deleted later; its versions stay with whom they were open to."""
        return self._plain("erased", NOT_THE_CARER)

    def _plain(self, name: str, seen_by: str) -> Doc:
        return {
            "resourceType": "Condition",
            "id": f"{self._elder}-{name}",
            "clinicalStatus": _concept(f"{HL7}/condition-clinical", "active"),
            "code": {"text": self.word(f"{name}.code", seen_by)},
            "subject": self._subject,
            "recordedDate": "2026-03-12",
        }

    def task(self, owner: str) -> Doc:
        """Return a follow-up handed to ``owner``: what to do is for all, what it rests on is not."""
        return {
            **self._start("Task", "task", "S"),
            "extension": self._extension("task", "S"),
            "status": "requested",
            "businessStatus": _concept(f"{CODES}/yy-business-status", "due"),
            "intent": "order",
            "priority": "routine",
            "code": _concept(f"{CODES}/yy-task-code", "follow-up"),
            "description": self.word("task.description", "SC"),
            "for": self._subject,
            "requester": {"reference": f"Organization/{HOSPITAL}"},
            "owner": {"reference": f"Organization/{owner}"},
            "input": [{"type": {"text": "why"}, "valueString": self.word("task.input", "S")}],
        }

    def plan(self, station: str) -> Doc:
        """Return a care plan that names ``station``."""
        return {
            **self._start("CarePlan", "plan", NOT_THE_CARER),
            "status": "active",
            "intent": "plan",
            "title": self.word("plan.title", ALL),
            "subject": self._subject,
            "addresses": [{"display": self.word("plan.addresses", NOT_THE_CARER)}],
            "activity": [
                {
                    "progress": [{"text": self.word("plan.progress", NOT_THE_CARER)}],
                    "detail": {
                        "status": "scheduled",
                        "description": self.word("plan.activity", ALL),
                        "performer": [{"reference": f"Organization/{station}"}],
                    },
                }
            ],
            "note": [{"text": self.word("plan.note", NOT_THE_CARER)}],
        }

    def goal(self) -> Doc:
        """Return a goal."""
        return {
            **self._start("Goal", "goal", NOT_THE_CARER),
            "lifecycleStatus": "active",
            "description": {"text": self.word("goal.description", ALL)},
            "subject": self._subject,
            "note": [{"text": self.word("goal.note", NOT_THE_CARER)}],
        }


def _concept(system: str, code: str) -> Doc:
    return {"coding": [{"system": system, "code": code}]}
