"""Train the zstd dictionary with which new installations pack what they seal, out of the cases of the maps.

In: `mappings/**/cases`: what the feeds send, what the maps make of it; all of it fiction. Out: the committed file of
`security.crypto.packing`, the same for the same cases and the same zstd. A dictionary that was ever shipped is never
changed: what was packed with it opens by it alone. A better one gets the next number.

    python tools/build_dictionary.py [--out FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.fhir import codec, compartments  # noqa: E402 - after the path
from gateway.fhir.problem import Problem  # noqa: E402
from gateway.store.postgres.sealed import packed  # noqa: E402
from security.audit.record import entry  # noqa: E402
from security.caller import Caller, Role, Tier  # noqa: E402
from security.crypto import packing  # noqa: E402
from security.gate import Gate  # noqa: E402

SIZE = 32 * 1024
"""Bytes of the dictionary: from here on it knows the cases by heart and nothing else better (measured)."""
AT = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
HOSPITAL, CENTRE = "91330100MA2AAAAA0A", "12330100470000001B"
MESSAGES = ("in.json", "in.hl7", "in.xml", "in.csv")
Doc = dict[str, Any]


def main() -> None:
    """Write the dictionary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=packing.file_of(packing.NEWEST))
    samples: list[bytes | bytearray | memoryview] = [*_versions(), *_messages(), *_entries()]
    trained = zstandard.train_dictionary(SIZE, samples, dict_id=packing.FIRST_ID + packing.NEWEST, level=packing.LEVEL)
    out = parser.parse_args().out
    out.write_bytes(trained.as_bytes())
    print(f"{out}: {len(trained)} bytes of {len(samples)} samples")


def _versions() -> Iterator[bytes]:
    """Yield each resource of the cases as the store seals a version of it."""
    gate = Gate.load(now=lambda: AT)
    for path in sorted((ROOT / "mappings").rglob("cases/*/out.json")):
        for doc in _resources(json.loads(path.read_text("utf-8"))):
            try:
                elder = doc["id"] if doc["resourceType"] == "Patient" else compartments.elder_of(doc, "")
            except Problem:
                elder = ""
            facts = gate.label(doc["resourceType"], doc, elder=elder, controllers=[HOSPITAL])
            body = codec.patch_meta(codec.dump_exact(doc), id=doc["id"], security=gate.security_codes(facts))
            yield packed(facts) + b"\n" + codec.stamp(body, 1, AT)


def _resources(node: Any) -> Iterator[Doc]:
    if isinstance(node, dict) and "resourceType" in node and node["resourceType"] != "Bundle":
        yield {"id": "3a1b2c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d", **node}
        return
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _resources(inner)


def _messages() -> Iterator[bytes]:
    """Yield what the feeds send."""
    for name in MESSAGES:
        for path in sorted((ROOT / "mappings").rglob(f"cases/*/{name}")):
            yield path.read_bytes()


def _entries() -> Iterator[bytes]:
    """Yield entries of the journal as they are sealed."""
    doctor = Caller("centre-doctor", Role.CENTRE_DOCTOR, CENTRE, Tier.CENTRE, "TREAT")
    for number in range(60):
        at = AT + timedelta(seconds=number)
        id_ = hashlib.sha256(b"%d" % number).hexdigest()
        about = f"{id_[:8]}-{id_[8:12]}-{id_[12:16]}-{id_[16:20]}-{id_[20:32]}"
        for action, kind in (("read", "Patient"), ("search", "Observation"), ("create", "Task"), ("disclose", "")):
            what = {"interface": f"FHIR {action}", "kind": kind, "id": about if kind else "", "elder": about}
            yield entry(doctor, action, at=at, event=about, rule="read.own", reasons=("read.own",), level=3, **what)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
