"""What the feeds write exists: every profile, extension, code system and code of ours in a map or its cases."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
GENERATED = ROOT / "profiles" / "generated"
BASE = "https://yiyang-gateway.example/fhir"
MAPS = sorted((ROOT / "mappings").glob("*/*/map.yaml"))
CASES = sorted((ROOT / "mappings").glob("*/*/cases/*/out.json"))


def canonicals(kind: str) -> dict[str, Any]:
    read = (json.loads(path.read_bytes()) for path in GENERATED.glob(f"{kind}-*.json"))
    return {row["url"]: row for row in read}


def codings(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if str(node.get("system", "")).startswith(f"{BASE}/CodeSystem/") and "code" in node:
            yield node["system"], node["code"]
        for child in node.values():
            yield from codings(child)
    elif isinstance(node, list):
        for child in node:
            yield from codings(child)


@pytest.mark.parametrize("path", MAPS, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
@pytest.mark.parametrize("kind", ["StructureDefinition", "CodeSystem"])
def test_what_a_map_names_is_defined(path: Path, kind: str) -> None:
    text = path.read_text("utf-8").replace("{B}", BASE)
    named = set(re.findall(rf"{re.escape(BASE)}/{kind}/[a-z0-9-]+", text))

    assert named - canonicals(kind).keys() == set()


def test_every_code_of_ours_in_a_case_is_in_its_code_system() -> None:
    systems = {url: {row["code"] for row in system["concept"]} for url, system in canonicals("CodeSystem").items()}
    used = {coding for path in CASES for coding in codings(json.loads(path.read_bytes()))}

    assert {(system, code) for system, code in used if code not in systems.get(system, ())} == set()
