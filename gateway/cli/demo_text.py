"""The curl lines of the demo: they work as they are printed, from any folder, while the demo runs."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.cli.shell import Both
from gateway.demo.county import STATION, Elder
from gateway.demo.doors import CARD


def curl_lines(doors: Mapping[str, Any], elder: Elder, home: Path) -> Iterator[Both]:
    """Yield a line that says what follows, then the line to paste."""
    base = doors["base"]
    yield from _line("这台服务器会什么", "what this server can do", f"curl -s {base}/metadata")
    plans = f"-d 'patient.identifier={CARD}|{elder.card}' {base}/CarePlan/_search"
    yield from _line(
        "社区站按身份证号拉取照护计划",
        "the station pulls a care plan by identity number",
        _authorised("station-doctor", plans, home),
    )
    tasks = f"'{base}/Task?owner=Organization/{STATION}&status=requested'"
    yield from _line("社区站的待办随访", "the station's follow-ups", _authorised("station-doctor", tasks, home))
    entries = f"'{base}/AuditEvent?_count=5'"
    yield from _line("审计员查看最近的记录", "the auditor's newest entries", _authorised("auditor", entries, home))


def _line(zh: str, en: str, line: str) -> Iterator[Both]:
    yield f"# {zh}", f"# {en}"
    yield line, line


def _authorised(client: str, rest: str, home: Path) -> str:
    token = f"{_command()} client token {client} --home {shlex.quote(str(home))}"
    return f'curl -s -H "Authorization: Bearer $({token})" {rest}'


def _command() -> str:
    """Return how this program is called from a shell."""
    started = Path(sys.argv[0])
    if started.name == "yiyang" and started.exists():
        found = shutil.which("yiyang")
        here = started.resolve()
        return "yiyang" if found and Path(found).resolve() == here else shlex.quote(str(here))
    return f"{shlex.quote(sys.executable)} -m gateway.cli"
