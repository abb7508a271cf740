"""CapabilityStatement: what this server really does, generated from what is wired (FHIR R4 capabilitystatement.html).

In: the kinds that the policies can release, their search parameters. Out: JSON bytes, made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from gateway.api.headers import FHIR_JSON, FHIR_XML
from gateway.fhir import search as parameters
from gateway.hub import AUDIT_PARAMETERS

AUDIT = "AuditEvent"
_READS = ("read", "vread", "history-instance", "search-type")
_WRITES = ("create", "update", "delete")
_SMART = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_VALIDATE = "http://hl7.org/fhir/OperationDefinition/Resource-validate"


def statement(kinds: Sequence[str], *, base: str, token: str, version: str, at: datetime) -> bytes:
    """Return the statement of ``kinds``; ``token`` is the token endpoint, ``at`` when the process was assembled."""
    return orjson.dumps(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": at.isoformat(timespec="seconds"),
            "kind": "instance",
            "software": {"name": "yiyang-gateway", "version": version},
            "implementation": {"description": "医养结合 FHIR 网关与健康数据中枢", "url": base},
            "fhirVersion": "4.0.1",
            "format": [FHIR_JSON, FHIR_XML],
            "rest": [
                {
                    "mode": "server",
                    "security": _security(token),
                    "resource": [_resource(kind) for kind in sorted(kinds)],
                    "interaction": [{"code": "transaction"}],
                    "operation": [{"name": "validate", "definition": _VALIDATE}],
                }
            ],
        }
    )


def _security(token: str) -> dict[str, Any]:
    return {
        "cors": False,
        "service": [{"coding": [{"system": _SERVICE, "code": "SMART-on-FHIR"}]}],
        "description": "SMART App Launch 2.2 backend services; consent and policy decide every resource",
        "extension": [{"url": _SMART, "extension": [{"url": "token", "valueUri": token}]}],
    }


def _resource(kind: str) -> dict[str, Any]:
    if kind == AUDIT:
        # The journal is read; nobody writes it, and its entries have one version.
        return {
            "type": kind,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "versioning": "no-version",
            "searchParam": _search(AUDIT_PARAMETERS),
        }
    return {
        "type": kind,
        "interaction": [{"code": code} for code in (*_READS, *_WRITES)],
        "versioning": "versioned-update" if kind == "Task" else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalRead": "full-support",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "local"],
        "searchParam": _search(parameters.params_of(kind)),
        "operation": [{"name": "validate", "definition": _VALIDATE}],
    }


def _search(known: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": type_} for name, type_ in sorted(known.items())]
