"""CapabilityStatement: what this server really does, generated from what is wired (FHIR R4 capabilitystatement.html).

In: the kinds that the policies can release, their search parameters. Out: JSON bytes, made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from gateway.api import operations
from gateway.api.headers import FHIR_JSON, FHIR_XML
from gateway.api.terms import EXPAND
from gateway.fhir import search as parameters
from gateway.hub import AUDIT_PARAMETERS
from gateway.terminology import Known

AUDIT = "AuditEvent"
_READS = ("read", "vread", "history-instance", "search-type")
_WRITES = ("create", "update", "patch", "delete")
_SMART = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_VALIDATE = "http://hl7.org/fhir/OperationDefinition/Resource-validate"


_IDS = (
    "An id of a client's own (PUT of a new resource) begins with org<credit code of its organisation>-; "
    "a conditional delete of several needs _count (at most 100)."
)


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
            "patchFormat": ["application/json-patch+json", "application/fhir+json"],
            "rest": [
                {
                    "mode": "server",
                    "documentation": _IDS,
                    "security": _security(token),
                    "resource": [_resource(kind, kinds) for kind in sorted(kinds)],
                    "interaction": [{"code": "transaction"}, {"code": "batch"}, {"code": "search-system"}],
                    "operation": [{"name": "validate", "definition": _VALIDATE}],
                }
            ],
        }
    )


def terminology(loaded: Sequence[Known], *, base: str, version: str, at: datetime) -> bytes:
    """Return what is told of ``loaded`` terminology (R4 terminologycapabilities.html); ``at`` as in `statement`."""
    versions: dict[str, list[str]] = {}
    for one in loaded:
        if one.kind == "CodeSystem":
            versions.setdefault(one.url, []).append(one.version)
    return orjson.dumps(
        {
            "resourceType": "TerminologyCapabilities",
            "status": "active",
            "date": at.isoformat(timespec="seconds"),
            "kind": "instance",
            "software": {"name": "yiyang-gateway", "version": version},
            "implementation": {"description": "医养结合 FHIR 网关与健康数据中枢", "url": base},
            "codeSystem": [_code_system(url, known) for url, known in versions.items()],
            "expansion": {
                "hierarchical": False,
                "paging": True,
                "incomplete": False,
                "parameter": [{"name": name} for name in sorted(EXPAND)],
                "textFilter": "code, display and designations, each word anywhere in them",
            },
            "codeSearch": "explicit",
            "validateCode": {"translations": False},
            "translation": {"needsMap": False},
        }
    )


def _code_system(url: str, versions: Sequence[str]) -> dict[str, Any]:
    # The version that counts comes first; what has no version can only be told where it is the only one.
    told = [{"code": one, "isDefault": at == 0} for at, one in enumerate(versions) if one]
    return {"uri": url, **({"version": told} if told else {}), "subsumption": True}


def _security(token: str) -> dict[str, Any]:
    return {
        "cors": False,
        "service": [{"coding": [{"system": _SERVICE, "code": "SMART-on-FHIR"}]}],
        "description": "SMART App Launch 2.2 backend services; consent and policy decide every resource",
        "extension": [{"url": _SMART, "extension": [{"url": "token", "valueUri": token}]}],
    }


def _resource(kind: str, kinds: Sequence[str]) -> dict[str, Any]:
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
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "multiple",
        "referencePolicy": ["literal", "local"],
        **_includes(kind, kinds),
        "searchParam": _search(parameters.params_of(kind)),
        "operation": [{"name": "validate", "definition": _VALIDATE}, *operations.of_kind(kind)],
    }


def _includes(kind: str, kinds: Sequence[str]) -> dict[str, list[str]]:
    """Return what `_include` follows from ``kind``, and which references of ``kinds`` `_revinclude` follows to it."""
    forth = [f"{kind}:{param}" for param in parameters.included_by(kind)]
    back = [
        f"{source}:{param}"
        for source in sorted(kinds)
        if source != AUDIT
        for param in parameters.included_by(source)
        if kind in parameters.targets_of(source, param)
    ]
    return {"searchInclude": ["*", *forth], **({"searchRevInclude": back} if back else {})}


def _search(known: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": type_} for name, type_ in sorted(known.items())]
