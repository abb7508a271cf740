"""Requests over sockets to `yiyang serve --workers 2`, beside a lean client on the same two cores.

`.venv/bin/python benchmarks/doors.py [--requests 3000] [--json]`. CPU of a request is that of the workers and of
PostgreSQL, with what they do beside it; the rate is what two cores do by that and the client's own CPU. The wall rate,
which a busy machine lowers, stands in the note.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import measure  # noqa: E402 - after the path
from benchmarks.database import cpu_of  # noqa: E402
from benchmarks.measure import Budget, Row  # noqa: E402
from tests.flows.town import CARD, ELDER_CARD, discharge  # noqa: E402
from tests.gateway.workers.serving import Gateway, serving, story, until  # noqa: E402

LINES = 16
WARM = 1 / 3
"""Share of the requests that is sent before the measuring begins."""


class Spent(NamedTuple):
    """Seconds of a series: CPU of the workers, of PostgreSQL, of the client, and wall."""

    workers: float
    database: float
    client: float
    wall: float


def main() -> None:
    """Serve, ask, stop."""
    parser = measure.arguments(__doc__ or "")
    parser.add_argument("--requests", type=int, default=3000)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "home", "--workers", str(measure.CORES)) as gateway,
    ):
        story(gateway)
        rows = list(run(gateway, asked.requests))
    measure.report(rows, as_json=asked.json)


def run(gateway: Gateway, times: int) -> list[Row]:
    """Return the rows."""
    port = int(gateway.ready["base"].split(":")[2].split("/")[0])
    found = gateway.http.get(
        f"{gateway.ready['base']}/Patient",
        params={"identifier": f"{CARD}|{ELDER_CARD}"},
        headers={"Authorization": f"Bearer {gateway.token('doctor')}"},
    ).json()
    elder = found["entry"][0]["resource"]["id"]
    reader = f"Authorization: Bearer {gateway.token('doctor')}\r\n"
    read = f"GET /fhir/Patient/{elder} HTTP/1.1\r\nHost: localhost\r\n{reader}\r\n".encode()
    page = read.replace(f"Patient/{elder} ".encode(), f"Observation?patient={elder}&_sort=-date&_count=20 ".encode())
    sender = f"Authorization: Bearer {gateway.token('his')}\r\nContent-Type: application/json\r\n"
    return [
        _row(gateway, "GET /health", port, [b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"] * times),
        _row(gateway, "authorised read over HTTP", port, [read] * times, Budget("/s", 2_000, 4_000)),
        _row(gateway, "authorised search of a page over HTTP", port, [page] * times),
        _row(
            gateway,
            "discharge JSON over HTTP, until all is stored",
            port,
            [_posted(sender) for _ in range(max(times // 8, LINES))],
            Budget("/s", 150, 400),
            settle=True,
        ),
    ]


def _row(
    gateway: Gateway,
    name: str,
    port: int,
    requests: list[bytes],
    budget: Budget = measure.NONE,
    *,
    settle: bool = False,
) -> Row:
    first = max(int(len(requests) * WARM), 1)
    _series(gateway, port, requests[:first], settle=settle)
    spent = _series(gateway, port, requests[first:], settle=settle)
    each = len(requests) - first
    cpu = (spent.workers + spent.database) / each
    rate = measure.CORES * each / (spent.workers + spent.database + spent.client)
    note = (
        f"workers {spent.workers / each * 1e6:.0f} us, PostgreSQL {spent.database / each * 1e6:.0f} us, "
        f"client {spent.client / each * 1e6:.0f} us; {each / spent.wall:,.0f}/s wall"
    )
    return Row(name, cpu * 1e6, rate, *budget, note)


def _series(gateway: Gateway, port: int, requests: list[bytes], *, settle: bool) -> Spent:
    def cpu() -> tuple[float, float]:
        return sum(map(cpu_of, gateway.workers)), cpu_of(gateway.postmaster)

    workers, database = cpu()
    began = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    client = context.Process(target=_client, args=(port, requests, tell))
    client.start()
    own = told.recv()
    client.join()
    if settle:
        until(lambda: not gateway.yiyang("inbox", "list", "--state", "received", "--json")["messages"])
    wall = time.perf_counter() - began
    later = cpu()
    return Spent(later[0] - workers, later[1] - database, own, wall)


def _client(port: int, requests: list[bytes], tell: multiprocessing.connection.Connection) -> None:
    """Send ``requests`` over several lines, each waiting for its answers, and tell the CPU that it took."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    asyncio.run(_ask(port, requests))
    after = resource.getrusage(resource.RUSAGE_SELF)
    tell.send(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


async def _ask(port: int, requests: list[bytes]) -> None:
    waiting = iter(requests)

    async def line() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            at = head.lower().index(b"content-length:") + len("content-length:")
            await reader.readexactly(int(head[at : head.index(b"\r", at)]))
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(head.decode())
        writer.close()

    await asyncio.gather(*(line() for _ in range(LINES)))


_NUMBER = count(1)


def _posted(sender: str) -> bytes:
    """Return the request that sends a discharge of an elder that nobody knows."""
    number = next(_NUMBER)
    message = discharge(inpatNo=f"ZYB{number:08d}", admNo=f"ADMB{number:08d}")
    message["data"]["patient"] |= {"idCardNo": "", "idCardType": "", "patId": f"PB{number:07d}"}
    body = json.dumps(message, ensure_ascii=False).encode()
    head = f"POST /intake/json-discharge HTTP/1.1\r\nHost: localhost\r\n{sender}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


if __name__ == "__main__":
    main()
