"""The elder's name in what a map wrote: the same bytes as a copy written anew, and no other resource touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.fhir.codec import dump_exact, parse_exact
from gateway.intake.elder import PLACEHOLDER, about

ROOT = Path(__file__).resolve().parents[3]
CASES = sorted((ROOT / "mappings").glob("*/*/cases/*/out.json"))


def renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: renamed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner) for inner in value]
    return "Patient/e1" if value == PLACEHOLDER else value


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parts[-4]}-{path.parent.name}")
def test_a_resource_about_an_elder_comes_with_its_own_json(case: Path) -> None:
    for row in parse_exact(case.read_bytes())["resources"]:
        doc, body = about(row, "e1")

        known = {"id": "e1"} if row["resourceType"] == "Patient" else {}
        assert body == dump_exact(doc)
        assert doc == {**renamed(row), **known}
