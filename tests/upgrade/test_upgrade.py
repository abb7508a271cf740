"""A running installation is upgraded under load and taken back again: nothing that was acknowledged is lost or doubled.

The old program is the real one: the commit whose schema ends at 0003, taken out of the history.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from gateway.store.postgres import migrate
from tests.databases import execute, standing_database
from tests.flows.town import CENTRE, HOSPITAL, record

ROOT = Path(__file__).parents[2]
OLD_COMMIT = "722dbdf5f0551af6824aeeeb0e69daefd396b50f"
OLD_HEAD = "0003"
# Far more than is needed: a machine that does other things beside must not make it red.
START_S, WITHIN_S = 240, 240
pytestmark = pytest.mark.needs("history")


@dataclass
class Program:
    """One version of the gateway, its words run on one installation."""

    root: Path
    env: dict[str, str]
    ends: tuple[int, ...] = (0,)

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run a word and return the object that it answers."""
        command = [sys.executable, "-m", "gateway.cli", *words, "--json"]
        said = subprocess.run(command, cwd=self.root, env=self.env, capture_output=True, text=True, check=False)
        assert said.returncode == code, (words, said.stdout, said.stderr)
        found: dict[str, Any] = json.loads(said.stdout)
        return found

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve for the block; give the root URL."""
        command = [sys.executable, "-m", "gateway.cli", "serve", "--port", "0", "--mllp-port", "0", "--json"]
        log = self.root.joinpath("serve.log") if self.root != ROOT else Path(self.env["YIYANG_HOME"]) / "serve.log"
        with (
            log.open("ab") as errors,
            subprocess.Popen(command, cwd=self.root, env=self.env, stdout=subprocess.PIPE, stderr=errors) as process,
        ):
            assert process.stdout is not None
            try:
                ready = json.loads(process.stdout.readline())
                assert "data" in ready, ready
                yield str(ready["data"]["base"]).removesuffix("/fhir")
            finally:
                process.terminate()
                said, _ = process.communicate(timeout=START_S)
                assert process.returncode in self.ends, said


def _elder(number: int) -> str:
    """Return a fictional identity number with a right check character (GB 11643-1999)."""
    body = f"4101991943{number % 12 + 1:02d}{number % 28 + 1:02d}{number * 2 % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


@dataclass
class Sender:
    """A hospital that sends discharges, one after the other, each until it has its AA."""

    token: Callable[[str], str]
    url: str = ""
    acknowledged: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    fault: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send for the block."""
        self._stop.clear()
        thread = threading.Thread(target=self._send)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(WITHIN_S)
            assert not self.fault, self.fault

    def wait(self, more: int) -> None:
        """Return when ``more`` messages have been acknowledged from now on."""
        wanted = len(self.acknowledged) + more
        end = time.monotonic() + WITHIN_S
        while len(self.acknowledged) < wanted:
            assert not self.fault, self.fault
            assert time.monotonic() < end, (len(self.acknowledged), wanted)
            time.sleep(0.02)

    def _send(self) -> None:
        while not self._stop.is_set():
            number = len(self.acknowledged)
            message = record("04_discharge.json")
            message["msgId"] = f"U-{uuid4()}"
            patient, encounter = message["data"]["patient"], message["data"]["encounter"]
            card = _elder(number)
            patient |= {"idCardNo": card, "birthDate": f"{card[6:10]}-{card[10:12]}-{card[12:14]}"}
            patient |= {"patId": f"P{number:07d}", "healthRecordNo": f"410199{number:011d}"}
            encounter |= {"admNo": f"ADM{number:07d}-1", "inpatNo": f"ZY{number:011d}"}
            self._deliver(message)

    def _deliver(self, message: dict[str, Any]) -> None:
        """Send until AA, as a sender does: the same id and content again after every silence."""
        end, last = time.monotonic() + WITHIN_S, ""
        while time.monotonic() < end:
            url = self.url
            try:
                head = {"Authorization": f"Bearer {self.token(url)}"}
                answer = httpx.post(f"{url}/intake/json-discharge", json=message, headers=head, timeout=10)
            except (httpx.HTTPError, AssertionError) as error:
                if url == self.url and isinstance(error, AssertionError):
                    self.fault = str(error)
                    return
                last = type(error).__name__
                time.sleep(0.05)
                continue
            said = answer.json()
            if said.get("success") == "AA":
                self.acknowledged.append(message["msgId"])
                self.seen[url] = self.seen.get(url, 0) + 1
                return
            last = answer.text
            if answer.status_code not in (401, 503):
                self.fault = answer.text
                return
        self.fault = f"no AA within the time, at last: {last}"


@pytest.fixture(scope="module")
def old_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    archive = subprocess.run(
        ["git", "archive", OLD_COMMIT, "gateway", "security", "mappings", "profiles"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


@pytest.fixture
def empty(pg_dsn: str) -> Iterator[str]:
    """Give a database with nothing in it."""
    with standing_database(pg_dsn, "upgrade") as made:
        yield made


@pytest.fixture
def programs(old_root: Path, empty: str, tmp_path: Path) -> tuple[Program, Program]:
    """The old program and this one, on one installation."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("YIYANG_")}
    env |= {
        "YIYANG_HOME": str(tmp_path / "home"),
        "YIYANG_DATABASE_URL": empty,
    }
    # The checkout is on the environment's path: the old program's folder has to stand before it.
    return (
        # Its pipeline did not bear a table that grows (mended since, see tests/gateway/store/test_schema_grows.py):
        # it went on answering, worked nothing off any more, and ended with 7.
        Program(old_root, {**env, "PYTHONPATH": str(old_root)}, ends=(0, 7)),
        Program(ROOT, {**env, "PYTHONPATH": str(ROOT)}),
    )


async def _states(dsn: str) -> dict[str, list[str]]:
    """Return the states of all rows of each message id."""
    names = {0: "received", 1: "received", 2: "stored", 3: "parked", 4: "dead"}
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT msg_id, state FROM inbox")
    await connection.close()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["msg_id"], []).append(names[row["state"]])
    return found


async def _encounters(dsn: str) -> int:
    from gateway.store.postgres.kinds import NUMBERS

    connection = await asyncpg.connect(dsn)
    count: int = await connection.fetchval("SELECT count(*) FROM res WHERE type = $1", NUMBERS["Encounter"])
    await connection.close()
    return count


def _settled(dsn: str) -> dict[str, list[str]]:
    """Return the states once nothing is received any more."""
    end = time.monotonic() + WITHIN_S
    while True:
        found = asyncio.run(_states(dsn))
        if not any("received" in states for states in found.values()):
            return found
        assert time.monotonic() < end
        time.sleep(0.05)


def _sender(program: Program) -> Sender:
    """Register the hospital and its HIS; return who sends for it."""
    program.run("org", "add", HOSPITAL, "--name", "示范市人民医院", "--tier", "hospital")
    program.run("org", "add", CENTRE, "--name", "示范中心", "--tier", "centre", "--parent", HOSPITAL)
    program.run(
        *("client", "add", "his", "--name", "HIS", "--role", "hisfeed", "--org", HOSPITAL, "--feed", "json-discharge")
    )
    kept: dict[str, tuple[float, str]] = {}

    def token(url: str) -> str:
        """Return a token of the gateway at ``url``; it is good for five minutes."""
        if url not in kept or time.monotonic() - kept[url][0] > 120:
            said = program.run("client", "token", "his", "--base", f"{url}/fhir")
            kept[url] = (time.monotonic(), said["data"]["accessToken"])
        return kept[url][1]

    return Sender(token)


def test_the_schema_is_upgraded_and_taken_back_under_load_and_every_aa_is_stored_once(
    programs: tuple[Program, Program], empty: str, tell: Callable[[str], None]
) -> None:
    old, new = programs
    old.run("init")
    assert asyncio.run(migrate.current(empty)) == OLD_HEAD
    sender = _sender(old)

    with old.serving() as old_url:
        sender.url = old_url
        with sender.sending():
            sender.wait(3)
            # Expand: the old program goes on while the schema grows, and after it.
            assert new.run("db", "upgrade")["data"] == {"before": OLD_HEAD, "after": migrate.head(), "changed": True}
            sender.wait(3)
            # The new one takes over beside it; then the old one goes.
            with new.serving() as new_url:
                sender.url = new_url
                sender.wait(4)
                sender.url = old_url
                sender.wait(1)
    upgraded = len(sender.acknowledged)
    with new.serving() as new_url:
        sender.url = new_url
        with sender.sending():
            sender.wait(3)
    verified = new.run("audit", "verify")["data"]

    # Back: the old program refuses a schema that it does not know, until it is taken back for it.
    assert old.run("inbox", "list", code=1)["problems"][0]["code"] == "CFG-003"
    assert new.run("db", "downgrade", OLD_HEAD, code=5)["problems"][0]["code"] == "CFG-008"
    assert new.run("db", "downgrade", OLD_HEAD, "--yes")["data"]["after"] == OLD_HEAD
    with old.serving() as old_url:
        sender.url = old_url
        with sender.sending():
            sender.wait(3)
        states = _settled(empty)
    back = old.run("audit", "verify")["data"]

    # And forth again, for good.
    new.run("db", "upgrade")
    new.run("audit", "verify")
    assert [message for message in sender.acknowledged if states[message] != ["stored"]] == []
    assert asyncio.run(_encounters(empty)) == len(set(sender.acknowledged))
    assert back["events"] > verified["events"]
    tell(f"upgrade: {len(sender.acknowledged)} AA ({upgraded} around the upgrade), 0 lost, 0 twice, journal whole")


def test_records_are_never_dropped_by_a_downgrade(programs: tuple[Program, Program]) -> None:
    _, new = programs
    new.run("init")

    for revision in ("0002", "0001", "base", "9999"):
        said = new.run("db", "downgrade", revision, "--yes", code=2)
        assert said["problems"][0]["code"] == "CFG-007"


async def test_a_program_runs_on_a_newer_schema_that_says_it_may(database: str) -> None:
    await execute(database, "UPDATE alembic_version SET version_num = '9998'")

    assert await migrate.demand_fit(database) == "9998"


@pytest.mark.parametrize("floor", ["9998", ""], ids=["higher", "unsaid"])
async def test_a_program_refuses_a_newer_schema_that_does_not(database: str, floor: str) -> None:
    from gateway.fhir.problem import Problem

    await execute(database, "UPDATE alembic_version SET version_num = '9998'")
    await execute(database, "UPDATE schema_floor SET revision = '9998'" if floor else "DELETE FROM schema_floor")

    with pytest.raises(Problem) as refused:
        await migrate.demand_fit(database)

    assert refused.value.code == "CFG-003"


async def test_a_program_refuses_an_older_schema(database: str) -> None:
    from gateway.fhir.problem import Problem

    await migrate.downgrade(database, OLD_HEAD)

    with pytest.raises(Problem) as refused:
        await migrate.demand_fit(database)

    assert refused.value.detail == {"found": OLD_HEAD, "wanted": migrate.head()}
