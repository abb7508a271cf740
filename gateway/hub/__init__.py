"""The one service through which a resource is read or written: one file per interaction."""

from gateway.hub.bundle import Step, is_batch
from gateway.hub.demands import Demand
from gateway.hub.ingest import Message
from gateway.hub.patch import Change, fhirpath_change, json_change
from gateway.hub.service import Hub
from gateway.hub.trail import PARAMETERS as AUDIT_PARAMETERS
from gateway.hub.transaction import Answer, Failed
from gateway.hub.values import ANY_VERSION, Found, Ingested, Put, Released, Written

__all__ = [
    "ANY_VERSION",
    "AUDIT_PARAMETERS",
    "Answer",
    "Change",
    "Demand",
    "Failed",
    "Found",
    "Hub",
    "Ingested",
    "Message",
    "Put",
    "Released",
    "Step",
    "Written",
    "fhirpath_change",
    "is_batch",
    "json_change",
]
