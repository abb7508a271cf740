"""The FHIR gateway: doors, hub, engines and store of the medical and elderly care chain."""

__version__ = "0.1.0"
