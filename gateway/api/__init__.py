"""The FHIR door: R4 REST, SMART discovery and the token endpoint. See README.md."""

from gateway.api.answers import render
from gateway.api.door import Facts, Note, application, by_token, routes
from gateway.api.shell import request_id

__all__ = ["Facts", "Note", "application", "by_token", "render", "request_id", "routes"]
