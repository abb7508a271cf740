"""Every benchmark by one command: `.venv/bin/python benchmarks/run.py [--sizes 10000,100000] [--json FILE]`.

Each file runs as a process of its own, so that none warms another's caches; its rows come back as JSON lines. It prints
a table a file and, at the end, which rows are below their floor or goal. The exit code is 1 only when a benchmark could
not run: a figure is never a failure, because the machine is shared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.measure import Row, table  # noqa: E402 - after the path

HERE = Path(__file__).resolve().parent
BENCHMARKS = ("fhir_core", "mapping", "security_path", "main_job", "doors", "sizes", "footprint")
SIZES = "10000,100000"


def main() -> int:
    """Run what is asked for, in order."""
    parser = argparse.ArgumentParser(description="Run the benchmarks.")
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all when none is named")
    parser.add_argument("--sizes", default=SIZES, help="resources in the store, ascending, by commas")
    parser.add_argument("--json", type=Path, help="also write every row to this file")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    found: list[tuple[str, Row]] = []
    failed = []
    for name in asked.only or BENCHMARKS:
        rows = list(_rows(name, ["--sizes", asked.sizes] if name == "sizes" else []))
        print(f"\n{name}\n{table(rows)}" if rows else f"\n{name}: could not run", flush=True)
        found += [(name, row) for row in rows]
        failed += [] if rows else [name]
    _summary(found)
    if asked.json:
        lines = [json.dumps({"benchmark": name, **row.as_json()}, ensure_ascii=False) for name, row in found]
        asked.json.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if failed else 0


def _rows(name: str, words: Sequence[str]) -> Iterator[Row]:
    command = [sys.executable, str(HERE / f"{name}.py"), "--json", *words]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            yield _row(json.loads(line))


def _row(said: dict[str, Any]) -> Row:
    return Row(said["row"], said["cpu_us"], said["rate"], said["unit"], said["floor"], said["goal"], said["note"])


def _summary(found: Sequence[tuple[str, Row]]) -> None:
    judged = [(name, row) for name, row in found if row.verdict]
    below = [(name, row) for name, row in judged if row.verdict == "below"]
    between = [(name, row) for name, row in judged if row.verdict == "floor" and row.goal is not None]
    print(
        f"\n{len(found)} rows, {len(judged)} with a budget; {len(below)} below the floor, {len(between)} below the goal"
    )
    for word, rows in (("below the floor", below), ("below the goal", between)):
        for name, row in rows:
            print(f"  {word}: {name}: {row.name}: {row.value:,.1f} {row.unit}")


if __name__ == "__main__":
    sys.exit(main())
