"""The codes that the workflow writes and reads. Source: domain.md §2.2, §5, §6.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BASE = "https://yiyang-gateway.example/fhir"
"""Canonical base of our own code systems and profiles (domain.md §6)."""
TASK_CODE = f"{BASE}/CodeSystem/yy-task-code"
BUSINESS_STATUS = f"{BASE}/CodeSystem/yy-business-status"
REFERRAL_CRITERIA = f"{BASE}/CodeSystem/yy-referral-criteria"
KEY_POPULATION = f"{BASE}/CodeSystem/yy-key-population"
DIRECTION = f"{BASE}/StructureDefinition/referral-direction"
DISCHARGE_WAY = "urn:oid:2.16.156.10011.2.3.1.265"
"""离院方式 CV06.00.226."""
TO_COMMUNITY = "3"
"""医嘱转社区卫生服务机构/乡镇卫生院: the coded fact that starts a hand-over (domain.md §0.2)."""
SNOMED = "http://snomed.info/sct"
REFERRAL_CATEGORY = "3457005"
"""Patient referral (domain.md §6.1)."""
ICD10_CN = "urn:oid:2.16.156.10011.2.3.3.11"
LOINC = "http://loinc.org"
BARTHEL, BRADEN, MORSE = "96761-2", "38227-5", "59460-6"


def code_in(concept: Mapping[str, Any], system: str) -> str:
    """Return the code of ``concept`` in ``system`` ("" when it has none)."""
    for coding in concept.get("coding", ()):
        if coding.get("system") == system:
            return str(coding.get("code", ""))
    return ""


def concept(system: str, code: str, *, text: str) -> dict[str, Any]:
    """Return a CodeableConcept of one coding with a text."""
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def reference_id(reference: Mapping[str, Any], kind: str) -> str:
    """Return the logical id of a literal reference to ``kind`` ("" for any other)."""
    value = str(reference.get("reference", ""))
    prefix = f"{kind}/"
    return value.removeprefix(prefix).split("/", 1)[0] if value.startswith(prefix) else ""
