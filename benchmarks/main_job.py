"""CPU per operation of the main job, in process over ASGI and MLLP, on a PostgreSQL of its own.

`.venv/bin/python benchmarks/main_job.py [discharges]` prints a row an operation: CPU of this process and of PostgreSQL,
and the rate of one client waiting for each answer. In-process figures leave out the HTTP server. No row is a limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.store.postgres.embedded import EmbeddedServer
from gateway.store.postgres.migrate import upgrade
from tests.flows.town import CARD, ELDER_CARD, Town, a03, discharge, open_town

READS = 400
SEARCHES = 200
TICKS = os.sysconf("SC_CLK_TCK")


def database_cpu(pid: int) -> float:
    """Return the CPU seconds that PostgreSQL and its children have used."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


async def measure(name: str, times: int, pid: int, work: Callable[[], Awaitable[object]]) -> None:
    """Print one row."""
    for _ in range(min(times, 20)):
        await work()
    began, own, other = time.perf_counter(), time.process_time(), database_cpu(pid)
    for _ in range(times):
        await work()
    wall = time.perf_counter() - began
    mine, theirs = (time.process_time() - own) / times, (database_cpu(pid) - other) / times
    print(f"{name:44} {mine * 1e6:9.0f} us + {theirs * 1e6:7.0f} us PostgreSQL   {times / wall:8.0f} /s")


async def run(dsn: str, pid: int, home: Path, count: int) -> None:
    """Measure every operation of the story."""
    async with open_town(dsn, home) as town:
        began = time.perf_counter()
        await town.until_care_plan()
        print(f"story, consent to care plan: {time.perf_counter() - began:.2f} s")
        plan = (await town.of_elder("station-doctor", "CarePlan"))[0]
        elder = plan["subject"]["reference"]
        query = {"patient.identifier": f"{CARD}|{ELDER_CARD}"}

        await measure("the test client and the routes alone: /health", READS, pid, lambda: town.http.get("/health"))
        await measure("read, authorised and audited", READS, pid, lambda: town.fhir("station-doctor", "GET", elder))
        await measure("read, masked", READS, pid, lambda: town.fhir("station-carer", "GET", elder))
        await measure(
            "search CarePlan by the elder's identifier",
            SEARCHES,
            pid,
            lambda: town.fhir("station-doctor", "POST", "CarePlan/_search", data=query),
        )
        page = f"Observation?patient={elder}&_sort=-date&_count=20"
        await measure(
            "search Observation by patient, sorted", SEARCHES, pid, lambda: town.fhir("centre-doctor", "GET", page)
        )
        await discharges(town, pid, count)


async def discharges(town: Town, pid: int, count: int) -> None:
    """Measure whole discharges, from the POST to the stored hand-over, and frames of one stay over MLLP."""
    number = 0

    async def one() -> None:
        nonlocal number
        number += 1
        message = discharge(inpatNo=f"ZYB{number:08d}", admNo=f"ADMB{number:08d}")
        message["data"]["patient"] |= {"idCardNo": "", "idCardType": "", "patId": f"PB{number:07d}"}
        response = await town.post("hospital-his", "json-discharge", json.dumps(message, ensure_ascii=False).encode())
        if response.json()["success"] != "AA":
            raise SystemExit(response.text)
        await town.quiet()

    await measure("discharge JSON, stored, handed over, audited", count, pid, one)
    await measure("the same ADT^A03 again over MLLP", count, pid, lambda: town.mllp(a03()))


def main() -> None:
    """Start a server, measure, stop it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer.start(Path(folder) / "pg") as server:
        asyncio.run(upgrade(server.dsn))
        asyncio.run(run(server.dsn, server.pid, Path(folder) / "home", count))


if __name__ == "__main__":
    main()
