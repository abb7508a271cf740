"""The store as it grows: load, read, searches, create and disk at each size, and how each row grows with it.

`.venv/bin/python benchmarks/sizes.py [--sizes 10000,100000,1000000] [--json]`. One PostgreSQL with its usual safety,
one process, no HTTP: the whole way from the hub on, decided, masked and audited. CPU is of this process and of
PostgreSQL; a rate is what a machine of two cores does by that CPU, as in `main_job.py` and architecture section 6;
`x1.3` in a note is the growth against the first size.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import asyncpg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import measure  # noqa: E402 - after the path
from benchmarks.database import cpu_of  # noqa: E402
from benchmarks.measure import KILOBYTES, MICROSECONDS, Budget, Row  # noqa: E402
from gateway.app import App, install, open_app  # noqa: E402
from gateway.cli import loop  # noqa: E402
from gateway.config import Settings  # noqa: E402
from gateway.demo.bulk import PER_ELDER, resources  # noqa: E402
from gateway.demo.county import CENTRE, HOSPITAL, STATION  # noqa: E402
from gateway.fhir import codec, search  # noqa: E402
from gateway.hub import Put  # noqa: E402
from gateway.store.postgres.embedded import EmbeddedServer  # noqa: E402
from security.caller import Caller, Role, Tier  # noqa: E402

SEED = 20_261_125
BATCH = 500
"""Resources of one commit while loading."""
TIMES = 200
PROBES = 400
"""Elders that are asked about, spread over the whole store."""
ALL = frozenset({"system/*.cruds"})
DOCTOR = Caller("bench", Role.CENTRE_DOCTOR, CENTRE, Tier.CENTRE, "TREAT", scopes=ALL)
STATION_DOCTOR = Caller("bench", Role.STATION_DOCTOR, STATION, Tier.STATION, "TREAT", scopes=ALL)
LOADER = Caller.system("pipeline", organisation=HOSPITAL, tier=Tier.HOSPITAL)
Ask = Callable[[int], Awaitable[object]]


@dataclass
class County:
    """What is loaded so far: how much, and the elders by station and centre, to be asked about."""

    rows: Iterator[tuple[str, str, bytes]]
    loaded: int = 0
    patients: list[str] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    cards: dict[str, str] = field(default_factory=dict)

    def take(self, count: int) -> Iterator[list[Put]]:
        """Yield the puts of the next ``count`` resources, a batch at a time."""
        while batch := list(islice(self.rows, min(BATCH, count))):
            count -= len(batch)
            self.loaded += len(batch)
            yield [self._put(kind, id_, body) for kind, id_, body in batch]

    def _put(self, kind: str, id_: str, body: bytes) -> Put:
        doc = codec.parse_exact(body)
        if kind == "Patient":
            self.cards[id_] = next(each["value"] for each in doc["identifier"] if each["system"].endswith(".1.3"))
        if kind == "CarePlan" and STATION.encode() in body:
            self.planned.append(doc["subject"]["reference"].removeprefix("Patient/"))
        if kind == "Task" and CENTRE.encode() in body:
            self.patients.append(doc["for"]["reference"].removeprefix("Patient/"))
        return Put(doc)


def main() -> None:
    """Load and measure each size in turn."""
    parser = measure.arguments(__doc__ or "")
    parser.add_argument("--sizes", default="10000", help="resources, ascending, by commas")
    asked = parser.parse_args()
    sizes = sorted(int(size) for size in asked.sizes.split(","))
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer.start(Path(folder) / "pg") as server:
        rows = loop.run(run(server.dsn, server.pid, Path(folder), sizes))
    measure.report(rows, as_json=asked.json)


async def run(dsn: str, pid: int, folder: Path, sizes: Sequence[int]) -> list[Row]:
    """Return the rows of every size."""
    settings = Settings(home=folder / "home", database_url=dsn, public_url="http://127.0.0.1:8080", mllp_port=0)
    await install(settings)
    county = County(resources(sizes[-1] // (PER_ELDER // 2) + 10, SEED))
    rows: list[Row] = []
    first: dict[str, float] = {}
    async with _resting(settings) as app:
        for size in sizes:
            found = [await _load(app, county, size, pid), *[row async for row in _asks(app, county, dsn, pid)]]
            for row in found:
                figure = row.cpu_us or row.value
                grown = figure / first.setdefault(row.name, figure)
                note = f"{row.note}; x{grown:.2f}" if size != sizes[0] else row.note
                rows.append(replace(row, name=f"{size:>9,}: {row.name}", note=note))
            print(f"{size:,} resources measured", file=sys.stderr, flush=True)
    return rows


@asynccontextmanager
async def _resting(settings: Settings) -> AsyncIterator[App]:
    """Give a gateway whose workflow and pipeline rest, so that a row holds only what it names."""
    async with open_app(settings) as app:
        await app.workflow.stop()
        await app.pipeline.stop()
        loop.settle()  # as `serve` does
        yield app


async def _load(app: App, county: County, size: int, pid: int) -> Row:
    began, own, other, before = time.perf_counter(), time.process_time(), cpu_of(pid), county.loaded
    for puts in county.take(size - county.loaded):
        await app.hub.ingest(LOADER, puts, what={"interface": "bench"})
    count = county.loaded - before
    wall, mine, theirs = time.perf_counter() - began, time.process_time() - own, cpu_of(pid) - other
    note = f"checked and audited, {BATCH} a commit; database {theirs / count * 1e6:.0f} us; {count / wall:,.0f}/s wall"
    budget = Budget("/s", 10_000, 18_000)
    return _rate_row("bulk load, a resource", (mine + theirs) / count, budget, note)


async def _asks(app: App, county: County, dsn: str, pid: int) -> AsyncIterator[Row]:
    """Yield the rows of one size."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("ANALYZE")
        yield await _disk(connection, county.loaded)
    finally:
        await connection.close()
    began = time.process_time()
    await app.hub.warm()
    yield measure.row_of("the gate learns what is stored, at a start", time.process_time() - began, note="own CPU")
    # Nothing is decided on knowledge older than ten seconds, and the loading left it behind.
    began = time.process_time()
    await app.hub._tools.learning.catch_up()
    yield measure.row_of("the gate learns what was loaded, from the feed", time.process_time() - began, note="own CPU")
    for name, ask, budget in _operations(app, county):
        yield await _measured(name, ask, budget, pid)
    yield await _page_in_database(app, county)


async def _disk(connection: asyncpg.Connection[asyncpg.Record], count: int) -> Row:
    await connection.execute("CHECKPOINT")
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    note = "database with history, indexes and journal, without WAL"
    return Row("disk, a resource", 0.0, size / count / 1024, KILOBYTES, 1.5, 1.0, note)


def _operations(app: App, county: County) -> Iterator[tuple[str, Ask, Budget]]:
    hub, elders, planned = app.hub, _spread(county.patients), _spread(county.planned)

    def page(kind: str, *pairs: tuple[str, str]) -> Ask:
        return lambda n: hub.search(
            DOCTOR, kind, pairs=[(k, v.format(elder=elders[n % len(elders)])) for k, v in pairs]
        )

    def by_card(n: int) -> Awaitable[object]:
        card = county.cards[elders[n % len(elders)]]
        return hub.search(DOCTOR, "Encounter", pairs=[("patient.identifier", f"urn:oid:2.16.156.10011.1.3|{card}")])

    def create(n: int) -> Awaitable[object]:
        return hub.create(STATION_DOCTOR, "Observation", body=_reading(planned[n % len(planned)], n))

    yield "read Patient", lambda n: hub.read(DOCTOR, "Patient", elders[n % len(elders)]), Budget(MICROSECONDS)
    yield (
        "search Observation?patient&_sort=-date&_count=20",
        page("Observation", ("patient", "{elder}"), ("_sort", "-date"), ("_count", "20")),
        Budget(MICROSECONDS, 1500, 700),
    )
    # HAPI's CPU for its like (architecture §6): 3.6 to 13.5 ms; a fifth and a tenth of the cheapest.
    other = Budget(MICROSECONDS, 720, 360)
    yield "search Encounter?patient.identifier", by_card, other
    yield "search Condition?patient", page("Condition", ("patient", "{elder}")), other
    yield "search Observation?patient&code", page("Observation", ("patient", "{elder}"), ("code", "85354-9")), other
    yield "search Task?owner&status", page("Task", ("owner", f"Organization/{CENTRE}"), ("status", "requested")), other
    yield "search Encounter?patient&date", page("Encounter", ("patient", "{elder}"), ("date", "ge2026-01-01")), other
    yield "create Observation, validated", create, Budget("/s", 800, 1500)


async def _measured(name: str, ask: Ask, budget: Budget, pid: int) -> Row:
    number = 0

    async def once() -> None:
        nonlocal number
        number += 1
        await ask(number)

    own, other, wall = await measure.cpu_per_await(once, times=TIMES, others=lambda: cpu_of(pid))
    note = f"own {own * 1e6:.0f} us, PostgreSQL {other * 1e6:.0f} us, wall {wall * 1e6:.0f} us"
    return _rate_row(name, own + other, budget, note)


def _rate_row(name: str, cpu_seconds: float, budget: Budget, note: str) -> Row:
    """Return the row of an operation whose rate is that of all cores."""
    return measure.row_of(name, cpu_seconds, per=measure.CORES, budget=budget, note=note)


async def _page_in_database(app: App, county: County) -> Row:
    """Return the p95 of one page by patient, as one connection waits for it: the database and its answer's way."""
    took = []
    for elder in _spread(county.patients):
        query, _ = search.parse("Observation", [("patient", elder), ("_sort", "-date")], strict=True, base="")
        restriction = app.hub._tools.gate.narrow(DOCTOR, "search", "Observation", by=query)
        began = time.perf_counter()
        await app.rooms.store.search(query, restriction)
        took.append(time.perf_counter() - began)
    p95 = statistics.quantiles(took, n=20)[-1]
    note = f"wall time, p50 {statistics.median(took) * 1e6:.0f} us, bodies opened"
    return measure.row_of(
        "search page by patient in the store, p95", p95, budget=Budget(MICROSECONDS, 2000, 500), note=note
    )


def _spread(elders: Sequence[str]) -> list[str]:
    """Return some elders, evenly from the first loaded to the last."""
    known = list(dict.fromkeys(elders))
    return known[:: max(1, len(known) // PROBES)]


def _reading(elder: str, n: int) -> bytes:
    at = f"2026-11-{n % 28 + 1:02d}T07:{n % 60:02d}:00+08:00"
    return (
        b'{"resourceType":"Observation","status":"final",'
        b'"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category",'
        b'"code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},'
        b'"subject":{"reference":"Patient/%s"},"effectiveDateTime":"%s",'
        b'"valueQuantity":{"value":%d,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}'
    ) % (elder.encode(), at.encode(), 60 + n % 40)


if __name__ == "__main__":
    main()
