"""CPU of the maps on varied records: target leaves a second and core, parsing apart.

    python benchmarks/mapping.py [--json] [--seconds 0.5] [--records 200]

Every record is another person, stay and time, so no record profits from another, and is read anew for each run: an HL7
v2 message is split while its map runs, and keeps what was split. Reading is taken off the map's row. What does not grow
with the leaves is part of every row: the digests of the message, its copy in base64, the ids. The note sets the map
beside `json.loads` of its own output in the same run: figures shift with the machine's load, ratios do not. Budget:
architecture §6.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import measure  # noqa: E402 - after the path
from benchmarks.measure import MICROSECONDS, Budget, Row  # noqa: E402
from gateway.fhir.codec import dump_exact  # noqa: E402
from gateway.formats import Record, read  # noqa: E402
from gateway.mapping import Context, Feed, load_feed  # noqa: E402
from security.crypto.hashes import make_id  # noqa: E402

KEY = b"k" * 32
MAPPED = Budget("leaves/s", 1_000_000, 2_000_000)


def main() -> None:
    """Print three rows a feed: the map, the parser, compiling."""
    parser = measure.arguments(__doc__ or "")
    parser.add_argument("--records", type=int, default=200)
    asked = parser.parse_args()
    folders = sorted(path.parent for path in (ROOT / "mappings").glob("*/*/map.yaml"))
    rows = [row for folder in folders for row in _rows(folder, asked.records, asked.seconds)]
    measure.report(rows, as_json=asked.json)


def _rows(folder: Path, count: int, seconds: float) -> Iterator[Row]:
    load_feed(folder)
    began = time.process_time()
    feed = load_feed(folder)
    compiled = time.process_time() - began
    name = f"{feed.tier}/{feed.name}"
    raws = [varied(feed, folder, number) for number in range(count)]
    records = [read(feed.map.format, raw) for raw in raws]
    contexts = [_context(feed, record) for record in records]
    made = feed.map.run(records[0], context=contexts[0]).resources
    written = dump_exact(made)

    def run() -> None:
        for raw, context in zip(raws, contexts, strict=True):
            feed.map.run(read(feed.map.format, raw), context=context)

    def fresh() -> None:
        for raw in raws:
            read(feed.map.format, raw)

    parsed = measure.cpu_per_op(fresh, seconds=seconds / 2).cpu_us / 1e6 / count
    mapped = measure.cpu_per_op(run, seconds=seconds).cpu_us / 1e6 / count - parsed
    plain = measure.cpu_per_op(lambda: json.loads(written), seconds=seconds / 4).cpu_us / 1e6
    leaves = _leaves(made)
    note = f"{leaves} leaves, {1 / mapped:,.0f} records/s, {mapped / plain:.1f} x json.loads of the output"
    yield measure.row_of(f"map {name}", mapped, per=leaves, budget=MAPPED, note=note)
    yield measure.row_of(f"parse {name}", parsed, note=f"{len(raws[0])} bytes")
    yield measure.row_of(f"compile {name}", compiled, budget=Budget(MICROSECONDS))


def varied(feed: Feed, folder: Path, number: int) -> bytes:
    """Return the feed's first stored case as another person's: other numbers and other times of day."""
    case = min(path.parent for path in folder.glob("cases/*/out.json"))
    raw = next(case.glob("in.*")).read_bytes()
    for stem in (b"P0008812", b"ZY20260305017", b"I63.900", b"1042", b"38000000", b"TY20260312", b"20260312-0001"):
        raw = raw.replace(stem, stem[:-3] + f"{number % 1000:03d}".encode())
    raw = re.sub(rb"(20[0-9]{6}[01][0-9])[0-9]{4}\b", rb"\g<1>%02d00" % (number % 60), raw)
    raw = re.sub(rb"( [0-9]{2}:)[0-9]{2}", rb"\g<1>%02d" % (number % 60), raw)
    return raw if feed.map.format == "hl7v2" else json.dumps(json.loads(raw), ensure_ascii=False).encode()


def _context(feed: Feed, record: Record) -> Context:
    return Context(
        make_id=lambda kind, *parts: make_id(KEY, kind, parts),
        organisation="12410000MB00000010",
        is_registered=lambda _: True,
        received=datetime(2026, 3, 12, 8, 31, tzinfo=UTC),
        message=feed.map.message_id(record),
    )


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1


if __name__ == "__main__":
    main()
