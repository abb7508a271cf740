"""What the gateway costs before its first request: start-up of the words, start of a server, memory of each process.

`.venv/bin/python benchmarks/footprint.py [--workers 2] [--json]`. Times are CPU of the child process and its own
children (the embedded server's start too); memory is PSS, so that what processes share is counted once.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import measure  # noqa: E402 - after the path
from benchmarks.measure import MICROSECONDS, Budget, Row  # noqa: E402

YIYANG = (sys.executable, "-m", "gateway.cli")
STARTS = 5
HELP_MOST_US = 120_000
"""console.md §3.3: a help page within 120 ms."""


def main() -> None:
    """Measure everything once."""
    parser = measure.arguments(__doc__ or "")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    measure.report([*words(), *serving(asked.workers)], as_json=asked.json)


def words() -> Iterator[Row]:
    """Yield the rows of short calls."""
    yield _start("python alone", [sys.executable, "-c", "pass"])
    yield _start("yiyang --help", [*YIYANG, "--help"], most=HELP_MOST_US)
    yield _start("import of the whole gateway", [sys.executable, "-c", "from gateway.app import open_app"])


def serving(workers: int) -> Iterator[Row]:
    """Yield the rows of an installation: made, started, started again, its processes' memory."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "YIYANG_HOME": str(Path(folder) / "home")}
        began = time.perf_counter()
        subprocess.run([*YIYANG, "init", "--json"], env=env, check=True, capture_output=True, cwd=ROOT)
        yield _wall("init: keys, database, migrations", began)
        for count in (1, workers):
            began = time.perf_counter()
            with _serve(env, count) as root:
                yield _wall(f"serve --workers {count}: until it answers", began)
                yield from _memory(root, f"workers={count}")


@contextmanager
def _serve(env: dict[str, str], workers: int) -> Iterator[int]:
    words = [*YIYANG, "serve", "--port", "0", "--mllp-port", "0", "--json"]
    words += ["--workers", str(workers)] if workers > 1 else []
    with subprocess.Popen(words, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            ready: dict[str, Any] = json.loads(process.stdout.readline())
            if "data" not in ready:
                raise SystemExit(f"serve did not start: {ready}")
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)


def _memory(root: int, note: str) -> Iterator[Row]:
    python, postgres = [], []
    for pid in _family(root):
        try:
            (postgres if _is_postgres(pid) else python).append(_pss_bytes(pid))
        except OSError:
            continue
    for number, size in enumerate(sorted(python, reverse=True)):
        yield _bytes(f"memory of Python process {number + 1}", size, note)
    yield _bytes(f"memory of PostgreSQL, {len(postgres)} processes", sum(postgres), note)


def _family(root: int) -> Iterator[int]:
    """Yield ``root`` and every process below it."""
    yield root
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == root:
            yield from _family(int(entry.parent.name))


def _is_postgres(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").startswith("postgres")


def _pss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise OSError(pid)


def _start(name: str, words: Sequence[str], *, most: float | None = None) -> Row:
    """Return the CPU of a whole process: the best of some starts."""
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
    cpu = min(_child_cpu(words) for _ in range(STARTS))
    return measure.row_of(name, cpu, budget=Budget(MICROSECONDS, most) if most else measure.NONE)


def _child_cpu(words: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def _wall(name: str, began: float) -> Row:
    return measure.row_of(name, time.perf_counter() - began, note="wall time")


def _bytes(name: str, size: float, note: str) -> Row:
    return Row(name, 0.0, size / 1024 / 1024, "MiB", note=note)


if __name__ == "__main__":
    main()
