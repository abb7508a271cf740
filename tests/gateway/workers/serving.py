"""`yiyang serve` as an operator runs it: processes of their own, an embedded PostgreSQL, a client that asks by HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from tests.flows.town import CENTRE, HOSPITAL, STATION, consent, record

LIMIT_S = 60.0
"""For a machine that does much else beside the tests; everything here takes seconds."""
Doc = dict[str, Any]


class Gateway:
    """A running `yiyang serve` and its people."""

    def __init__(self, process: subprocess.Popen[str], ready: Doc, environment: dict[str, str]) -> None:
        self.process, self.ready, self._environment = process, ready, environment
        self.http = httpx.Client(timeout=10, trust_env=False)
        self._tokens: dict[str, tuple[float, str]] = {}

    @property
    def home(self) -> Path:
        return Path(self._environment["YIYANG_HOME"])

    @property
    def workers(self) -> list[int]:
        """Return the workers that live now: children of the parent but for the database's keeper."""
        return [pid for pid in _children(self.process.pid) if b"gateway.cli.worker" in _command(pid)]

    @property
    def postmaster(self) -> int:
        return int((self.home / "pg" / "postmaster.pid").read_text().splitlines()[0])

    def yiyang(self, *words: str) -> Doc:
        """Run a word beside the gateway; return the data of its answer."""
        return _yiyang(self._environment, *words)

    def token(self, client: str) -> str:
        until, token = self._tokens.get(client, (0.0, ""))
        if time.monotonic() > until:
            token = self.yiyang("client", "token", client, "--json")["accessToken"]
            self._tokens[client] = (time.monotonic() + 200, token)
        return token

    def post(self, client: str, feed: str, message: Doc) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(client)}", "Content-Type": "application/json"}
        body = json.dumps(message, ensure_ascii=False).encode()
        return self.http.post(f"{self.ready['intake']}/{feed}", content=body, headers=headers)

    def accepted(self, client: str, feed: str, message: Doc) -> None:
        """Send until AA, as a sender does whom nobody answered; demand that it is stored."""
        until(lambda: self._is(lambda: self._is_taken(client, feed, message)))
        receipt = f"{self.ready['intake']}/{feed}/{message['msgId']}"
        headers = {"Authorization": f"Bearer {self.token(client)}"}
        until(lambda: self._is(lambda: self.http.get(receipt, headers=headers).json()["data"]["state"] == "stored"))

    def _is_taken(self, client: str, feed: str, message: Doc) -> bool:
        answer = self.post(client, feed, message)
        assert answer.status_code >= 500 or answer.json()["success"] == "AA", answer.text
        return answer.status_code == 200

    def finds(self, client: str, path: str) -> bool:
        """Tell whether ``client`` finds anything."""
        headers = {"Authorization": f"Bearer {self.token(client)}"}
        return self._is(
            lambda: bool(self.http.get(f"{self.ready['base']}/{path}", headers=headers).json().get("entry"))
        )

    def is_ready(self) -> bool:
        """Tell whether every door stands open, asked anew."""
        url = f"{self.ready['base'].removesuffix('/fhir')}/ready"
        return self._is(lambda: httpx.get(url, timeout=5, trust_env=False).status_code == 200)

    def _is(self, ask: Callable[[], bool]) -> bool:
        try:
            return ask()
        except (httpx.TransportError, KeyError, ValueError):
            self.http.close()
            self.http = httpx.Client(timeout=10, trust_env=False)
            return False

    def stop(self) -> int:
        """Tell it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)


@contextmanager
def serving(home: Path, *words: str) -> Iterator[Gateway]:
    """Run `yiyang serve` on ``home``, which is made ready on first use, until the block ends."""
    environment = {**os.environ, "YIYANG_HOME": str(home), "YIYANG_DATABASE_URL": ""}
    new = not home.exists()
    if new:
        _yiyang(environment, "init")
    command = [*_CLI, "serve", "--port", "0", "--mllp-port", "0", "--json", *words]
    with (home / "serve.log").open("a") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    gateway = None
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert '"ok":true' in said, said
        gateway = Gateway(process, orjson.loads(said)["data"], environment)
        for each in _PARTIES if new else ():
            gateway.yiyang(*each)
        yield gateway
    finally:
        if gateway is not None:
            gateway.http.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        process.wait(LIMIT_S)
        process.communicate()


_PARTIES = (
    ("org", "add", HOSPITAL, "--name", "示范市人民医院", "--tier", "hospital"),
    ("org", "add", CENTRE, "--name", "柳荫街道医养服务中心", "--tier", "centre", "--parent", HOSPITAL),
    ("org", "add", STATION, "--name", "柳荫社区医养服务站", "--tier", "station", "--parent", CENTRE),
    (*("client", "add", "his", "--name", "HIS", "--role", "hisfeed", "--org", HOSPITAL),
     *("--feed", "json-discharge", "--feed", "sharing-consent")),
    ("client", "add", "doctor", "--name", "医师", "--role", "centre-doctor", "--org", CENTRE),
)  # fmt: skip
_CLI = (sys.executable, "-m", "gateway.cli")


def _yiyang(environment: dict[str, str], *words: str) -> Doc:
    done = subprocess.run([*_CLI, *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: Doc = orjson.loads(done.stdout)["data"]
    return answer


def until(what: Callable[[], object]) -> float:
    """Ask until ``what`` holds; return the seconds it took, fail when it never does."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < LIMIT_S, "it did not come"
        time.sleep(0.05)
    return time.monotonic() - began


def lives(pid: int) -> bool:
    """Tell whether the process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def story(gateway: Gateway) -> None:
    """Send the consent and the discharge of one elder, each accepted and stored."""
    gateway.accepted("his", "sharing-consent", consent())
    gateway.accepted("his", "json-discharge", record("04_discharge.json"))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
