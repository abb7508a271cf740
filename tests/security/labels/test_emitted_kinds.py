"""Whatever a map or the workflow can store has a row in the catalogue: nothing is shown or withheld by accident."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from tests.security.town import rules

_, CATALOGUE = rules()
MAPS: Final = Path(__file__).parents[3] / "mappings"
OF_THE_WORKFLOW: Final = frozenset({"Task", "ServiceRequest", "Flag", "Provenance"})
"""What the workflow writes (policy S1-workflow)."""


def _of_cases() -> frozenset[str]:
    docs = (json.loads(path.read_bytes()) for path in sorted(MAPS.rglob("out.json")))
    return frozenset(resource["resourceType"] for doc in docs for resource in doc["resources"])


def _of_maps() -> frozenset[str]:
    found = (
        re.findall(r"^  - ([A-Z][A-Za-z]+):$", path.read_text("utf-8"), re.MULTILINE) for path in MAPS.rglob("map.yaml")
    )
    return frozenset(kind for kinds in found for kind in kinds)


@pytest.mark.parametrize("kind", sorted(_of_cases() | _of_maps() | OF_THE_WORKFLOW))
def test_a_kind_that_is_stored_stands_in_the_catalogue(kind: str) -> None:
    assert kind in CATALOGUE.kinds


def test_the_maps_were_really_read() -> None:
    assert {"Patient", "Encounter", "CarePlan", "Consent", "QuestionnaireResponse"} <= _of_cases() <= _of_maps()
