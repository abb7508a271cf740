"""Records to FHIR resources by declarative maps. See README.md."""

from gateway.mapping.cases import Case, test_cases
from gateway.mapping.compiled import Map, MapResult
from gateway.mapping.feed import Feed, check, load_feed
from gateway.mapping.joining import merge
from gateway.mapping.preview import Row, preview
from gateway.mapping.runtime import Context, Drift, Leaf

__all__ = [
    "Case",
    "Context",
    "Drift",
    "Feed",
    "Leaf",
    "Map",
    "MapResult",
    "Row",
    "check",
    "load_feed",
    "merge",
    "preview",
    "test_cases",
]
