"""Operations (FHIR R4 operations.html): what is asked of the gateway beyond reading, searching and writing."""

from gateway.hub.operations.match import Match
from gateway.hub.operations.service import Operations

__all__ = ["Match", "Operations"]
