"""The admin listener and the log of real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.cli.conftest import STATION, Yiyang
from tests.scraped import samples

START_S = 60
WITHIN_S = 30


@contextmanager
def _serving(errors: Path, *words: str) -> Iterator[dict[str, Any]]:
    """Run `yiyang serve` with an admin listener; give what it says when ready. Its log goes to ``errors``."""
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", "0", "--mllp-port", "0", "--json", *words]
    env = {**os.environ, "YIYANG_ADMIN_PORT": "0"}
    with errors.open("wb") as err, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, env=env) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert b"data" in line, line + errors.read_bytes()
            yield json.loads(line)["data"]
        finally:
            process.terminate()
            process.wait(START_S)


def _admin(ready: dict[str, Any], path: str) -> httpx.Response:
    # A connection a request: whichever worker takes it answers.
    return httpx.get(f"http://{ready['admin']['host']}:{ready['admin']['port']}{path}")


def _until(ready: dict[str, Any], name: str, value: float) -> dict[str, float]:
    """Return the metrics as soon as ``name`` is ``value``: siblings tell theirs within a second or so."""
    end = time.monotonic() + WITHIN_S
    while (found := samples(_admin(ready, "/metrics").text)).get(name) != value:
        assert time.monotonic() < end, (name, found.get(name))
    return found


@pytest.fixture
def errors(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_workers_share_the_admin_port_and_each_answers_for_all(installed: Yiyang, errors: Path) -> None:
    installed("client", "add", "carer", "--name", "护理员", "--role", "station-carer", "--org", STATION)

    with _serving(errors, "--workers", "2") as ready:
        token = installed("client", "token", "carer").out.strip()
        for _ in range(20):
            httpx.get(f"{ready['base']}/Task", headers={"Authorization": f"Bearer {token}"})
        name = "yiyang_http_requests_total|/fhir/{kind}|GET|200|station-carer"
        told = {_until(ready, name, 20)[name] for _ in range(6)}
        found = _until(ready, "yiyang_processes", 2)
        writers = [key for key in found if key.startswith("yiyang_audit_chain_height|gateway")]
        healthy = [_admin(ready, path).status_code for path in ("/readyz", "/livez", "/startupz", "/version")]

    assert told == {20}
    assert len(writers) == 2
    assert healthy == [200] * 4


def test_what_a_worker_counted_outlives_it(installed: Yiyang, errors: Path) -> None:
    with _serving(errors, "--workers", "2") as ready:
        for _ in range(10):
            httpx.get(f"{ready['base']}/metadata")
        name = "yiyang_http_requests_total|/fhir/metadata|GET|200|none"
        _until(ready, name, 10)
        os.kill(ready["workers"][0], signal.SIGKILL)
        after = _until(ready, "yiyang_processes", 2)

    assert after[name] == 10
    events = [json.loads(line)["event"] for line in errors.read_text(encoding="utf-8").splitlines()]
    assert "worker.ended" in events


def test_the_log_is_lines_of_json_from_the_first_to_the_last(installed: Yiyang, errors: Path) -> None:
    with _serving(errors) as ready:
        httpx.get(f"{ready['base']}/Task?name=canarie")

    lines = [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()]
    events = [line["event"] for line in lines]
    assert (events[0], events[-1]) == ("gateway.start", "gateway.stop")
    assert {"gateway.ready", "http.request"} <= set(events)
    assert "canarie" not in errors.read_text(encoding="utf-8")


def test_without_the_setting_there_is_no_listener_and_no_file(installed: Yiyang, home: Path) -> None:
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", "0", "--mllp-port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())["data"]
        process.terminate()
        process.wait(START_S)

    assert "admin" not in ready
    assert not (home / "metrics").exists()


def test_an_admin_address_beyond_this_machine_is_refused_in_the_clear(
    installed: Yiyang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIYANG_ADMIN_HOST", "192.0.2.1")

    said = installed("serve")

    assert (said.code, said.codes) == (5, ["CLI-012"])
