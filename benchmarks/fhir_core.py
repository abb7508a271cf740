"""CPU of the FHIR core on what the maps write: reading, checking, indexing, editing; and on the largest bodies.

    python benchmarks/fhir_core.py [--json] [--seconds 0.5]

"A resource" is the mean over every resource in the cases of all maps, about 1.1 kB; the rows of single kinds stand
below. Figures shift with the machine's load: the row of `json.loads` on the same bytes says by how much. Budgets:
fhir-core.md §5 (what its prototype reached), edits by design.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import measure  # noqa: E402 - after the path
from benchmarks.measure import MICROSECONDS, Budget, Row  # noqa: E402
from gateway.fhir import codec, compartments, gate, search, validate, wire  # noqa: E402
from gateway.fhir.problem import Problems  # noqa: E402

Json = dict[str, Any]

SHOWN = ("Patient", "Encounter", "Condition", "Observation", "MedicationRequest", "CarePlan", "Provenance")
CHECKED = Budget("/s", 20_000, 30_000)
EDITED = Budget(MICROSECONDS, 5, 3)
LARGEST = Budget(MICROSECONDS, 300_000, 150_000)
NOW = datetime(2026, 3, 12, 8, 31, tzinfo=UTC)
SECURITY = [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]


def outputs() -> list[bytes]:
    """Return every resource in the maps' cases as bytes, the way it is stored, about a stored elder."""
    found = []
    for path in sorted((ROOT / "mappings").glob("*/*/cases/*/out.json")):
        written = map(codec.dump_exact, codec.parse_exact(path.read_bytes())["resources"])
        found += [body.replace(b'"urn:yiyang:elder"', b'"Patient/e1"') for body in written]
    return found


def mean(name: str, call: Callable[[bytes], object], bodies: list[bytes], seconds: float, budget: Budget) -> Row:
    """Return the row of ``call`` on a resource, the mean over ``bodies``."""

    def work() -> None:
        for body in bodies:
            call(body)

    row = measure.cpu_per_op(work, seconds=seconds)
    return measure.row_of(name, row.cpu_us / 1e6 / len(bodies), budget=budget)


def steps(bodies: list[bytes], seconds: float) -> Iterator[Row]:
    """Yield a row for every step of a resource on its way in."""
    kinds = {body: str(json.loads(body)["resourceType"]) for body in bodies}
    read = {body: wire.read(body) for body in bodies}
    settled = {body: codec.settle(body, id="x", security=SECURITY) for body in bodies}
    stamped = {body: codec.stamp(made, 3, NOW) for body, made in settled.items()}
    work: dict[str, tuple[Callable[[bytes], object], Budget]] = {
        "json.loads, for comparison": (json.loads, Budget()),
        "read strictly": (wire.read, Budget()),
        "check: R4, profiles, whose it is": (lambda body: gate.check(read[body]), CHECKED),
        "the same the long way": (
            lambda body: (validate.faults_of(read[body]), [*gate._beyond_r4(read[body])]),
            Budget(),
        ),
        "accept: read and check": (lambda body: gate.accept(body, kind=kinds[body]), CHECKED),
        "values for search": (lambda body: search.extract(kinds[body], read[body]), Budget()),
        "whose it is": (lambda body: compartments.elder_of(read[body]), Budget()),
        "parse, exact": (codec.parse_exact, Budget()),
        "dump, exact": (lambda body: codec.dump_exact(read[body]), Budget()),
        "settle: id and labels, no stamp": (lambda body: codec.settle(body, id="x", security=SECURITY), EDITED),
        "stamp": (lambda body: codec.stamp(settled[body], 3, NOW), EDITED),
        "stamp again": (lambda body: codec.stamp(stamped[body], 4, NOW), EDITED),
        "unstamped": (lambda body: codec.unstamped(stamped[body]), EDITED),
    }
    for name, (call, budget) in work.items():
        yield mean(name, call, bodies, seconds, budget)


def _long_way(doc: Json) -> object:
    return validate.faults_of(doc), list(gate._beyond_r4(doc))


def kinds_apart(bodies: list[bytes], seconds: float) -> Iterator[Row]:
    """Yield the check of some kinds by themselves."""
    for kind in SHOWN:
        docs = [doc for doc in map(wire.read, bodies) if doc["resourceType"] == kind]
        size = sum(len(codec.dump_exact(doc)) for doc in docs) // len(docs)

        def work(docs: list[Json] = docs) -> None:
            for doc in docs:
                gate.check(doc)

        row = measure.cpu_per_op(work, seconds=seconds)
        yield measure.row_of(f"check {kind}", row.cpu_us / 1e6 / len(docs), note=f"{size} bytes", budget=Budget("/s"))


def largest(seconds: float) -> Iterator[Row]:
    """Yield what the largest bodies that a door lets in cost: they hold the event loop."""
    component = {
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display": "Systolic"}]},
        "valueQuantity": {"value": 120, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    }
    one = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "component": [component] * 8}
    entry = {"resource": one, "request": {"method": "POST", "url": "Observation"}}
    bundle: Json = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 1950}
    bad = {**bundle, "entry": [*bundle["entry"][1:], {**entry, "resource": {**one, "status": "x"}}]}
    names: Json = {"resourceType": "Patient", "name": [{"text": "x", "given": ["a" * 8] * 180}] * 1950}
    for name, doc in (("Bundle", bundle), ("Bundle, one entry bad", bad), ("Patient of 350,000 texts", names)):
        body = codec.dump_exact(doc)
        row = measure.cpu_per_op(lambda body=body, doc=doc: _tried(body, doc), seconds=seconds, budget=LARGEST)  # type: ignore[misc]
        yield measure.renamed(row, f"accept {len(body) / 2**20:.1f} MiB: {name}")


def _tried(body: bytes, doc: Json) -> None:
    with contextlib.suppress(Problems):  # refused or not, the cost is asked
        gate.accept(body, kind=doc["resourceType"])


def main() -> None:
    """Print the table."""
    asked = measure.arguments(__doc__ or "").parse_args()
    began = time.process_time()
    bodies = outputs()
    for body in bodies:
        gate.check(wire.read(body))
    first = measure.row_of("first use of all kinds", time.process_time() - began, budget=Budget(MICROSECONDS))
    size = sum(map(len, bodies)) // len(bodies)
    rows = [measure.renamed(first, first.name, f"{len(bodies)} resources of {size} bytes in the mean")]
    rows += steps(bodies, asked.seconds)
    rows += kinds_apart(bodies, asked.seconds / 2)
    rows += largest(asked.seconds)
    measure.report(rows, as_json=asked.json)


if __name__ == "__main__":
    main()
