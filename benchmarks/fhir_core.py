"""CPU per operation of the FHIR core on resources of usual size; prints a table, asserts nothing.

    python benchmarks/fhir_core.py [--rounds 300]

Figures shift with the machine's load: the column beside `json.loads` of the same bytes in the same run is what counts.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.fhir import codec, compartments, gate, search, validate, wire  # noqa: E402 - after the path
from tests.gateway.fhir.samples import GOOD  # noqa: E402

SHOWN = ("Patient", "Encounter", "Observation", "CarePlan", "MedicationRequest", "Consent", "Task")
BUNDLED = 50


def cpu_us(work: Callable[[], object], rounds: int) -> float:
    """Return the CPU of one call in microseconds: the best of five series, warm, without the garbage collector."""
    work()
    gc.disable()
    try:
        return min(_series(work, rounds) for _ in range(5))
    finally:
        gc.enable()


def _series(work: Callable[[], object], rounds: int) -> float:
    start = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - start) / rounds * 1e6


def measure(kind: str, doc: dict[str, Any], rounds: int) -> dict[str, float]:
    """Return microseconds by operation for one resource."""
    body = json.dumps(doc, ensure_ascii=False).encode()
    read = wire.read(body)
    work: dict[str, Callable[[], object]] = {
        "json.loads": lambda: json.loads(body),
        "read": lambda: wire.read(body),
        "validate": lambda: validate.faults(read),
        "accept": lambda: gate.accept(body, kind=kind),
        "extract": lambda: search.extract(kind, read),
        "elder_of": lambda: compartments.elder_of(read),
        "patch_meta": lambda: codec.patch_meta(body, id="x", security=[{"code": "R"}]),
    }
    return {"bytes": len(body)} | {name: cpu_us(call, rounds) for name, call in work.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="CPU per operation of the FHIR core.")
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    start = time.process_time()
    for kind in GOOD:
        validate.faults(GOOD[kind])
        search.extract(kind, GOOD[kind])
    print(f"first use of {len(GOOD)} kinds: {(time.process_time() - start) * 1e3:.0f} ms of CPU")
    entries = [
        {"resource": GOOD["Observation"], "request": {"method": "PUT", "url": "Observation/o1"}} for _ in range(BUNDLED)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    rows = {kind: measure(kind, GOOD[kind], rounds) for kind in SHOWN}
    rows[f"Bundle of {BUNDLED}"] = measure("Bundle", bundle, max(rounds // 50, 1))
    names = list(next(iter(rows.values())))
    print(f"{'µs of CPU':18}" + "".join(f"{name:>12}" for name in names) + f"{'accept/s':>12}")
    for kind, row in rows.items():
        print(f"{kind:18}" + "".join(f"{row[name]:12.1f}" for name in names) + f"{1e6 / row['accept']:12.0f}")


if __name__ == "__main__":
    main()
