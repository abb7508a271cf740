"""The demo, with few elders: the story holds, again and again, and a script gets what it needs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli import main
from tests.gateway.cli.conftest import Yiyang

WAIT_S = 120
CLIENTS = {
    "hospital-his",
    "centre-doctor",
    "centre-nurse",
    "station-doctor",
    "station-carer",
    "other-station-carer",
    "auditor",
}


def _started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gateway.cli", "demo", "--elders", "4", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _stopped(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=WAIT_S)
    return process.returncode, out


@pytest.fixture
def once(home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["demo", "--once", "--elders", "4", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_story_holds_and_holds_again_on_the_same_data(
    once: dict[str, Any], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert once["schema"] == "yiyang.demo.once/1"
    assert len(once["data"]["steps"]) == 14

    assert main(["demo", "--once", "--no-json"]) == 0

    assert json.loads((home / "demo.json").read_bytes())["told"] == 2
    assert "14" in capsys.readouterr().out


def test_a_script_gets_doors_processes_and_tokens(home: Path) -> None:
    process = _started("--json")
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    data = ready["data"]
    answers = {
        name: httpx.get(f"{data['base']}/AuditEvent", headers={"Authorization": f"Bearer {one['accessToken']}"})
        for name, one in data["clients"].items()
    }
    pids = [pid for pid in data["pids"] if Path(f"/proc/{pid}").exists() or not Path("/proc").exists()]
    code, _ = _stopped(process)

    assert (ready["ok"], ready["schema"]) == (True, "yiyang.demo.ready/1")
    assert data.keys() == {"base", "intake", "tokenEndpoint", "mllp", "pids", "clients"}
    assert data["clients"].keys() == CLIENTS
    assert all(Path(one["keyFile"]).stat().st_mode & 0o777 == 0o600 for one in data["clients"].values())
    assert {name: answer.status_code for name, answer in answers.items()}["auditor"] == httpx.codes.OK
    assert pids == data["pids"]
    assert pids[0] == process.pid
    assert code == 0


def test_the_printed_lines_work_as_printed(home: Path) -> None:
    process = _started("--no-json", "--lang", "en")
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or "Ctrl+C" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], "the demo ended before it was ready"
    curls = [line for line in lines if line.startswith("curl ")]
    answers = [
        json.loads(subprocess.run(["sh", "-c", line], capture_output=True, check=True, env=dict(os.environ)).stdout)
        for line in curls
    ]
    code, _ = _stopped(process)

    assert [answer["resourceType"] for answer in answers] == ["CapabilityStatement", "Bundle", "Bundle", "Bundle"]
    assert all(answer["entry"] for answer in answers[1:])
    assert code == 0


def test_the_demo_stays_out_of_a_real_installation(installed: Yiyang) -> None:
    said = installed("demo", "--once")

    assert (said.code, said.err[:7]) == (5, "CLI-013")
