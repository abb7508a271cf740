"""The main job in process: reads, searches, creates, bundles, discharges and HL7 frames, on a PostgreSQL of its own.

`.venv/bin/python benchmarks/main_job.py [--records 96] [--json]`. CPU is of this process and of PostgreSQL together (a
note tells both); a rate is what a machine of two cores does by that CPU, as architecture §6 counts, without the client.
The HTTP client and the ASGI transport of the tests are taken off where a row goes through them: see their own row.
`doors.py` measures over sockets.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import measure  # noqa: E402 - after the path
from benchmarks.database import cpu_of  # noqa: E402
from benchmarks.measure import MICROSECONDS, Budget, Row  # noqa: E402
from gateway.cli import loop  # noqa: E402
from gateway.store.postgres.embedded import EmbeddedServer  # noqa: E402
from gateway.store.postgres.migrate import upgrade  # noqa: E402
from security.caller import Caller  # noqa: E402
from security.state.roles import ROLES  # noqa: E402
from tests.flows.town import CARD, CENTRE, CLIENTS, ELDER_CARD, Town, a03, discharge, open_town  # noqa: E402

READS, SEARCHES, CREATES, BUNDLES = 400, 200, 200, 8
AT_ONCE = 16
"""Senders that wait for their answers side by side."""
Work = Callable[[], Awaitable[object]]
Doc = dict[str, Any]


def main() -> None:
    """Start a server, measure, stop it."""
    parser = measure.arguments(__doc__ or "")
    parser.add_argument("--records", type=int, default=96, help="discharges and frames")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer.start(Path(folder) / "pg") as server:
        asyncio.run(upgrade(server.dsn))
        rows = loop.run(run(server.dsn, server.pid, Path(folder) / "home", asked.records))
    measure.report(rows, as_json=asked.json)


async def run(dsn: str, pid: int, home: Path, records: int) -> list[Row]:
    """Return the rows of the story."""
    async with open_town(dsn, home) as town:
        await town.until_care_plan()
        loop.settle()  # as `serve` does
        bench = Bench(town, pid)
        rows = [await bench.burst("discharge JSON, about 25 resources, stored", bench.discharge, records, 150, 400)]
        await town.app.rooms.pool.execute("ANALYZE")
        rows.append(await bench.burst("the same, statistics known", bench.discharge, records, 150, 400))
        rows += await bench.frames(records)
        return rows + await bench.requests()


class Bench:
    """Rows on one town."""

    def __init__(self, town: Town, pid: int) -> None:
        self.town, self.pid, self.number = town, pid, count(1)

    async def requests(self) -> list[Row]:
        """Return the rows of FHIR requests, each waiting for its answer."""
        town, hub = self.town, self.town.app.hub
        plan = (await town.of_elder("station-doctor", "CarePlan"))[0]
        elder = plan["subject"]["reference"]
        await self._observe(elder)
        doctor, reader, carer = (self._caller(name) for name in ("centre-doctor", "station-doctor", "station-carer"))
        writer = self._writer()
        page = [("patient", elder), ("_sort", "-date"), ("_count", "20")]
        card = [("patient.identifier", f"{CARD}|{ELDER_CARD}")]
        kind, id_ = elder.split("/")
        budget = Budget(MICROSECONDS, 1500, 700)
        return [
            await self.row("the test client and the routes alone: /health", READS, lambda: town.http.get("/health")),
            await self.row("read, over ASGI", READS, lambda: town.fhir("station-doctor", "GET", elder)),
            await self.row("read, hub", READS, lambda: hub.read(reader, kind, id_), Budget("/s", 2_000, 4_000)),
            await self.row("read, hub, masked", READS, lambda: hub.read(carer, kind, id_), Budget("/s", 2_000, 4_000)),
            await self.row(
                "search Observation?patient&_sort=-date&_count=20, hub",
                SEARCHES,
                lambda: hub.search(doctor, "Observation", pairs=page),
                budget,
            ),
            await self.row(
                "search CarePlan by the elder's identifier, hub",
                SEARCHES,
                lambda: hub.search(reader, "CarePlan", pairs=card),
            ),
            await self.row(
                "create, validated, hub",
                CREATES,
                lambda: hub.create(writer, "Observation", body=_observation(elder)),
                Budget("/s", 800, 1_500),
            ),
            await self.row(
                "transaction of 100, a resource, hub",
                BUNDLES,
                lambda: hub.transaction(writer, body=_bundle(elder)),
                Budget("/s", 4_000, 8_000),
                per=100,
            ),
        ]

    async def row(self, name: str, times: int, work: Work, budget: Budget = measure.NONE, *, per: float = 1) -> Row:
        """Return one row."""
        own, other, wall = await measure.cpu_per_await(work, times=times, others=lambda: cpu_of(self.pid))
        return _row(name, own, other, wall, budget, per)

    async def burst(self, name: str, one: Work, times: int, floor: float, goal: float) -> Row:
        """Return the row of ``times`` messages sent side by side, until everything that follows is done."""
        await self._burst(one, AT_ONCE)
        began, own, other = time.perf_counter(), time.process_time(), cpu_of(self.pid)
        await self._burst(one, times)
        own, other, wall = (
            time.process_time() - own, cpu_of(self.pid) - other, time.perf_counter() - began,
        )  # fmt: skip
        return _row(name, own / times, other / times, wall / times, Budget("/s", floor, goal), 1)

    async def frames(self, times: int) -> list[Row]:
        """Return the rows of MLLP: acknowledged, with the pipeline at rest, and then all that follows."""
        town = self.town
        await town.app.pipeline.stop()
        lines = [await asyncio.open_connection("127.0.0.1", town.app.mllp_port) for _ in range(AT_ONCE)]
        free: asyncio.Queue[Any] = asyncio.Queue()
        for line in lines:
            free.put_nowait(line)

        async def one() -> None:
            reader, writer = await free.get()
            writer.write(b"\x0b" + _frame(next(self.number)) + b"\x1c\r")
            answer = await reader.readuntil(b"\x1c\r")
            if b"MSA|CA" not in answer:  # the sample asks in enhanced mode
                raise SystemExit(answer.decode())
            free.put_nowait((reader, writer))

        await self._side_by_side(one, AT_ONCE)
        began, own, other = time.perf_counter(), time.process_time(), cpu_of(self.pid)
        await self._side_by_side(one, times)
        own, other, wall = (
            time.process_time() - own, cpu_of(self.pid) - other, time.perf_counter() - began,
        )  # fmt: skip
        rows = [
            _row("MLLP ADT^A03, acknowledged", own / times, other / times, wall / times, Budget("/s", 1_000, 3_000), 1)
        ]
        for _, writer in lines:
            writer.close()
        began, own, other = time.perf_counter(), time.process_time(), cpu_of(self.pid)
        town.app.pipeline.start()
        await self._rest()
        own, other, wall = (
            time.process_time() - own, cpu_of(self.pid) - other, time.perf_counter() - began,
        )  # fmt: skip
        many = times + AT_ONCE
        rows.append(
            _row("  and what follows: stored, handed over", own / many, other / many, wall / many, measure.NONE, 1)
        )
        return rows

    async def discharge(self) -> None:
        """Send one discharge of an elder that nobody knows."""
        number = next(self.number)
        message = discharge(inpatNo=f"ZYB{number:08d}", admNo=f"ADMB{number:08d}")
        message["data"]["patient"] |= {"idCardNo": "", "idCardType": "", "patId": f"PB{number:07d}"}
        body = json.dumps(message, ensure_ascii=False).encode()
        response = await self.town.post("hospital-his", "json-discharge", body)
        if response.json()["success"] != "AA":
            raise SystemExit(response.text)

    async def _burst(self, one: Work, times: int) -> None:
        await self._side_by_side(one, times)
        await self._rest()

    async def _side_by_side(self, one: Work, times: int) -> None:
        turn = asyncio.Semaphore(AT_ONCE)

        async def in_turn() -> None:
            async with turn:
                await one()

        await asyncio.gather(*(in_turn() for _ in range(times)))

    async def _rest(self) -> None:
        """Wait until pipeline and workflow have nothing left to do, asking seldom."""
        rooms = self.town.app.rooms
        while True:
            rows, _ = await rooms.inbox.page(state="received", limit=1, cursor="")
            cursor = await rooms.store.cursor_of("workflow")
            if not rows and (await rooms.store.changes(cursor, limit=1)).cursor == cursor:
                return
            await asyncio.sleep(0.05)

    def _caller(self, client: str) -> Caller:
        """Return ``client`` as the hub is handed it by a door."""
        known = self.town.app.rooms.registry.snapshot()
        role, code, scopes, _ = CLIENTS[client]
        organisation = known.organisation(code)
        assert organisation is not None  # noqa: S101 - the town registered it
        purpose, chain = ROLES[role].purpose, known.chain(code)
        return Caller(client, role, code, organisation.tier, purpose, chain, frozenset(scopes))

    def _writer(self) -> Caller:
        """Return a centre's doctor who may write, too."""
        return replace(self._caller("centre-doctor"), scopes=frozenset({"system/*.cruds"}))

    async def _observe(self, elder: str) -> None:
        """Give the elder a page of observations."""
        writer = self._writer()
        for _ in range(2):
            await self.town.app.hub.transaction(writer, body=_bundle(elder, 30))


def _row(name: str, own: float, other: float, wall: float, budget: Budget, per: float) -> Row:
    note = f"{own * 1e6:.0f} us + {other * 1e6:.0f} us PostgreSQL; {per / wall:,.0f}/s alone"
    cpu = own + other
    return Row(name, cpu * 1e6, measure.CORES * per / cpu, *budget, note)


_NUMBER = count(1)


def _observation(elder: str) -> bytes:
    number = next(_NUMBER)
    doc = {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "心率"}], "text": "心率"},
        "subject": {"reference": elder},
        "effectiveDateTime": f"2026-03-12T{number % 24:02d}:{number % 60:02d}:00+08:00",
        "performer": [{"reference": f"Organization/{CENTRE}"}],
        "valueQuantity": {
            "value": 60 + number % 40,
            "unit": "次/分",
            "system": "http://unitsofmeasure.org",
            "code": "/min",
        },
        "note": [{"text": "上门测量，老人安静坐位休息五分钟后测量，未诉不适。" * 4}],
    }
    return json.dumps(doc, ensure_ascii=False).encode()


def _bundle(elder: str, size: int = 100) -> bytes:
    entries = (
        b'{"resource":%b,"request":{"method":"POST","url":"Observation"}}' % _observation(elder) for _ in range(size)
    )
    return b'{"resourceType":"Bundle","type":"transaction","entry":[%b]}' % b",".join(entries)


def _frame(number: int) -> bytes:
    """Return the sample ADT^A03 under a message id of its own, about a stay of an elder of its own."""
    head, _, rest = a03().partition(b"\r")
    fields = head.split(b"|")
    fields[9] = b"M%08d" % number
    for known, other in (
        (b"~410199194303051027^^^GA^NNCHN", b""),
        (b"~41019910100100017^^^HR^HR", b""),
        (b"P0008812", b"P%07d" % number),
        (b"ZY20260305017", b"ZYM%08d" % number),
    ):
        rest = rest.replace(known, other)
    return b"\r".join((b"|".join(fields), rest))


if __name__ == "__main__":
    main()
