"""CPU of the maps on varied records: records and target leaves a second and core; prints a table, asserts nothing.

    python benchmarks/mapping.py [--records 200]

Parsing is not counted. Every record is another person and stay, so no record profits from another. The last
column sets the map beside `json.loads` of the same bytes in the same run: figures shift with the machine's load, ratios
do not.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.formats import Record, read  # noqa: E402 - after the path
from gateway.mapping import Context, Feed, load_feed  # noqa: E402 - after the path
from security.crypto.hashes import make_id  # noqa: E402 - after the path

KEY = b"k" * 32
ROUNDS = 5


def main() -> None:
    """Print one row a feed: compile time, records and leaves a second, cost against parsing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=200)
    count = parser.parse_args().records
    print(f"{'feed':28}{'compile ms':>11}{'records/s':>11}{'leaves':>8}{'leaves/s':>11}{'x parse':>9}")
    for folder in sorted(path.parent for path in (ROOT / "mappings").glob("*/*/map.yaml")):
        print(_row(folder, count))


def _row(folder: Path, count: int) -> str:
    load_feed(folder)
    begun = time.process_time()
    feed = load_feed(folder)
    compiled_ms = (time.process_time() - begun) * 1000
    raws = [varied(feed, folder, number) for number in range(count)]
    records = [read(feed.map.format, raw) for raw in raws]
    contexts = [_context(feed, record) for record in records]
    leaves = _leaves(feed.map.run(records[0], context=contexts[0]).resources)
    mapped = _best(lambda: [feed.map.run(r, context=c) for r, c in zip(records, contexts, strict=True)]) / count
    parsed = _best(lambda: [read(feed.map.format, raw) for raw in raws]) / count
    name = f"{feed.tier}/{feed.name}"
    return f"{name:28}{compiled_ms:11.0f}{1 / mapped:11.0f}{leaves:8}{leaves / mapped:11.0f}{mapped / parsed:9.1f}"


def varied(feed: Feed, folder: Path, number: int) -> bytes:
    """Return the feed's first stored case with every number in it that names a person, a stay or a message changed."""
    case = min(path.parent for path in folder.glob("cases/*/out.json"))
    raw = next(case.glob("in.*")).read_bytes()
    for stem in (b"P0008812", b"ZY20260305017", b"I63.900", b"1042", b"38000000", b"TY20260312", b"20260312-0001"):
        raw = raw.replace(stem, stem[:-3] + f"{number % 1000:03d}".encode())
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


def _best(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the best of several rounds, without the garbage collector."""
    work()
    gc.disable()
    try:
        return min(_once(work) for _ in range(ROUNDS))
    finally:
        gc.enable()


def _once(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
